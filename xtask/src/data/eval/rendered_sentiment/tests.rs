//! Packages that tests make, in the layout of the true ones.

use std::fs;

use clip_data::{LabelledFiles, LabelledImages, ShardOpener};

use super::super::tests::{gzipped, write_zip};
use super::*;
use crate::data::deb::tests::{tar_of, write_deb};

const WANTED: PerClass = PerClass { train: 2, test: 1 };
const SOURCE: &str = "vaderSentiment-0.5.zip";

/// Writes the fonts' packages, with `bytes` for each font.
fn write_fonts(folder: &Path, bytes: &[u8]) -> Result<()> {
    for FontId { package, file } in FONTS {
        let path = format!("./usr/share/fonts/open{file}");
        write_deb(folder, package, "data.tar", &tar_of(&[(&path, bytes.to_vec())])?)?;
    }
    Ok(())
}

/// Writes the package of snippets, as it is: a `.tar.gz` in a zip archive.
fn write_snippets(folder: &Path, table: &str) -> Result<()> {
    let tar = tar_of(&[
        ("hutto_ICWSM_2014/tweets_GroundTruth.txt", b"1\t2.5\tnot this one".to_vec()),
        (snippets::MEMBER, table.as_bytes().to_vec()),
    ])?;
    write_zip(&folder.join(SOURCE), ARCHIVE, &gzipped(&tar)?)
}

/// Four sentences of each class, and two that are not clear.
fn table() -> String {
    let mut table = "\u{feff}1\t0.6\ta fine enough time\r\n2\t-1.4\tnot too good".to_owned();
    for number in 0..8 {
        let rating = if number % 2 == 0 { "-2.5" } else { "3.06666666667" };
        table.push_str(&format!("\r\n{}\t{rating}\tfilm{number} word{number} &amp;", number + 3));
    }
    table
}

fn message(out: &Path, from: &Path) -> String {
    fetch(out, Some(from), WANTED).err().map(|error| format!("{error:#}")).unwrap_or_default()
}

#[test]
fn sentences_become_shards_the_same_each_time() -> Result<()> {
    let (from, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    write_fonts(from.path(), font_test_data::AHEM)?;
    write_snippets(from.path(), &table())?;
    let mut files = Vec::new();
    for _ in 0..2 {
        let (folder, images) = fetch(out.path(), Some(from.path()), WANTED)?;
        assert_eq!(images, "4 images to learn from and 2 to measure on");
        for (split, count) in [("train", 4), ("test", 2)] {
            let shards = [folder.join(split).to_string_lossy().into_owned()];
            let opened = LabelledFiles::shards(&shards, &ShardOpener::default())?;
            assert_eq!(opened.class_names(), ["negative", "positive"]);
            let positive = opened.labels().iter().filter(|label| **label == 1).count();
            assert_eq!((opened.len(), positive), (count, count / 2));
            let image = opened.image(0)?.to_luma8();
            assert_eq!(image.dimensions(), (448, 448));
            // Eleven letters, each a square of 40 pixels.
            let black = image.pixels().filter(|pixel| pixel.0[0] == 0).count();
            assert_eq!(black, 11 * 40 * 40);
            files.push(fs::read(folder.join(split).join("000000.tar"))?);
        }
    }
    assert!(files[..2] == files[2..]);
    Ok(())
}

#[test]
fn packages_that_are_missing_are_named_with_their_remedy() -> Result<()> {
    let (from, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let text = message(out.path(), from.path());
    assert!(text.contains("`pip download --no-deps vaderSentiment==0.5` gets one"), "{text}");
    write_snippets(from.path(), &table())?;
    let text = message(out.path(), from.path());
    assert!(text.contains("`apt-get download fonts-open-sans=1.11-2`"), "{text}");
    assert!(!out.path().join("rendered_sentiment").exists());
    Ok(())
}

#[test]
fn packages_that_hold_something_else_are_told() -> Result<()> {
    let (from, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let source = from.path().join(SOURCE);
    let said = || message(out.path(), from.path());
    fs::write(&source, "half of it")?;
    assert!(said().contains(SOURCE), "{}", said());
    write_zip(&source, "vaderSentiment-0.5/README.md", b"")?;
    assert!(said().contains("cannot read vaderSentiment-0.5/additional_resources"), "{}", said());
    write_zip(&source, ARCHIVE, &gzipped(&tar_of(&[("README", Vec::new())])?)?)?;
    assert!(said().contains(snippets::MEMBER), "{}", said());
    write_snippets(from.path(), "1\t2.5\tgood\n2\t-2.5")?;
    assert!(said().contains("line 2 of"), "{}", said());
    write_snippets(from.path(), "1\t2.5\tgood")?;
    assert!(said().contains("has 0 clear negative sentences and not 3"), "{}", said());
    write_snippets(from.path(), &table())?;
    write_fonts(from.path(), b"no font")?;
    assert!(said().contains("/OpenSans-Regular.ttf in fonts-open-sans_1.11-2_all.deb is no font"));
    let FontId { package, .. } = FONTS[3];
    write_fonts(from.path(), font_test_data::AHEM)?;
    write_deb(from.path(), package, "data.tar", &tar_of(&[("./readme", Vec::new())])?)?;
    assert!(said().contains("there is no /DejaVuSerif.ttf in fonts-dejavu-core"), "{}", said());
    Ok(())
}
