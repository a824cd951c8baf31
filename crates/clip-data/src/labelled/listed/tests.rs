//! Lists as the data sets of the paper have them.

use super::*;
use crate::LabelledImages;
use crate::testing::{picture, png};

fn write(folder: &Path, files: &[(&str, &str)], images: &[&str]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for (number, image) in images.iter().enumerate() {
        let path = folder.join(image);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(&picture(number))).unwrap();
    }
}

fn options(toml: serde_json::Value) -> ListOptions {
    serde_json::from_value(toml).unwrap()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

/// FGVC Aircraft: names with spaces, which are lines of another file.
#[test]
fn names_are_lines_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("variants.txt", "707-320\nModel B200\n"), ("test.txt", "02 Model B200\n01 707-320\n")],
        &["images/01.png", "images/02.png"],
    );
    let options = options(serde_json::json!({
        "file": "test.txt", "format": {"words": 2}, "image": "0", "folder": "images", "ending": ".png",
        "label": {"name": ["1", "variants.txt"]},
    }));
    let set = LabelledFiles::listed(folder.path(), &options, names(2)).unwrap();
    assert_eq!(set.labels(), [1, 0]);
    assert_eq!(set.image(0).unwrap(), picture(1));
}

/// Oxford Pets: numbers from 1, and comments.
#[test]
fn numbers_count_from_where_they_are_said_to() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("test.txt", "#Image CLASS-ID\na_1 1 1 1\nb_2 2 1 2\n")],
        &["a_1.png", "b_2.png"],
    );
    let pets = serde_json::json!({
        "file": "test.txt", "format": {"words": 4}, "image": "0", "ending": ".png",
        "label": {"number": ["1", 1]},
    });
    let set = LabelledFiles::listed(folder.path(), &options(pets), names(2)).unwrap();
    assert_eq!(set.labels(), [0, 1]);
}

/// SUN397 and UCF101: the image's folder, and paths from the root.
#[test]
fn folders_are_labels() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("names.txt", "/a/abbey\n/b/bar\n"),
            ("test.txt", "/b/bar/1.png\n/a/abbey/2.png\n"),
            ("index.txt", "1 zoo\n2 abbey\n"),
            ("short.txt", "zoo/1.png\nabbey/2.png\n"),
        ],
        &["b/bar/1.png", "a/abbey/2.png", "zoo/1.png", "abbey/2.png"],
    );
    for (file, label, labels) in [
        ("test.txt", serde_json::json!({"folder": "names.txt"}), [1, 0]),
        ("short.txt", serde_json::json!({"folder": "index.txt"}), [0, 1]),
        ("short.txt", serde_json::json!("sorted_folder"), [1, 0]),
    ] {
        let options = options(serde_json::json!({
            "file": file, "format": {"words": 1}, "image": "0", "label": label,
        }));
        let set = LabelledFiles::listed(folder.path(), &options, names(2)).unwrap();
        assert_eq!(set.labels(), labels);
    }
}

/// GTSRB and Hateful Memes: tables and JSON, of which some lines count.
#[test]
fn tables_and_json_have_named_fields() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("test.csv", "Filename;Usage;ClassId\n1.png;test;1\n2.png;train;0\n"),
            ("test.jsonl", "{\"img\": \"1.png\", \"label\": 1, \"id\": 7}\n\n"),
        ],
        &["1.png", "2.png"],
    );
    for json in [
        serde_json::json!({
            "file": "test.csv", "format": {"table": ";"}, "image": "Filename",
            "label": {"number": ["ClassId", 0]}, "only": ["Usage", "test"],
        }),
        serde_json::json!({
            "file": "test.jsonl", "format": "json", "image": "img", "label": {"number": ["label", 0]},
        }),
    ] {
        let set = LabelledFiles::listed(folder.path(), &options(json), names(2)).unwrap();
        assert_eq!(set.labels(), [1]);
    }
}

#[test]
fn the_line_at_fault_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let list = |label: serde_json::Value| {
        options(serde_json::json!({
            "file": "test.txt", "format": {"words": 2}, "image": "0", "label": label,
        }))
    };
    let number = || serde_json::json!({"number": ["1", 0]});
    let message = |label| {
        LabelledFiles::listed(folder.path(), &list(label), names(2)).err().unwrap().to_string()
    };
    assert!(message(number()).contains("test.txt: "));
    write(folder.path(), &[("test.txt", "1.png 0\n2.png\n")], &["1.png"]);
    assert!(message(number()).contains("line 2: it has no field `1`"));
    write(folder.path(), &[("test.txt", "1.png 0\n1.png 2\n")], &[]);
    assert!(message(number()).contains("line 2: `2` is none of the 2 classes"));
    write(folder.path(), &[("test.txt", "1.png 0\n2.png 1\n")], &[]);
    assert!(message(number()).contains("line 2: there is no "));
    assert!(message(serde_json::json!({"name": ["1", "names.txt"]})).contains("names.txt"));
    write(folder.path(), &[("test.txt", "\n")], &[]);
    assert!(message(number()).contains("it lists no images"));
}
