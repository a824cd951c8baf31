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
        let has_none = matches!(dataset.task, Task::Geolocation | Task::Selection);
        assert_eq!(templates.is_empty(), has_none, "{name}");
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

/// Translations give some classes the same name, at most 20 of the thousand.
#[test]
fn names_in_other_languages_are_those_of_the_same_classes() {
    assert_eq!(languages().collect::<Vec<_>>(), ["ar", "cn", "it", "jp"]);
    for language in languages() {
        let known: Vec<_> =
            datasets().iter().filter(|d| d.in_language(language).is_some()).collect();
        assert!(known.iter().any(|dataset| dataset.name == "imagenet_v2"), "{language}");
        for dataset in known {
            let (names, templates) = dataset.in_language(language).unwrap_or_default();
            assert_eq!(names.len(), dataset.classes, "{language}, {}", dataset.name);
            let distinct: BTreeSet<_> = names.iter().collect();
            assert!(distinct.len() + 20 >= names.len(), "{language}, {}", dataset.name);
            assert!(templates.iter().all(|template| template.matches("{}").count() == 1));
        }
    }
    let imagenet = dataset("imagenet").unwrap();
    assert_eq!(imagenet.in_language("it").unwrap().0[1], "un pesce rosso");
    assert!(
        imagenet.in_language("xx").is_none()
            && dataset("mnist").unwrap().in_language("it").is_none()
    );
}

/// ImageNet has a second class with the name of this one.
#[test]
fn classes_of_shifts_are_found_in_imagenet_by_number() {
    for name in ["imagenet_v2", "imagenet_a", "imagenet_r", "imagenet_sketch"] {
        let here = dataset(name).unwrap();
        let (whole, labels) = here.shifted().unwrap();
        let (names, there) = (here.main_names(), whole.main_names());
        assert_eq!((whole.name.as_str(), labels.len()), ("imagenet", here.classes));
        assert!(labels.is_sorted_by(|a, b| a < b), "{name}");
        let found: Vec<&String> = labels.iter().map(|label| &there[*label]).collect();
        assert_eq!(found, names.iter().collect::<Vec<_>>(), "{name}");
        let missile = names.iter().position(|name| name == "missile");
        assert!(missile.is_none_or(|at| labels[at] == 657), "{name}");
    }
    assert!(dataset("imagenet").unwrap().shifted().is_none());
}

#[test]
fn suites_have_the_papers_sizes() {
    for (name, count) in [("paper", 27), ("all", datasets().len()), ("mnist", 1), ("nothing", 0)] {
        assert_eq!(datasets_named(name).len(), count, "{name}");
    }
    assert_eq!(dataset("wds/vtab/pets").unwrap().name, "pets");
    assert_eq!(datasets_named("compositional").len(), 8);
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
    let rare = |model| published(PublishedSource::ZeroShotFramesPaper, "rareact", model);
    assert_eq!((rare("ViT-L-14-336"), rare("ViT-L-14")), (Some(40.7), None));
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
    fs::create_dir(root.path().join("objectnet")).unwrap();
    assert!(message("objectnet").contains("from shards only"));
    fs::create_dir(root.path().join("iiit5k")).unwrap();
    assert!(message("iiit5k").contains("not a set of images with one class each"));
}

/// UCF101's lists with a folder of frames, Kinetics' folders with a middle frame.
#[test]
fn videos_are_opened_as_such() {
    let root = tempfile::tempdir().unwrap();
    let ucf = root.path().join("ucf101");
    png(&ucf.join("frames/YoYo/v_YoYo_g01_c01/00001.png"), 3);
    png(&ucf.join("frames/YoYo/v_YoYo_g25_c04.avi.jpg"), 4);
    let classes = (1..101).map(|n| format!("{n} Class{n}\n")).collect::<String>();
    fs::write(ucf.join("classInd.txt"), classes + "101 YoYo\n").unwrap();
    fs::write(ucf.join("testlist01.txt"), "YoYo/v_YoYo_g01_c01.avi\r\n").unwrap();
    fs::write(ucf.join("trainlist01.txt"), "YoYo/v_YoYo_g25_c04.avi 101\r\n").unwrap();
    let ucf101 = dataset("ucf101").unwrap();
    for split in [Split::Train, Split::Test] {
        let opened = ucf101.open(root.path(), split, true).unwrap();
        assert_eq!((opened.images.labels(), opened.names[100][0].as_str()), (&[100][..], "Yo Yo"));
        assert!(opened.images.image(0).is_ok());
    }
    assert!(ucf101.open_videos(root.path(), true).unwrap().frame(0, 7, 8).is_ok());
    let error = ucf101.open_videos(root.path(), false).err().unwrap().to_string();
    assert!(error.contains("it has 1 images and not 1794 or 3783"), "{error}");
    png(&root.path().join("kinetics700/test/abseiling/a_000001_000011.png"), 5);
    let kinetics = dataset("kinetics700").unwrap();
    let error = kinetics.open_videos(root.path(), true).err().unwrap().to_string();
    assert!(error.contains("has 1 classes and not 700"), "{error}");
    assert!(!dataset("mnist").unwrap().has_videos());
}

