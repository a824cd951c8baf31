//! The files as they are published.

use std::fs;

use super::*;
use crate::testing::{picture, png};

fn write(folder: &Path, file: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

const LINES: &str = r#"{"id": 0, "image_0": "ex_0_img_0", "image_1": "ex_0_img_1", "caption_0": "an old person kisses a young person", "caption_1": "a young person kisses an old person", "tag": "Adjective-Age", "secondary_tag": "", "num_main_preds": 1, "collapsed_tag": "Object"}
{"id": 1, "image_0": "ex_1_img_0.png", "image_1": "ex_1_img_1.png", "caption_0": "the taller person hugs the shorter person", "caption_1": "the shorter person hugs the taller person", "tag": "Adjective-Size", "secondary_tag": "", "num_main_preds": 1, "collapsed_tag": "Object"}
"#;

#[test]
fn winoground_has_two_images_for_two_captions() {
    for (list, images) in [("data/examples.jsonl", "data/images"), ("examples.jsonl", "images")] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), list, LINES);
        for number in 0..4 {
            let name = format!("{images}/ex_{}_img_{}.png", number / 2, number % 2);
            write(folder.path(), &name, png(&picture(number)));
        }
        let set = SelectionImages::winoground(folder.path()).unwrap();
        assert_eq!((set.len(), set.examples().len()), (4, 2));
        let example = &set.examples()[1];
        assert_eq!(example.images, [2, 3]);
        assert_eq!(example.captions[1], "the shorter person hugs the taller person");
        assert_eq!(set.image(3).unwrap(), picture(3));
        assert_eq!(set.keys().nth(1), Some("ex_0_img_1"));
        assert!(matches!(set.image(4), Err(DataError::OutOfRange { index: 4, len: 4 })));
    }
}

#[test]
fn what_winoground_lacks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let message = || SelectionImages::winoground(folder.path()).err().unwrap().to_string();
    assert!(message().contains("examples.jsonl"));
    write(folder.path(), "data/examples.jsonl", LINES);
    let missing = message();
    assert!(missing.contains("data/images/ex_0_img_0.png, which is not there"), "{missing}");
    assert!(missing.contains("unpack Winoground's images.zip there"), "{missing}");
    write(folder.path(), "data/examples.jsonl", "\n{\"id\": 0, \"image_0\": \"a\"}\n");
    assert!(message().contains("line 2: missing field `image_1`"));
    write(folder.path(), "data/examples.jsonl", "\n");
    assert!(message().contains("it has no examples"));
}

/// Three examples of two images; the numbers have gaps.
const OBJECT: &str = r#"{
    "0": {
        "filename": "000000085329.jpg",
        "caption": "A cat on a couch.",
        "negative_caption": "A couch on a cat."
    },
    "2": {"filename": "000000085329.jpg", "caption": "One cat.", "negative_caption": "Two cats."},
    "10": {"filename": "000000297343.jpg", "caption": "A red bus.", "negative_caption": "A blue bus."}
}"#;

#[test]
fn sugar_crepe_has_one_image_for_two_captions() {
    let theirs = ("swap_obj.json", "val2017");
    for (list, images) in [theirs, ("data/swap_obj.json", "data/coco/images/val2017")] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), list, OBJECT);
        write(folder.path(), &format!("{images}/000000085329.jpg"), png(&picture(0)));
        write(folder.path(), &format!("{images}/000000297343.jpg"), png(&picture(1)));
        let set = SelectionImages::sugar_crepe(folder.path(), "swap_obj").unwrap();
        assert_eq!((set.len(), set.examples().len()), (2, 3));
        let of = |caption: &str| {
            set.examples().iter().find(|example| example.captions[0] == caption).unwrap()
        };
        assert_eq!(of("One cat.").images, of("A cat on a couch.").images);
        let bus = of("A red bus.");
        assert_eq!(bus.captions[1], "A blue bus.");
        assert_eq!(set.image(bus.images[0]).unwrap(), picture(1));
    }
}

#[test]
fn what_sugar_crepe_lacks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let message =
        || SelectionImages::sugar_crepe(folder.path(), "add_att").err().unwrap().to_string();
    assert!(message().contains("add_att.json"));
    write(folder.path(), "data/add_att.json", OBJECT);
    let missing = message();
    assert!(missing.contains("val2017/000000085329.jpg, which is not there"), "{missing}");
    assert!(missing.contains("put the images of COCO's val2017.zip there"), "{missing}");
    write(folder.path(), "data/add_att.json", r#"{"0": {"filename": "a.jpg", "caption": "A"}}"#);
    assert!(message().contains("it is malformed: missing field `negative_caption`"));
    write(folder.path(), "data/add_att.json", &OBJECT[..100]);
    assert!(message().contains("it is malformed: EOF while parsing"), "{}", message());
    write(folder.path(), "data/add_att.json", "{}");
    assert!(message().contains("it has no examples"));
}
