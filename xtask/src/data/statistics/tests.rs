use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Result, anyhow};
use image::{DynamicImage, ImageFormat};
use tar::{Builder, Header};

use super::*;

/// A tar of drawings with these captions, of which every other image is clear.
fn shard(path: &Path, captions: &[&str]) -> Result<()> {
    let mut tar = Builder::new(fs::File::create(path)?);
    for (number, caption) in captions.iter().enumerate() {
        let side = 20 + number as u32;
        let image = match number % 2 {
            0 => DynamicImage::new_rgba8(side, 20),
            _ => DynamicImage::new_rgb8(side * 10, 300),
        };
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png)?;
        let files = [("png", png.into_inner()), ("txt", caption.as_bytes().to_vec())];
        for (extension, bytes) in files {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, format!("{number}.{extension}"), bytes.as_slice())?;
        }
    }
    Ok(tar.finish()?)
}

fn render(folder: &Path) -> Result<String> {
    let spec = folder.to_string_lossy().into_owned();
    let corpus = Corpus::open(&[spec], &PairOptions::default())?;
    let (config, threads) = (StatisticsConfig::default(), NonZero::<usize>::MIN);
    let go_on = |_| std::ops::ControlFlow::Continue(());
    let statistics = gather(corpus.parts(), |part| corpus.part(part), &config, threads, go_on);
    let statistics = statistics.ok_or_else(|| anyhow!("stopped"))?;
    let thumbnails: Vec<_> = statistics.picks.iter().map(Thumbnail::of).collect();
    let (statistics, thumbnails) = (&statistics, thumbnails.as_slice());
    Ok(page::Page { title: "<T>", shards: true, statistics, thumbnails }.render())
}

/// Every element that needs a closing tag has one.
fn assert_balanced(html: &str) {
    let body = html.split("</style>").nth(1).unwrap_or_default();
    for tag in [
        "svg", "table", "thead", "tbody", "tr", "th", "td", "figure", "section", "dl", "div", "ol",
        "ul", "li", "p", "text", "rect", "title", "span", "bdi", "small", "b", "i", "main",
    ] {
        let opened =
            body.matches(&format!("<{tag}>")).count() + body.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, body.matches(&format!("</{tag}>")).count(), "<{tag}>");
    }
}

#[test]
fn hostile_captions_stay_text() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let long = "long ".repeat(2000);
    let captions = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</bdi></style>",
        "\u{202e}backwards\u{0}\u{7}",
        "قطة على حصيرة",
        &long,
        "猫と犬",
    ];
    shard(&folder.path().join("0.tar"), &captions)?;
    let html = render(folder.path())?;
    assert!(html.contains("&lt;script&gt;") && html.contains("&lt;T&gt;"));
    assert!(!html.contains("<script") && !html.contains("<img src") && !html.contains('\0'));
    assert_eq!(html.matches("</style>").count(), 1);
    assert!(!html.contains(&"long ".repeat(100)), "a long caption is cut");
    assert!(html.contains("Arabic") && html.contains("Han"));
    assert_balanced(&html);
    Ok(())
}

#[test]
fn a_corpus_without_a_sample_is_a_page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("0.tar"), "no tar")?;
    let html = render(folder.path())?;
    assert!(html.contains("No sample was found.") && html.contains("broken shard"));
    assert!(!html.contains("NaN") && !html.contains("inf%"));
    assert_balanced(&html);
    Ok(())
}

#[test]
fn what_stands_out_is_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    shard(&folder.path().join("0.tar"), &["a cat", "a cat", "a cat", " ", "Один кот"])?;
    let html = render(folder.path())?;
    for said in [
        "4 of 5 samples are usable: 80.0%.",
        "1 sample (20.0%) cannot be used",
        "60.0% of the images have an alpha channel",
        "50.0% of the captions repeat an earlier one",
        "25.0% of the captions are not in Latin script",
        "no caption</h3><p>1 sample (20.0% of all)",
    ] {
        assert!(html.contains(said), "{said}");
    }
    assert_balanced(&html);
    Ok(())
}

#[test]
fn the_command_writes_all_three_files_and_nothing_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    shard(&path("0.tar"), &["a cat", "a dog"])?;
    let args = |out: PathBuf| StatsArgs {
        csv_img_key: String::new(),
        csv_caption_key: String::new(),
        corpus: vec![path("0.tar").to_string_lossy().into_owned()],
        out,
        samples: 1,
        seed: 3,
        json: Some(path("numbers.json")),
        contact_sheet: Some(path("sheet.png")),
        title: None,
        threads: None,
    };
    let message = run(&args(path("nowhere/page.html"))).err().map(|error| error.to_string());
    assert!(message.is_some_and(|text| text.contains("nowhere is no folder: make it first")));
    run(&args(path("page.html")))?;
    let mut names: Vec<_> =
        fs::read_dir(folder.path())?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    names.sort();
    assert_eq!(names, ["0.tar", "numbers.json", "page.html", "sheet.png"]);
    let numbers: serde_json::Value = serde_json::from_slice(&fs::read(path("numbers.json"))?)?;
    assert_eq!(
        (&numbers["samples"], &numbers["captions"]["words"]["median"]),
        (&2.into(), &2.into())
    );
    assert!(fs::read_to_string(path("page.html"))?.contains("1 sample picked at random"));
    image::load_from_memory(&fs::read(path("sheet.png"))?)?;
    Ok(())
}
