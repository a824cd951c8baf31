use clip_model::preprocess::{CropBox, Interpolation, resize_plane};
use image::{DynamicImage, Rgb, RgbImage, Rgba, RgbaImage};
use serde::Deserialize;

use super::adjust::{Adjustment, to_grey};
use super::crop::resized;
use super::*;
use crate::testing::{goldens, png};
use crate::{DEFAULT_MAX_PIXELS, Stream, decode_image, sample_rng};

/// Width and height of an image, area share and aspect, and torchvision's box.
type CropCase = (u32, u32, f32, f32, Option<u32>, Option<u32>, u32, u32);

#[derive(Deserialize)]
struct Cases {
    adjustments: Vec<(String, f32)>,
    crops: Vec<CropCase>,
    /// Edges of a part of the grey source, and the size that Pillow resizes it to.
    boxes: Vec<([f32; 4], (u32, u32))>,
}

fn cases() -> Cases {
    serde_json::from_slice(&goldens()["cases.json"]).unwrap()
}

#[test]
fn changes_of_colour_equal_torchvisions_byte_for_byte() {
    let goldens = goldens();
    let read = |name: &str| decode_image(&goldens[name], 10_000).unwrap().to_rgb8();
    for (index, (name, factor)) in cases().adjustments.into_iter().enumerate() {
        let mut image = read("source.png");
        match name.as_str() {
            "brightness" => Adjustment::Brightness(factor).apply(&mut image),
            "contrast" => Adjustment::Contrast(factor).apply(&mut image),
            "saturation" => Adjustment::Saturation(factor).apply(&mut image),
            "hue" => Adjustment::Hue(factor).apply(&mut image),
            _ => to_grey(&mut image),
        }
        assert!(image == read(&format!("adjusted/{index}.png")), "{name} {factor}");
    }
}

#[test]
fn a_plane_between_edges_is_resized_as_pillow_does() {
    let goldens = goldens();
    let source = decode_image(&goldens["source.png"], 10_000).unwrap().to_rgb8();
    let mut grey = source.clone();
    to_grey(&mut grey);
    let plane = DynamicImage::from(grey).to_luma8();
    for (index, (edges, size)) in cases().boxes.into_iter().enumerate() {
        let resized = resize_plane(&plane, edges, size, Interpolation::Bicubic);
        let wanted = decode_image(&goldens[&format!("boxes/{index}.png")], 10_000).unwrap();
        assert!(resized == wanted.to_luma8(), "{edges:?} {size:?}");
    }
}

#[test]
fn the_comparison_notices_a_hue_that_is_one_step_off() {
    let goldens = goldens();
    let cases = cases().adjustments;
    let index = cases.iter().position(|(name, factor)| name == "hue" && *factor == 0.2).unwrap();
    let mut image = decode_image(&goldens["source.png"], 10_000).unwrap().to_rgb8();
    Adjustment::Hue(0.2 + 1.0 / 255.0).apply(&mut image);
    let wanted = decode_image(&goldens[&format!("adjusted/{index}.png")], 10_000).unwrap();
    assert!(image != wanted.to_rgb8());
}

#[test]
fn a_resized_crop_has_torchvisions_size_and_its_place_when_nothing_fits() {
    let mut fixed = 0;
    for (width, height, share, aspect, x, y, w, h) in cases().crops {
        let mut rng = sample_rng(0, 0, 0, Stream::Augment);
        let crop = resized((width, height), [share; 2], [aspect; 2], &mut rng);
        assert_eq!((crop.width, crop.height), (w, h), "{width} {height} {share} {aspect}");
        if let (Some(x), Some(y)) = (x, y) {
            assert_eq!((crop.x, crop.y), (x, y));
            fixed += 1;
        }
    }
    assert!(fixed > 10);
}

