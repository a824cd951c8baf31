//! The `benchmark` example, as a person meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use burn::tensor::Device;
use clip_data::{RawSample, ShardOptions, ShardWriter};
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

/// Videos as folders of frames, and photographs with places.
fn moving_sets(folder: &Path) {
    let (rare, im2gps) = (folder.join("rareact"), folder.join("im2gps"));
    let picture = |path: &Path, shade: u8| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(20, 20, Rgb([shade, 90, 255 - shade])).save(path).unwrap();
    };
    let mut rows = "id,video_id,start,end,class_id,verb,noun,annotation\n".to_owned();
    let actions = [(0, "cut,tree"), (1, "cut,egg"), (2, "shake,egg"), (0, "cut,tree")];
    for (id, (class, action)) in actions.iter().enumerate() {
        rows += &format!("{id},video{},0,10,{class},{action},{}\n", id % 3, u8::from(id != 3));
        for frame in 1..4 {
            let path = rare.join(format!("frames/{id}/0000{frame}.png"));
            picture(&path, (60 * id + 9 * frame) as u8);
        }
    }
    fs::write(rare.join("rareact.csv"), rows).unwrap();
    for (part, count) in [("test", 2), ("reference", 3)] {
        let mut rows = "IMG_ID,AUTHOR,LAT,LON\n".to_owned();
        for number in 0..count {
            rows += &format!("{number}.png,9,{}.25,-7.5\n", 10 * number);
            picture(&im2gps.join(part).join(format!("{number}.png")), 80 * number);
        }
        fs::write(im2gps.join(format!("{part}.csv")), rows).unwrap();
    }
}

fn command(folder: &Path, out: &str) -> Command {
    let mut command = Command::new(program("benchmark"));
    command.current_dir(folder).args(["--model", "one", "--also", "two", "three", "--any-count"]);
    command.args(["--tasks", "zero-shot", "linear-probe", "few-shot", "--out", out, "--datasets"]);
    command.args(DATASETS.map(|(name, _)| name)).args(["voc2007", "flickr8k", "cars"]);
    command.args(["rareact", "im2gps", "--frames", "2"]);
    command
}

#[test]
fn a_benchmark_that_is_killed_ends_with_the_same_table() {
    let folder = tempfile::tempdir().unwrap();
    models(folder.path());
    data_sets(&folder.path().join("data"));
    other_sets(&folder.path().join("data"));
    moving_sets(&folder.path().join("data"));
    let whole = command(folder.path(), "whole").output().unwrap();
    let said = String::from_utf8_lossy(&whole.stdout);
    assert!(whole.status.success(), "{said}{}", String::from_utf8_lossy(&whole.stderr));
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
    // recalls both ways; RareAct's two means by one and by two frames; five distances.
    assert_eq!(table.lines().count(), 1 + MODELS.len() * (DATASETS.len() * 5 + 1 + 6 + 4 + 5));
    assert!(table.contains("one,rareact,zero_shot_frames_2,msap,"), "{table}");
    // Each photograph is among the references.
    assert!(table.contains("two,im2gps,geolocation,within_1km,1,"), "{table}");
    assert!(table.contains("one,voc2007,zero_shot,map11,"), "{table}");
    assert!(table.contains("three,flickr8k,text_to_image,recall@10,1,"), "{table}");
    let probe = table.lines().find(|line| line.starts_with("one,eurosat,linear_probe")).unwrap();
    let value: f64 = probe.split(',').nth(4).unwrap().parse().unwrap();
    assert!(value > 0.5, "{probe}");
}

/// The test images of a data set's first class, with captions.
fn training_pairs(data: &Path, dataset: &str, out: &Path) {
    let mut shards = ShardWriter::create(out, ShardOptions::default()).unwrap();
    for image in 0..4 {
        let png = fs::read(data.join(dataset).join(format!("test/00/{image}.png"))).unwrap();
        let members = vec![("png".into(), png), ("txt".into(), b"a picture".to_vec())];
        shards.write(&RawSample { key: image.to_string(), shard: "".into(), members }).unwrap();
    }
    shards.finish().unwrap();
}

#[test]
fn what_was_seen_in_training_and_names_in_other_languages_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    models(folder.path());
    data_sets(&data);
    training_pairs(&data, "sst2", &folder.path().join("seen"));
    for class in 0..200 {
        let class = data.join(format!("imagenet_a/n{class:08}"));
        fs::create_dir_all(&class).unwrap();
        RgbImage::from_pixel(8, 8, Rgb([9, 99, 200])).save(class.join("0.png")).unwrap();
    }
    let run = || {
        let mut command = Command::new(program("benchmark"));
        command.current_dir(folder.path()).args(["--model", "one", "--any-count", "--out", "out"]);
        command.args(["--datasets", "sst2", "imagenet_a", "--languages", "it", "jp"]);
        command.args(["--trained-on", "seen/*.tar"]).output().unwrap()
    };
    let first = run();
    let said = String::from_utf8_lossy(&first.stdout);
    assert!(first.status.success(), "{said}{}", String::from_utf8_lossy(&first.stderr));
    assert!(said.contains("its classes have no names in `jp`"), "{said}");
    let read = |file: &str| fs::read_to_string(folder.path().join("out").join(file)).unwrap();
    let results = read("results.csv");
    for task in ["zero_shot", "zero_shot_it", "zero_shot_jp"] {
        assert!(results.contains(&format!("one,imagenet_a,{task},top1,")), "{results}");
    }
    let overlap = read("overlap.csv");
    assert!(overlap.contains("one,sst2,8,4,") && overlap.contains("one,imagenet_a,200,0,"));
    assert!(read("report.html").contains("Seen in training"));
    // Whoever goes on takes what is kept.
    let kept = fs::read_dir(folder.path().join("out/classifiers")).unwrap().count();
    assert_eq!(
        (kept, run().stdout == first.stdout, read("overlap.csv") == overlap),
        (1, true, true)
    );
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
