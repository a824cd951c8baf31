//! Videos as UCF101 and Kinetics have them, extracted and not.

use std::fs;

use super::*;
use crate::testing::{picture, png};

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Frames as ffmpeg numbers them.
fn frames(folder: &Path, count: usize) {
    for number in 0..count {
        write(&folder.join(format!("{:05}.jpg", number + 1)), png(&picture(number)));
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Programs that stand in for FFmpeg's.
#[cfg(unix)]
fn stand_in() -> Ffmpeg {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ffmpeg");
    Ffmpeg { ffmpeg: folder.join("ffmpeg"), ffprobe: folder.join("ffprobe") }
}

fn nowhere() -> Ffmpeg {
    Ffmpeg { ffmpeg: "no/ffmpeg".into(), ffprobe: "no/ffprobe".into() }
}

fn ucf101() -> ListOptions {
    let json = serde_json::json!({
        "file": "trainlist01.txt", "format": {"words": 2}, "image": "0", "folder": "frames",
        "videos": "UCF-101", "ending": ".jpg", "label": {"folder": "classInd.txt"},
    });
    serde_json::from_value(json).unwrap()
}

#[test]
fn the_lists_of_ucf101_name_folders_of_frames_middle_frames_and_videos() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    write(&at("classInd.txt"), "1 ApplyEyeMakeup\r\n2 YoYo\r\n");
    let list = "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\r\nYoYo/v_YoYo_g25_c05.avi 2\r\n\
                YoYo/v_YoYo_g25_c06.avi 2\r\nYoYo/v_YoYo_g25_c07.avi 2\r\n";
    write(&at("trainlist01.txt"), list);
    let classes = ["Apply Eye Makeup", "Yo Yo"];
    let open = || LabelledVideos::listed(folder.path(), &ucf101(), names(&classes), nowhere());
    frames(&at("frames/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01"), 10);
    frames(&at("frames/YoYo/v_YoYo_g25_c05.avi"), 3);
    write(&at("frames/YoYo/v_YoYo_g25_c06.avi.jpg"), png(&picture(7)));
    let error = open().err().unwrap().to_string();
    assert!(error.contains("line 4: there is no folder of frames"), "{error}");
    assert!(error.contains("UCF-101/YoYo/v_YoYo_g25_c07.avi"), "{error}");
    write(&at("UCF-101/YoYo/v_YoYo_g25_c07.avi"), "");
    let set = open().unwrap();
    assert_eq!((set.labels(), set.class_names()), (&[0, 1, 1, 1][..], &names(&classes)[..]));
    assert_eq!(set.image(0).unwrap(), picture(5));
    let of_five: Vec<_> = (0..5).map(|number| set.frame(0, number, 5).unwrap()).collect();
    assert_eq!(of_five, [1, 3, 5, 7, 9].map(picture));
    assert_eq!((set.image(1).unwrap(), set.image(2).unwrap()), (picture(1), picture(7)));
    let error = set.frame(2, 0, 5).unwrap_err().to_string();
    assert!(error.contains("c06.avi.jpg: it is the middle frame, and several"), "{error}");
    let error = set.image(3).unwrap_err().to_string();
    assert!(error.contains("no/ffprobe is not installed: install ffmpeg, or extract"), "{error}");
    let command = format!("'{}/%05d.jpg'", at("frames/YoYo/v_YoYo_g25_c07").display());
    assert!(error.contains("ffmpeg -i '") && error.ends_with(&command), "{error}");
    assert!(set.image(4).unwrap_err().to_string().contains("there are 4"));
}

#[test]
fn kinetics_has_a_folder_for_each_class() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let open = || LabelledVideos::folder(folder.path(), nowhere());
    let message = || open().err().unwrap().to_string();
    assert!(message().contains("make one for each class"));
    fs::create_dir(at("abseiling")).unwrap();
    assert!(message().contains("abseiling: this class has no video"));
    frames(&at("abseiling/0wR5jVB-WPk_000417_000427"), 12);
    // The same video twice more.
    write(&at("abseiling/0wR5jVB-WPk_000417_000427.mp4"), "");
    write(&at("abseiling/0wR5jVB-WPk_000417_000427.mp4.jpg"), png(&picture(0)));
    write(&at("air_drumming/3caPS4FHFF8_000036_000046.png"), png(&picture(8)));
    write(&at("air_drumming/notes.txt"), "");
    fs::create_dir(at("air_drumming/zzz")).unwrap();
    let set = open().unwrap();
    assert_eq!((set.labels(), &set.class_names()[1][..]), (&[0, 1, 1][..], "air drumming"));
    assert_eq!((set.image(0).unwrap(), set.image(1).unwrap()), (picture(6), picture(8)));
    assert!(set.image(2).unwrap_err().to_string().contains("zzz: it has no frames"));
}

#[test]
fn frames_are_in_the_order_of_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..11 {
        write(&folder.path().join(format!("a/b/{number}.jpg")), png(&picture(number)));
    }
    let set = LabelledVideos::folder(folder.path(), nowhere()).unwrap();
    assert_eq!(set.frame(0, 10, 11).unwrap(), picture(10));
}

/// The second frame of the half of four a second, a quarter of a frame before it.
#[cfg(unix)]
#[test]
fn video_files_are_asked_for_frames_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("a/b.mp4");
    let image = || LabelledVideos::folder(folder.path(), stand_in()).unwrap().image(0);
    let frame =
        |seconds: &str| write(&video.with_file_name(format!("b.mp4-{seconds}")), png(&picture(2)));
    for (told, seconds) in [
        (
            r#"{"streams": [{"avg_frame_rate": "4/1", "duration": "2.0"}], "format": {}}"#,
            "0.937500",
        ),
        (r#"{"streams": [{"avg_frame_rate": "0/0"}], "format": {"duration": "3.0"}}"#, "1.500000"),
    ] {
        write(&video, told);
        let error = image().unwrap_err().to_string();
        assert!(error.contains("b.mp4: there is no frame at "), "{error}");
        frame(seconds);
        assert_eq!(image().unwrap(), picture(2));
    }
    for (told, problem) in [
        (r#"{"streams": [], "format": {"duration": "3.0"}}"#, "it has no pictures"),
        (r#"{"streams": [{}]}"#, "does not say how long it is"),
        (r#"{"streams": [{"duration": "2.0", "codec_name": "broken"}]}"#, "Invalid data found"),
    ] {
        write(&video, told);
        let error = image().unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("extract its frames"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_part_of_a_video_has_frames_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.mp4");
    write(&path, r#"{"streams": [{"avg_frame_rate": "10/1", "duration": "55.0"}]}"#);
    let of = |start, end| {
        let video =
            VideoFile::new(path.clone(), "f".into(), Some((start, end)), &Arc::new(stand_in()));
        Video::File(video).frame(0, 1)
    };
    // The video ends before its last segment does.
    write(&folder.path().join("b.mp4-52.475000"), png(&picture(3)));
    assert_eq!(of(50.0, 60.0).unwrap(), picture(3));
    let error = of(60.0, 70.0).unwrap_err().to_string();
    assert!(error.contains("it ends at 55 s, before 60 s"), "{error}");
    let error = of(0.0, 10.0).unwrap_err().to_string();
    assert!(error.contains("ffmpeg -ss 0 -to 10 -i '"), "{error}");
}
