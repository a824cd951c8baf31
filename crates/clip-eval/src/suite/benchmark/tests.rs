//! A small model on data sets in the form that they are published in.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use clip_model::preprocess::ImageTransform;
use clip_model::{ClipConfig, Pretrained};
use image::{Rgb, RgbImage};

use super::*;
use crate::dataset;

fn model() -> Pretrained {
    let config = ClipConfig::preset("ViT-nano").unwrap();
    let model = config.init(&Device::flex(), 0).unwrap();
    let transform = ImageTransform::openai(config.vision_cfg.image_size);
    Pretrained::new(model, config, transform).unwrap()
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn photo(root: &Path, file: &str, shade: u8) {
    write(root, file, "");
    RgbImage::from_fn(24, 24, |x, y| Rgb([shade, 9 * x as u8, 7 * y as u8]))
        .save(root.join(file))
        .unwrap();
}

/// Two images and captions of Winoground, of COCO and, twice the same image, of SugarCrepe.
fn captions(root: &Path) {
    for number in 0..2u8 {
        photo(root, &format!("winoground/images/ex_0_img_{number}.png"), 80 * number);
        photo(root, &format!("mscoco/val2017/{number}.png"), 80 * number);
        photo(root, &format!("sugar_crepe/val2017/{number}.png"), 80 * number);
    }
    let line = r#"{"id": 0, "image_0": "ex_0_img_0", "image_1": "ex_0_img_1", "caption_0": "a b", "caption_1": "b a"}"#;
    write(root, "winoground/examples.jsonl", line);
    let entry = r#"{"filename": "1.png", "caption": "a b", "negative_caption": "b a"}"#;
    let entries = format!(r#"{{"0": {entry}, "3": {entry}}}"#);
    write(root, "sugar_crepe/swap_att.json", &entries);
    let images = r#"[{"id": 4, "file_name": "0.png"}, {"id": 5, "file_name": "1.png"}]"#;
    let texts = r#"[{"image_id": 5, "caption": "a b"}, {"image_id": 4, "caption": "b"}]"#;
    let json = format!(r#"{{"images": {images}, "annotations": {texts}}}"#);
    write(root, "mscoco/annotations/captions_val2017.json", &json);
}

/// Words that scipy wrote for clip-data.
fn words(root: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clip-data/tests/labelled/iiit5k");
    let folder = root.join("iiit5k");
    fs::create_dir_all(folder.join("test")).unwrap();
    for file in ["testdata.mat", "test/1002_1.png", "test/1009_1.png", "test/1010_1.png"] {
        fs::copy(fixture.join("IIIT5K").join(file), folder.join(file)).unwrap();
    }
}

/// The report on the data sets in `data`, and how many images were encoded for it.
fn measured(
    folder: &Path,
    clip: &Pretrained,
    names: &[&str],
    task: BenchmarkTask,
) -> (BenchmarkReport, usize) {
    let encoded = Cell::new(0);
    let tell = |event: BenchmarkEvent<'_>| {
        if let BenchmarkEvent::Working { done, total, .. } = event
            && done == total
        {
            encoded.set(encoded.get() + total);
        }
    };
    let config = BenchmarkConfig {
        data: folder.join("data"),
        out: folder.join("out"),
        tasks: vec![task],
        any_count: true,
        frames: 1,
        datasets: names.iter().map(|name| dataset(name).unwrap()).collect(),
        languages: Vec::new(),
        training: Vec::new(),
    };
    let mut benchmark = Benchmark::new(config, &tell);
    benchmark.measure("nano", clip).unwrap();
    (benchmark.finish().unwrap(), encoded.get())
}

#[test]
fn captions_are_chosen_words_read_and_what_was_measured_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    captions(&data);
    words(&data);
    let clip = model();
    let names = ["winoground", "sugar_crepe/swap_att", "sugar_crepe/add_att", "mscoco", "iiit5k"];
    let run = || measured(folder.path(), &clip, &names, BenchmarkTask::ZeroShot);
    let (report, encoded) = run();
    // SugarCrepe's examples share their image.
    assert_eq!(encoded, 2 + 1 + 2 + 3);
    let of = |row: &Row| {
        let e = &row.evaluation;
        (e.dataset.clone(), e.task.clone(), e.metric.clone(), e.n)
    };
    let row = |dataset: &str, task: &str, metric: &str, n| {
        (dataset.to_owned(), task.to_owned(), metric.to_owned(), n)
    };
    let mut rows: Vec<_> = report.rows.iter().map(of).collect();
    rows.retain(|row| row.0 != "mscoco" || row.2 == "recall@1");
    let expected = [
        row("winoground", "group_selection", "group_score", 1),
        row("winoground", "text_selection", "text_score", 1),
        row("winoground", "image_selection", "image_score", 1),
        row("sugar_crepe_swap_att", "text_selection", "text_score", 2),
        row("mscoco", "image_to_text", "recall@1", 2),
        row("mscoco", "text_to_image", "recall@1", 2),
        row("iiit5k", "zero_shot", "top1", 3),
        row("iiit5k", "zero_shot_50", "top1", 3),
    ];
    assert_eq!(rows, expected);
    let absent = &report.absent[0];
    assert!(absent.0 == "sugar_crepe_add_att" && absent.1.contains("add_att.json"), "{absent:?}");
    let (again, encoded) = run();
    assert_eq!((again.rows, encoded), (report.rows, 0));
    // Another caption is measured anew, of features that are kept.
    write(
        &data,
        "sugar_crepe/swap_att.json",
        r#"{"0": {"filename": "1.png", "caption": "a", "negative_caption": "b"}}"#,
    );
    let (other, encoded) = run();
    let swapped = other.rows.iter().find(|row| row.evaluation.dataset == "sugar_crepe_swap_att");
    assert_eq!((swapped.unwrap().evaluation.n, encoded), (1, 0));
}

/// Shards of images, `shades` telling the class.
fn shard(root: &Path, file: &str, shades: &[u8], classes: usize) {
    let mut tar = tar::Builder::new(Vec::new());
    let mut append = |name: String, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).unwrap();
    };
    for (number, shade) in shades.iter().enumerate() {
        let image = RgbImage::from_fn(24, 24, |x, _| Rgb([*shade, 200 - shade, 7 * x as u8]));
        let mut png = std::io::Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        append(format!("{number}.png"), png.get_ref());
        append(format!("{number}.cls"), (shade / 40).to_string().as_bytes());
    }
    write(root, file, "");
    fs::write(root.join(file), tar.into_inner().unwrap()).unwrap();
    let names: String = (0..classes).map(|class| format!("class {class}\n")).collect();
    write(root, &format!("{}/classnames.txt", file.split('/').next().unwrap()), &names);
}