#[test]
fn resized_crops_are_spread_as_torchvisions_rule_says() {
    let draw = |index| {
        let mut rng = sample_rng(1, 0, index, Stream::Augment);
        resized((500, 375), [0.2, 0.6], [0.75, 4.0 / 3.0], &mut rng)
    };
    let crops: Vec<CropBox> = (0..4000).map(draw).collect();
    let mean = |of: &dyn Fn(&CropBox) -> f64| crops.iter().map(of).sum::<f64>() / 4000.0;
    let share = |crop: &CropBox| f64::from(crop.width) * f64::from(crop.height) / 187_500.0;
    let aspect = |crop: &CropBox| (f64::from(crop.width) / f64::from(crop.height)).ln();
    // Means of uniform distributions; the standard errors are 0.002, 0.003 and 0.005.
    assert!((mean(&share) - 0.4).abs() < 0.01, "{}", mean(&share));
    assert!(mean(&aspect).abs() < 0.015, "{}", mean(&aspect));
    let place = mean(&|crop| f64::from(crop.x) / f64::from(500 - crop.width));
    assert!((place - 0.5).abs() < 0.025, "{place}");
    assert!(crops.iter().all(|crop| crop.x + crop.width <= 500 && crop.y + crop.height <= 375));
}

fn everything() -> TrainTransform {
    TrainTransform {
        hflip: 0.5,
        color_jitter: [0.4, 0.3, 2.0, 0.1],
        color_jitter_prob: 0.8,
        gray_scale_prob: 0.2,
        ..TrainTransform::open_clip(16)
    }
}

#[test]
fn changes_happen_as_often_as_asked_in_every_order_and_within_their_ranges() {
    let plan = |index| everything().plan((40, 30), &mut sample_rng(0, 0, index, Stream::Augment));
    let views: Vec<_> = (0..1000).map(plan).collect();
    let share = |count: usize| count as f64 / 1000.0;
    assert!((share(views.iter().filter(|view| view.flipped).count()) - 0.5).abs() < 0.06);
    assert!((share(views.iter().filter(|view| view.grey).count()) - 0.2).abs() < 0.05);
    let jittered: Vec<_> = views.iter().filter(|view| !view.adjustments.is_empty()).collect();
    assert!((share(jittered.len()) - 0.8).abs() < 0.05);
    let (mut orders, mut widest) = (std::collections::BTreeSet::new(), [1.0f32; 4]);
    for view in jittered {
        let kinds = view.adjustments.iter().map(|adjustment| {
            let (kind, change, range) = match *adjustment {
                Adjustment::Brightness(factor) => (0, factor, 0.6..=1.4),
                Adjustment::Contrast(factor) => (1, factor, 0.7..=1.3),
                Adjustment::Saturation(factor) => (2, factor, 0.0..=3.0),
                Adjustment::Hue(turns) => (3, turns, -0.1..=0.1),
            };
            assert!(range.contains(&change), "{adjustment:?}");
            widest[kind] = widest[kind].min(change);
            kind
        });
        orders.insert(kinds.collect::<Vec<_>>());
    }
    assert_eq!(orders.len(), 24);
    assert!(widest[0] < 0.62 && widest[1] < 0.72 && widest[2] < 0.02 && widest[3] < -0.09);
}

#[test]
fn settings_left_alone_take_no_random_numbers() {
    let plan = |transform: TrainTransform| {
        let mut rng = sample_rng(0, 0, 7, Stream::Augment);
        (transform.plan((40, 30), &mut rng), rng)
    };
    let still = TrainTransform { color_jitter: [0.4; 4], ..TrainTransform::new(16) };
    assert_eq!(plan(still), plan(TrainTransform::new(16)));
    assert_eq!(plan(everything()).0.crop, plan(TrainTransform::open_clip(16)).0.crop);
}

#[test]
fn a_view_of_bytes_is_that_of_the_decoded_image() {
    for (name, bytes) in goldens().iter().filter(|(name, _)| name.starts_with("files/")) {
        let mut maker = ViewMaker::new(everything(), DEFAULT_MAX_PIXELS);
        for index in 0..20 {
            let rng = || sample_rng(3, 0, index, Stream::Augment);
            let image = decode_image(bytes, DEFAULT_MAX_PIXELS).unwrap();
            let wanted = everything().apply(&image, &mut rng());
            assert!(maker.view_bytes(bytes, &mut rng()).unwrap() == wanted.into_raw(), "{name}");
        }
    }
}

