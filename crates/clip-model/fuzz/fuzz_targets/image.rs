//! Any bytes as an image file, then through the evaluation transform.

#![no_main]

use clip_model::preprocess::{ImageTransform, SourceImage};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(image) = SourceImage::decode(bytes, 1 << 20) else { return };
    let pixels = ImageTransform::openai(16).apply(&image);
    assert_eq!(pixels.dimensions(), (16, 16));
});
