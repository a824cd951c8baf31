//! Lists and photographs as IM2GPS has them.

use super::*;
use crate::testing::{picture, png};

fn message(folder: &Path) -> String {
    PlacedImages::open(folder, "test").err().unwrap().to_string()
}

#[test]
fn distances_are_those_on_a_sphere() {
    let place = |latitude, longitude| Place { latitude, longitude };
    // A quarter and half of the way round, and a hundredth of a degree.
    let quarter = std::f64::consts::FRAC_PI_2 * RADIUS;
    assert!((place(0.0, 0.0).distance(place(90.0, 7.0)) - quarter).abs() < 1e-6);
    assert!((place(10.0, 20.0).distance(place(-10.0, -160.0)) - 2.0 * quarter).abs() < 1e-3);
    assert!((place(5.0, 179.995).distance(place(5.0, -179.995)) - 1.107_718).abs() < 1e-5);
    // Paris and London.
    let distance = place(48.8566, 2.3522).distance(place(51.5074, -0.1278));
    assert!((distance - 343.556).abs() < 1e-2, "{distance}");
}

/// The columns of `im2gps_places365.csv`, and plain ones.
#[test]
fn lists_give_places() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("test/a7")).unwrap();
    fs::write(folder.path().join("test/a7/1_19355699@N00.jpg"), png(&picture(1))).unwrap();
    for list in [
        "IMG_ID,AUTHOR,LAT,LON,S3_Label\na7/1_19355699@N00.jpg,19355699@N00,-16.5,145.25,1\n",
        "longitude,latitude,image\n145.25,-16.5,a7/1_19355699@N00.jpg\n",
    ] {
        fs::write(folder.path().join("test.csv"), list).unwrap();
        let set = PlacedImages::open(folder.path(), "test").unwrap();
        assert_eq!(set.places(), [Place { latitude: -16.5, longitude: 145.25 }]);
        assert_eq!(set.image(0).unwrap(), picture(1));
        assert!(set.image(1).is_err());
    }
    for (list, problem) in [
        ("image,lat\n", "it has no column `lon` or `longitude`"),
        ("image,lat,lon\nb.jpg,1,2\n", "line 2: there is no "),
        ("image,lat,lon\na7/1_19355699@N00.jpg,91,2\n", "line 2: it has no latitude"),
        ("image,lat,lon\na7/1_19355699@N00.jpg,,2\n", "line 2: it has no latitude"),
        ("image,lat,lon\na7/1_19355699@N00.jpg\n", "line 2: "),
        ("image,lat,lon\n", "there are no images"),
    ] {
        fs::write(folder.path().join("test.csv"), list).unwrap();
        assert!(message(folder.path()).contains(problem), "{}", message(folder.path()));
    }
}

/// A JPEG's EXIF segment with a GPS directory, big-endian.
fn segment() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    let rationals = |numbers: [[u32; 2]; 3]| {
        numbers.as_flattened().iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>()
    };
    // Header 8, one directory of one entry 18, one of four 54, then the numbers.
    let tiff = [
        b"MM\0\x2a\0\0\0\x08".to_vec(),
        vec![0, 1],
        entry(0x8825, 4, 1, 26u32.to_be_bytes()),
        vec![0; 4],
        vec![0, 4],
        entry(1, 2, 2, *b"S\0\0\0"),
        entry(2, 5, 3, 80u32.to_be_bytes()),
        entry(3, 2, 2, *b"E\0\0\0"),
        entry(4, 5, 3, 104u32.to_be_bytes()),
        vec![0; 4],
        rationals([[16, 1], [30, 1], [0, 1]]),
        rationals([[145, 1], [14, 1], [6000, 100]]),
    ]
    .concat();
    let length = (2 + 6 + tiff.len()) as u16;
    [&[0xff, 0xe1][..], &length.to_be_bytes(), b"Exif\0\0", &tiff].concat()
}

#[test]
fn photographs_tell_their_places() {
    let folder = tempfile::tempdir().unwrap();
    assert!(message(folder.path()).contains("test"));
    let images = folder.path().join("test");
    fs::create_dir(&images).unwrap();
    assert!(message(folder.path()).contains("there are no images"));
    let mut jpeg = std::io::Cursor::new(Vec::new());
    picture(0).write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let photograph = [&jpeg[..2], &segment(), &jpeg[2..]].concat();
    fs::write(images.join("a.jpg"), photograph).unwrap();
    let set = PlacedImages::open(folder.path(), "test").unwrap();
    assert_eq!(set.places(), [Place { latitude: -16.5, longitude: 145.25 }]);
    assert!(set.image(0).is_ok());
    fs::write(images.join("b.jpg"), jpeg).unwrap();
    assert!(message(folder.path()).contains("b.jpg: it has no GPS position"));
}
