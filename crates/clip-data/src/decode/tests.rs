use std::time::{Duration, Instant};

use super::*;
use crate::testing::{goldens, huge_png, picture, png};

/// On white, as Pillow pastes it.
fn on_white(image: &DynamicImage) -> RgbImage {
    let rgba = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [colours @ .., alpha] = rgba.get_pixel(x, y).0.map(u32::from);
        image::Rgb(colours.map(|colour| ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

#[test]
fn files_of_all_formats_decode_to_pillows_colours() {
    let goldens = goldens();
    let files =
        goldens.iter().filter_map(|(name, bytes)| Some((name.strip_prefix("files/")?, bytes)));
    let mut count = 0;
    for (name, bytes) in files {
        let decoded = on_white(&decode_image(bytes, 10_000).unwrap());
        let wanted = decode_image(&goldens[&format!("rgb/{name}.png")], 10_000).unwrap().to_rgb8();
        assert_eq!(decoded.dimensions(), wanted.dimensions(), "{name}");
        let differences = decoded.iter().zip(wanted.iter()).map(|(a, b)| a.abs_diff(*b));
        // JPEG decoders differ by a few levels, and more where chroma is interpolated at an edge.
        let limit = match name {
            _ if cfg!(feature = "turbojpeg") || !name.ends_with(".jpg") => 0,
            "rgb-420.jpg" => 60,
            _ => 4,
        };
        let most = differences.max().unwrap();
        assert!(most <= limit, "{name}: {most} levels");
        count += 1;
    }
    assert_eq!(count, 23);
}

#[test]
fn damaged_files_are_errors_or_images_and_never_panic() {
    for (name, bytes) in goldens().iter().filter(|(name, _)| name.starts_with("files/")) {
        for at in 0..bytes.len() {
            let _ = decode_image(&bytes[..at], 10_000);
            let mut changed = bytes.clone();
            changed[at] = changed[at].wrapping_add(97);
            let _ = decode_image(&changed, 10_000);
        }
        assert!(decode_image(bytes, 26 * 19 - 1).is_err(), "{name}");
    }
}

#[test]
fn a_jpeg_without_its_end_is_not_filled_up() {
    let goldens = goldens();
    let whole = &goldens["files/rgb.jpg"];
    let problem = decode_image(&whole[..whole.len() - 40], 10_000).unwrap_err();
    assert!(problem.to_string().contains("truncated"), "{problem}");
}

#[test]
fn a_header_of_ten_thousand_million_pixels_fails_at_once() {
    let start = Instant::now();
    let problem = decode_image(&huge_png(), DEFAULT_MAX_PIXELS).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(problem.cause(), Cause::TooManyPixels);
    assert!(problem.to_string().starts_with("100000 x 100000 pixels are more than the limit"));
}

#[test]
fn corrupt_bytes_are_a_fault_that_names_the_sample() {
    let mut bytes = png(&picture(0));
    bytes.truncate(60);
    let sample =
        RawSample { key: "k".into(), shard: "a.tar".into(), members: vec![("png".into(), bytes)] };
    let fault = decode_sample(&sample, 1_000).unwrap_err();
    assert_eq!(fault.cause, Cause::Undecodable);
    assert!(fault.to_string().starts_with("a.tar: sample `k`: not a readable PNG"));
    let without = RawSample { members: vec![], ..sample };
    assert_eq!(decode_sample(&without, 1_000).unwrap_err().cause, Cause::NoImage);
}