#[test]
fn a_flip_mirrors_the_same_crop() {
    let image = decode_image(&goldens()["source.png"], 10_000).unwrap();
    let view = |hflip| {
        let transform = TrainTransform { hflip, ..TrainTransform::open_clip(24) };
        transform.apply(&image, &mut sample_rng(0, 0, 4, Stream::Augment))
    };
    assert!(view(1.0) == image::imageops::flip_horizontal(&view(0.0)));
}

#[test]
fn too_many_pixels_and_damage_are_problems() {
    let mut rng = sample_rng(0, 0, 0, Stream::Augment);
    let mut maker = ViewMaker::new(TrainTransform::new(8), 100);
    for name in ["files/rgb.jpg", "files/rgb.png"] {
        let problem = maker.view_bytes(&goldens()[name], &mut rng).unwrap_err();
        assert_eq!(problem.cause(), crate::Cause::TooManyPixels);
    }
    let problem =
        maker.view_bytes(&png(&DynamicImage::new_rgb8(2, 2))[..40], &mut rng).unwrap_err();
    assert_eq!(problem.cause(), crate::Cause::Undecodable);
}

/// The most that a byte of the view changes with scaled decoding.
#[cfg(feature = "turbojpeg")]
fn scaled_difference(jpeg: &[u8], image_size: usize, index: u64) -> u8 {
    let view = |scaled_decoding| {
        let transform = TrainTransform { scaled_decoding, ..TrainTransform::open_clip(image_size) };
        let mut maker = ViewMaker::new(transform, DEFAULT_MAX_PIXELS);
        maker.view_bytes(jpeg, &mut sample_rng(0, 0, index, Stream::Augment)).unwrap()
    };
    view(false).iter().zip(view(true)).map(|(exact, fast)| exact.abs_diff(fast)).max().unwrap()
}

#[cfg(feature = "turbojpeg")]
#[test]
fn scaled_decoding_shows_nearly_the_same_view() {
    // Smooth, so that what two resizers do differently is small, and of sides that no block fits.
    let wave = |at: u32, length: f32| (128.0 + 100.0 * (at as f32 / length).sin()) as u8;
    let shade = |x, y| Rgb([wave(x, 90.0), wave(y, 70.0), wave(x + y, 120.0)]);
    let picture = DynamicImage::from(RgbImage::from_fn(907, 701, shade));
    for (kind, picture) in [("grey", picture.to_luma8().into()), ("colours", picture)] {
        let mut bytes = std::io::Cursor::new(Vec::new());
        DynamicImage::write_to(&picture, &mut bytes, image::ImageFormat::Jpeg).unwrap();
        // Decoded whole, by halves, by quarters and by eighths.
        for size in [400, 224, 128, 64] {
            for index in 0..4 {
                let most = scaled_difference(bytes.get_ref(), size, index);
                assert!(most <= 4, "{kind} {size}: {most} levels");
                assert!(most > 0 || kind == "grey", "{size}: the view is the exact one");
            }
        }
    }
}

#[cfg(feature = "turbojpeg")]
#[test]
fn scaled_decoding_leaves_inks_as_they_are_and_reads_small_chroma() {
    let goldens = goldens();
    assert_eq!(scaled_difference(&goldens["files/cmyk.jpg"], 8, 0), 0);
    // A few pixels with every hue: chroma that is interpolated otherwise moves the colours.
    assert!(scaled_difference(&goldens["files/rgb-420.jpg"], 8, 0) < 40);
}

fn view(image: &DynamicImage, index: u64) -> RgbImage {
    let mut rng = sample_rng(0, 0, index, Stream::Augment);
    TrainTransform::new(16).apply(image, &mut rng)
}

#[test]
fn a_transparent_image_shows_the_sample_s_colour() {
    let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 30, Rgba([9, 9, 9, 0])));
    let colours: Vec<_> = (0..8).map(|index| *view(&clear, index).get_pixel(3, 3)).collect();
    assert_eq!(view(&clear, 0), RgbImage::from_pixel(16, 16, colours[0]));
    assert!(colours.windows(2).all(|pair| pair[0] != pair[1]));
    let opaque = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 30, Rgba([1, 2, 3, 255])));
    assert_eq!(view(&opaque, 0), RgbImage::from_pixel(16, 16, Rgb([1, 2, 3])));
}

