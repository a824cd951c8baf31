//! The registry holds together, and data sets in their true formats are opened.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clip_data::{LabelledImages, Split};

use super::published::all;
use super::*;

#[test]
fn every_entry_is_whole() {
    assert!(datasets().len() >= 40, "{}", datasets().len());
    for dataset in datasets() {
        let name = &dataset.name;
        let (names, from) = dataset.names();
        if dataset.names_list.as_deref() == Some("with the data") {
            assert_eq!(from, Provenance::WithTheData, "{name}");
        } else {
            assert_eq!(names.len(), dataset.classes, "{name}");
        }
        let (templates, _) = dataset.templates();
        assert_eq!(templates.is_empty(), dataset.task == Task::Geolocation, "{name}");
        assert!(templates.iter().all(|template| template.matches("{}").count() == 1), "{name}");
        assert!(dataset.home.starts_with("http") && !dataset.licence.is_empty(), "{name}");
        assert!(!dataset.test.is_empty() || matches!(dataset.layout, Layout::Shards), "{name}");
        assert!(dataset.files.values().flatten().all(|md5| md5.len() == 32), "{name}");
    }
}

/// ImageNet has two missiles and two sunglasses: CLIP_benchmark's names, as they were used for the
/// published results.
#[test]
fn names_are_distinct() {
    for dataset in datasets() {
        let (names, _) = dataset.names();
        let names: Vec<&String> = names.iter().flat_map(|names| names.all()).collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        let twice = if names.len() == 1000 { 2 } else { 0 };
        assert_eq!(distinct.len() + twice, names.len(), "{}", dataset.name);
    }
    let keys = datasets().iter().flat_map(|d| d.aliases.iter().chain([&d.name]));
    let keys: Vec<&String> = keys.collect();
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn suites_have_the_papers_sizes() {
    for (name, count) in [("paper", 27), ("all", datasets().len()), ("mnist", 1), ("nothing", 0)] {
        assert_eq!(datasets_named(name).len(), count, "{name}");
    }
    assert_eq!(dataset("wds/vtab/pets").unwrap().name, "pets");
    assert!(datasets_named("robustness").iter().any(|dataset| dataset.name == "imagenet_a"));
}

#[test]
fn published_values_are_of_registered_data_sets() {
    for value in all() {
        assert!(dataset(&value.dataset).is_some_and(|d| d.name == value.dataset), "{value:?}");
        assert!((0.0..=100.0).contains(&value.value), "{value:?}");
    }
    for paper in datasets_named("paper") {
        for source in [PublishedSource::ZeroShotPaper, PublishedSource::LinearProbePaper] {
            assert!(published(source, &paper.name, "ViT-L-14-336").is_some(), "{}", paper.name);
        }
    }
    let of = |source, model| published(source, "cifar10", model);
    assert_eq!(of(PublishedSource::ZeroShotOpenClip, "ViT-B-32"), Some(89.83));
    assert_eq!(of(PublishedSource::LinearProbePaper, "RN50"), Some(88.7));
    assert_eq!(of(PublishedSource::ZeroShotPaper, "ViT-H-14"), None);
}

#[test]
fn lists_tell_where_they_are_from() {
    assert_eq!(dataset("flowers102").unwrap().names().1, Provenance::Package);
    let (names, from) = dataset("fer2013").unwrap().names();
    assert_eq!(
        (names[3].all(), from),
        (&["happy".to_owned(), "smiling".into()][..], Provenance::Completed)
    );
}

fn png(path: &Path, shade: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::from_pixel(4, 4, image::Luma([shade])).save(path).unwrap();
}

#[test]
fn what_is_missing_or_different_is_said() {
    let root = tempfile::tempdir().unwrap();
    let open =
        |name: &str, any_count| dataset(name).unwrap().open(root.path(), Split::Test, any_count);
    let message = |name: &str| open(name, false).err().unwrap().to_string();
    assert!(message("sst2").contains("sst2 (get it from https://github.com/openai/CLIP"));
    for (number, class) in ["negative", "positive"].iter().enumerate() {
        png(&root.path().join("sst2/test").join(class).join("a.png"), number as u8);
    }
    assert!(message("sst2").contains("it has 2 images and not 1821"));
    let opened = open("sst2", true).unwrap();
    assert_eq!((opened.images.labels(), opened.names[1][0].as_str()), (&[0, 1][..], "positive"));
    assert_eq!(opened.templates, ["a {} review of a movie."]);
    png(&root.path().join("sst2/test/neutral/a.png"), 9);
    assert!(open("sst2", true).err().unwrap().to_string().contains("has 3 classes and not 2"));
    assert!(message("flickr30k").contains("put it into"));
    fs::create_dir(root.path().join("iiit5k")).unwrap();
    assert!(message("iiit5k").contains("from shards only"));
}

#[test]
fn files_that_are_not_the_published_ones_are_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mnist");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("t10k-images-idx3-ubyte.gz"), "half of it").unwrap();
    let error = dataset("mnist").unwrap().open(root.path(), Split::Test, false).err().unwrap();
    let message = error.to_string();
    assert!(message.contains("t10k-images-idx3-ubyte.gz is not the published file"), "{message}");
    assert!(message.contains("9fb629c4189551a2d022fa330f9573f3"), "{message}");
}

/// CLIP_benchmark's folder of Fashion-MNIST, with class names and templates of its own.
#[test]
fn shards_bring_their_own_names() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("wds_fashion_mnist");
    fs::create_dir_all(folder.join("test")).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut png = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(4, 4).write_to(&mut png, image::ImageFormat::Png).unwrap();
    for (name, bytes) in [("0.png", png.get_ref().as_slice()), ("0.cls", b"1")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).unwrap();
    }
    fs::write(folder.join("test/0.tar"), tar.into_inner().unwrap()).unwrap();
    fs::write(folder.join("classnames.txt"), "cat\nfox\n").unwrap();
    fs::write(folder.join("zeroshot_classification_templates.txt"), "one {c}\n").unwrap();
    let opened = dataset("fashion_mnist").unwrap().open(root.path(), Split::Test, true).unwrap();
    assert_eq!((opened.names.len(), opened.templates), (2, vec!["one {}".to_owned()]));
    assert_eq!(opened.images.labels(), [1]);
}
