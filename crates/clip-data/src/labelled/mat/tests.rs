//! Files that scipy wrote; see `tests/reference/make_mat.py`.

use super::*;
use crate::{LabelledFiles, LabelledImages, LabelledPixels, Split};

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labelled").join(name)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}

#[test]
fn values_of_every_kind_are_read_plain_and_packed() {
    for name in ["values/plain.mat", "values/packed.mat"] {
        let values = read_mat(path(name)).unwrap();
        // Column by column.
        let bytes = MatValue::Bytes { dims: vec![2, 3], values: vec![0, 3, 1, 4, 2, 5] };
        assert_eq!(values["bytes"], bytes);
        assert_eq!(values["doubles"].numbers().unwrap(), [0.5, -1e300]);
        assert_eq!(values["shorts"].numbers().unwrap(), [-3.0, 300.0]);
        assert_eq!(values["text"].text(), Some("a cat"));
        let MatValue::Cells(cells) = &values["cells"] else { panic!("{:?}", values["cells"]) };
        assert_eq!((cells[0].text(), cells[1].numbers()), (Some("x"), Some(vec![7.0])));
        let MatValue::Structs(points) = &values["points"] else { panic!("{:?}", values["points"]) };
        let names: Vec<_> = points.iter().map(|point| point["name"].text()).collect();
        assert_eq!(names, [Some("one"), Some("zwölf")]);
        assert_eq!(points[1]["number"].numbers(), Some(vec![2.0]));
        assert_eq!(values["empty"].numbers(), Some(Vec::new()));
    }
}

#[test]
fn files_cut_off_anywhere_are_errors() {
    for name in ["values/plain.mat", "values/packed.mat"] {
        let bytes = fs::read(path(name)).unwrap();
        let whole = parse(&bytes).unwrap();
        for end in 0..bytes.len() {
            match parse(&bytes[..end]) {
                // Between two variables, or within the padding after one.
                Ok(part) => assert!(part.len() < whole.len() || bytes.len() - end < 8, "{end}"),
                Err(error) => assert_ne!(error.to_string(), ""),
            }
        }
    }
    assert_eq!(parse(b"PK"), Err(MatError::NoMat));
}

#[test]
fn wrong_bytes_are_no_panic() {
    let bytes = fs::read(path("values/plain.mat")).unwrap();
    for at in HEADER..bytes.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            let _ = parse(&bytes);
        }
    }
}

#[test]
fn svhn_is_read_as_it_was_drawn() {
    let set = LabelledPixels::svhn(path("svhn"), Split::Test, names(10)).unwrap();
    assert_eq!(set.labels(), [0, 3]);
    let at = |image: usize, row: usize, column: usize, channel: usize| {
        ((((image * 32 + row) * 32 + column) * 3 + channel) % 251) as u8
    };
    let pixel = set.image(1).unwrap().to_rgb8().get_pixel(30, 4).0;
    assert_eq!(pixel, std::array::from_fn(|channel| at(1, 4, 30, channel)));
    let message = |split, names| LabelledPixels::svhn(path("svhn"), split, names).err().unwrap();
    assert!(message(Split::Train, names(10)).to_string().contains("train_32x32.mat"));
    assert!(
        message(Split::Test, names(3)).to_string().contains("image 1 has label 3 of 3 classes")
    );
}

#[test]
fn cars_and_flowers_count_classes_from_one() {
    let cars = LabelledFiles::cars(path("cars"), Split::Test, names(196)).unwrap();
    assert_eq!((cars.labels(), cars.image(1).unwrap().width()), (&[195, 0][..], 8));
    let unlabelled = LabelledFiles::cars(path("cars"), Split::Train, names(196)).err().unwrap();
    assert!(unlabelled.to_string().contains("the list without labels"), "{unlabelled}");
    let few = LabelledFiles::cars(path("cars"), Split::Test, names(10)).err().unwrap();
    assert!(few.to_string().contains("00001.jpg has class 196 of 10"), "{few}");
    for (split, labels) in [(Split::Test, vec![76]), (Split::Train, vec![0, 1])] {
        let flowers = LabelledFiles::flowers(path("flowers"), split, names(102)).unwrap();
        assert_eq!(flowers.labels(), labels);
    }
}