#[test]
fn segments_and_places_are_opened() {
    let root = tempfile::tempdir().unwrap();
    let (rare, im2gps) = (root.path().join("rareact"), root.path().join("im2gps"));
    png(&rare.join("frames/0/00001.png"), 1);
    let head = "id,video_id,start,end,class_id,verb,noun,annotation\n";
    fs::write(rare.join("rareact.csv"), format!("{head}0,7frRY7aGwMU,50,60,0,shake,tomato,1\n"))
        .unwrap();
    let open = |any_count| dataset("rareact").unwrap().open_rare_act(root.path(), any_count);
    assert_eq!(open(true).unwrap().segments().len(), 1);
    assert!(open(false).err().unwrap().to_string().contains("1 images and not 7607"));
    png(&im2gps.join("test/a.png"), 1);
    fs::write(im2gps.join("test.csv"), "IMG_ID,AUTHOR,LAT,LON\na.png,9,-16.6,145.5\n").unwrap();
    let open = |any_count| dataset("im2gps").unwrap().open_places(root.path(), any_count);
    assert!(open(false).err().unwrap().to_string().contains("1 images and not 237"));
    assert!(open(true).err().unwrap().to_string().contains("im2gps/reference"));
    png(&im2gps.join("reference/b.png"), 1);
    fs::write(im2gps.join("reference.csv"), "image,lat,lon\nb.png,1,2\n").unwrap();
    assert_eq!(open(true).unwrap().1.places().len(), 1);
    let error = dataset("im2gps").unwrap().open(root.path(), Split::Test, true).err().unwrap();
    assert!(error.to_string().contains("IM2GPS is not a set of images with one class each"));
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

/// All parts of SugarCrepe are in one folder.
#[test]
fn captions_to_choose_from_are_opened_and_counted() {
    let root = tempfile::tempdir().unwrap();
    let open = |any_count| {
        let dataset = dataset("sugar_crepe/swap_obj").unwrap();
        dataset.open_selection(root.path(), any_count)
    };
    let message = || open(false).err().unwrap().to_string();
    let absent = message();
    assert!(absent.contains("/sugar_crepe (get it from https://github.com/RAIVNLab"), "{absent}");
    let folder = root.path().join("sugar_crepe");
    png(&folder.join("val2017/1.png"), 9);
    assert!(message().contains("swap_obj.json"));
    let example =
        r#"{"0": {"filename": "1.png", "caption": "A cat.", "negative_caption": "A dog."}}"#;
    fs::write(folder.join("swap_obj.json"), example).unwrap();
    assert!(message().contains("it has 1 examples and not 246 or 245"), "{}", message());
    assert_eq!(open(true).unwrap().examples()[0].captions, ["A cat.", "A dog."]);
    fs::create_dir(root.path().join("winoground")).unwrap();
    let winoground = dataset("winoground").unwrap().open_selection(root.path(), true);
    assert!(winoground.err().unwrap().to_string().contains("winoground/examples.jsonl"));
}

/// The file is clip-data's, of scipy.
#[test]
fn lexicons_are_opened_and_counted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clip-data/tests/labelled");
    let open = |any_count| dataset("iiit5k").unwrap().open_lexicon(&root, Split::Test, any_count);
    assert_eq!(open(true).unwrap().truth().len(), 3);
    assert!(open(false).err().unwrap().to_string().contains("it has 3 images and not 3000"));
}

/// Texts beside the images come before the files of all images.
#[test]
fn captions_are_opened_in_the_form_that_is_there() {
    let root = tempfile::tempdir().unwrap();
    let open = |any_count| dataset("flickr30k").unwrap().open_pairs(root.path(), any_count);
    let folder = root.path().join("flickr30k");
    png(&folder.join("flickr30k-images/1.png"), 9);
    assert!(open(true).err().unwrap().to_string().contains("put shards, or images with texts"));
    let split =
        r#"{"images": [{"filename": "1.png", "split": "test", "sentences": [{"raw": "A cat."}]}]}"#;
    fs::write(folder.join("dataset_flickr30k.json"), split).unwrap();
    assert!(open(false).err().unwrap().to_string().contains("it has 1 images and not 1000"));
    assert_eq!(open(true).unwrap().captions(0).unwrap(), ["A cat."]);
    png(&folder.join("test/2.png"), 9);
    fs::write(folder.join("test/2.txt"), "A dog.").unwrap();
    assert_eq!(open(true).unwrap().captions(0).unwrap(), ["A dog."]);
}