#[test]
fn a_probe_of_imagenet_is_measured_on_its_shifts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let shades: Vec<u8> = (0..60).map(|number| 40 * (number % 4) + number / 4).collect();
    shard(&data, "imagenet/train/0.tar", &shades, 4);
    shard(&data, "imagenet/test/0.tar", &[5, 45, 85, 125], 4);
    shard(&data, "imagenet_v2/test/0.tar", &[8, 48, 88, 128, 2], 1000);
    shard(&data, "imagenet_r/test/0.tar", &[9], 3);
    let clip = model();
    let run = |names: &[&str]| measured(folder.path(), &clip, names, BenchmarkTask::LinearProbe);
    let (alone, encoded) = run(&["imagenet_v2"]);
    let shift = &alone.rows[0].evaluation;
    assert_eq!((shift.task.as_str(), shift.value, shift.n), ("linear_probe", 1.0, 5));
    assert_eq!((shift.chance, encoded), (1e-3, 60 + 5));
    // The same probe, so that only what it is measured on is encoded.
    let (together, encoded) = run(&["imagenet", "imagenet_v2", "imagenet_r"]);
    let of = |row: &Row| (row.evaluation.dataset.clone(), row.evaluation.value);
    let rows: Vec<_> = together.rows.iter().map(of).collect();
    assert_eq!(rows, [("imagenet".to_owned(), 1.0), ("imagenet_v2".to_owned(), 1.0)]);
    assert_eq!(encoded, 4);
    let why = "no probe: it has 3 classes and not 200".to_owned();
    assert_eq!(together.absent, [("imagenet_r".to_owned(), why)]);
}
