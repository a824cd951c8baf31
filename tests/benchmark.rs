//! The `benchmark` example, as a person meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use burn::tensor::Device;
use clip_model::preprocess::ImageTransform;
use clip_model::{ClipConfig, Pretrained};
use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::program::program;

/// Data sets of a folder for each class, with their numbers of classes.
const DATASETS: [(&str, usize); 5] =
    [("sst2", 2), ("pcam", 2), ("kitti_distance", 4), ("clevr_counts", 8), ("eurosat", 10)];
const MODELS: [&str; 3] = ["one", "two", "three"];

fn models(folder: &Path) {
    for (seed, name) in MODELS.iter().enumerate() {
        let config = ClipConfig::preset("ViT-nano").unwrap();
        let model = config.init(&Device::flex(), seed as u64).unwrap();
        let transform = ImageTransform::openai(config.vision_cfg.image_size);
        let model = Pretrained::new(model, config, transform).unwrap();
        model.save_open_clip(&folder.join(name)).unwrap();
    }
}

fn data_sets(folder: &Path) {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for (name, classes) in DATASETS {
        for (split, images) in [("train", 6), ("test", 4)] {
            for class in 0..classes {
                let folder = folder.join(name).join(split).join(format!("{class:02}"));
                fs::create_dir_all(&folder).unwrap();
                for image in 0..images {
                    let shade = (20 * class) as u8;
                    let pixel = |_, _| Rgb([shade, random.random(), 255 - shade]);
                    let path = folder.join(format!("{image}.png"));
                    RgbImage::from_fn(24, 24, pixel).save(path).unwrap();
                }
            }
        }
    }
}

/// Images with several classes, and images with captions.
fn other_sets(folder: &Path) {
    let (voc, flickr) = (folder.join("voc2007"), folder.join("flickr8k/test"));
    for part in ["ImageSets/Main", "Annotations", "JPEGImages"] {
        fs::create_dir_all(voc.join(part)).unwrap();
    }
    fs::create_dir_all(&flickr).unwrap();
    fs::write(voc.join("ImageSets/Main/test.txt"), "000001\n000002\n").unwrap();
    for (number, class) in ["cat", "sofa"].iter().enumerate() {
        let name = format!("00000{}", number + 1);
        let object = format!("<a><object><name>{class}</name></object></a>");
        fs::write(voc.join(format!("Annotations/{name}.xml")), object).unwrap();
        let image = RgbImage::from_pixel(20, 20, Rgb([200 * number as u8, 90, 90]));
        image.save(voc.join(format!("JPEGImages/{name}.jpg"))).unwrap();
        image.save(flickr.join(format!("{name}.png"))).unwrap();
        fs::write(flickr.join(format!("{name}.txt")), format!("a {class}\nthe {class}\n")).unwrap();
    }
}

fn command(folder: &Path, out: &str) -> Command {
    let mut command = Command::new(program("benchmark"));
    command.current_dir(folder).args(["--model", "one", "--also", "two", "three", "--any-count"]);
    command.args(["--tasks", "zero-shot", "linear-probe", "few-shot", "--out", out, "--datasets"]);
    command.args(DATASETS.map(|(name, _)| name)).args(["voc2007", "flickr8k", "cars", "im2gps"]);
    command
}

#[test]
fn a_benchmark_that_is_killed_ends_with_the_same_table() {
    let folder = tempfile::tempdir().unwrap();
    models(folder.path());
    data_sets(&folder.path().join("data"));
    other_sets(&folder.path().join("data"));
    let whole = command(folder.path(), "whole").output().unwrap();
    let said = String::from_utf8_lossy(&whole.stdout);
    assert!(whole.status.success(), "{said}{}", String::from_utf8_lossy(&whole.stderr));
    assert!(said.contains("Geolocation is not measured here"), "{said}");
    assert!(said.contains("not there: put it into data/cars"), "{said}");

    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..10 {
        let mut run = command(folder.path(), "killed");
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(random.random_range(50..600)));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    assert!(command(folder.path(), "killed").output().unwrap().status.success());
    for file in ["results.csv", "results.json", "report.html"] {
        let read = |out: &str| fs::read_to_string(folder.path().join(out).join(file)).unwrap();
        assert!(read("whole") == read("killed"), "{file} differs");
    }
    let table = fs::read_to_string(folder.path().join("whole/results.csv")).unwrap();
    // Zero-shot, linear probe, and 1, 2 and 4 of the 6 images of each class; VOC's precision, and three
    // recalls both ways.
    assert_eq!(table.lines().count(), 1 + MODELS.len() * (DATASETS.len() * 5 + 1 + 6));
    assert!(table.contains("one,voc2007,zero_shot,map11,"), "{table}");
    assert!(table.contains("three,flickr8k,text_to_image,recall@10,1,"), "{table}");
    let probe = table.lines().find(|line| line.starts_with("one,eurosat,linear_probe")).unwrap();
    let value: f64 = probe.split(',').nth(4).unwrap().parse().unwrap();
    assert!(value > 0.5, "{probe}");
}

#[test]
fn the_registry_is_printed_and_mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(program("benchmark")).current_dir(folder.path()).args(arguments).output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (done, list) = run(&["--list"]);
    assert!(done && list.lines().count() >= 40 && list.contains("FGVC Aircraft"), "{list}");
    let (done, said) = run(&["--model", "one", "--datasets", "cifar11"]);
    assert!(!done && said.contains("no data set and no suite `cifar11`"), "{said}");
    models(folder.path());
    data_sets(&folder.path().join("data"));
    fs::write(folder.path().join("data/pcam/test/01/0.png"), "half a pi").unwrap();
    let (done, said) = run(&["--model", "one", "--datasets", "sst2", "pcam", "--any-count"]);
    assert!(done && said.contains("pcam") && said.contains("no zero-shot: "), "{said}");
    let (done, said) = run(&["--model", "one", "--datasets", "mnist"]);
    assert!(
        !done && said.contains("nothing was measured") && said.contains("data/mnist"),
        "{said}"
    );
}