#[test]
fn the_share_on_white_is_as_asked() {
    let clear = DynamicImage::ImageRgba8(RgbaImage::new(8, 8));
    let transform = TrainTransform { white_share: 0.5, ..TrainTransform::new(8) };
    let white = (0..400).filter(|index| {
        let mut rng = sample_rng(0, 0, *index, Stream::Augment);
        *transform.apply(&clear, &mut rng).get_pixel(0, 0) == Rgb([255; 3])
    });
    assert!((160..=240).contains(&white.count()));
}

#[test]
fn crops_are_squares_of_the_allowed_sizes_all_over_the_image() {
    // Red rises by 2 a column and green by 2 a row, so a view tells what it was cut from.
    let ramp = RgbImage::from_fn(40, 100, |x, y| Rgb([2 * x as u8, 2 * y as u8, 0]));
    let ramp = DynamicImage::ImageRgb8(ramp);
    let (mut lowest, mut highest) = (255, 0);
    for index in 0..200 {
        let view = view(&ramp, index);
        let (first, last) = (view.get_pixel(0, 8)[0], view.get_pixel(15, 8)[0]);
        let width = f32::from(last - first) / 2.0 * 16.0 / 15.0;
        assert!((30.0..=41.0).contains(&width), "{width}");
        lowest = lowest.min(view.get_pixel(8, 0)[1]);
        highest = highest.max(view.get_pixel(8, 15)[1]);
    }
    assert!(lowest < 8 && highest > 190, "{lowest} {highest}");
}

#[test]
fn any_size_of_image_gives_a_view() {
    for (width, height) in [(1, 1), (1, 300), (2, 1), (500, 3)] {
        assert_eq!(view(&DynamicImage::new_rgb8(width, height), 0).dimensions(), (16, 16));
    }
}

#[test]
fn impossible_settings_are_explained() {
    let plain = TrainTransform::new(32);
    assert_eq!(plain.problem(), None);
    assert_eq!(everything().problem(), None);
    let mut wrong = vec![
        ("scale", TrainTransform { scale: [1.0, 0.9], ..plain.clone() }),
        ("ratio", TrainTransform { ratio: [0.0, 1.0], ..plain.clone() }),
        ("hflip", TrainTransform { hflip: 1.5, ..plain.clone() }),
        ("color_jitter", TrainTransform { color_jitter: [0.1, 0.1, 0.1, 0.6], ..plain.clone() }),
        ("color_jitter_prob", TrainTransform { color_jitter_prob: 0.8, ..plain.clone() }),
    ];
    for min_scale in [0.0, 1.5, f32::NAN] {
        wrong.push(("min_scale", TrainTransform { min_scale, ..plain.clone() }));
    }
    for (name, transform) in wrong {
        let message = transform.problem().unwrap();
        assert!(message.contains(name), "{message}");
    }
    let scaled = TrainTransform { scaled_decoding: true, ..plain };
    assert_eq!(scaled.problem().is_none(), cfg!(feature = "turbojpeg"));
}

#[test]
fn settings_of_before_and_open_clips_names_are_understood() {
    let read = |text| serde_json::from_str::<TrainTransform>(text).unwrap();
    let old = read(r#"{"min_scale": 0.7, "white_share": 0.5}"#);
    let plain = TrainTransform::default();
    assert_eq!(old, TrainTransform { min_scale: 0.7, white_share: 0.5, ..plain });
    let new = read(
        r#"{"crop": "resized", "scale": [0.9, 1.0], "interpolation": "bilinear",
            "color_jitter": [0.32, 0.32, 0.32, 0.08], "color_jitter_prob": 0.8,
            "gray_scale_prob": 0.2}"#,
    );
    assert_eq!((new.crop, new.gray_scale_prob), (CropKind::Resized, 0.2));
    assert_eq!(TrainTransform { image_size: 224, ..new }.problem(), None);
}
