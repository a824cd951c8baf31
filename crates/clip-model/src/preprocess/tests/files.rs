use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Limits and robustness need no large images.
const FEW_PIXELS: u64 = 100_000;

#[test]
fn damaged_files_are_errors_or_images_and_never_panic() {
    let goldens = Goldens::read();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let (mut images, mut errors) = (0, 0);
    for source in goldens.cases.sources.iter().cycle().take(6_000) {
        let mut bytes = goldens.bytes(&source.name).to_vec();
        damage(&mut bytes, &mut random);
        match SourceImage::decode(&bytes, FEW_PIXELS) {
            Ok(image) => {
                assert!(u64::from(image.width()) * u64::from(image.height()) <= FEW_PIXELS);
                let resize_mode = ResizeMode::Longest;
                let transform = ImageTransform { resize_mode, ..ImageTransform::openai(5) };
                assert_eq!(transform.apply(&image).dimensions(), (5, 5));
                images += 1;
            }
            Err(_) => errors += 1,
        }
    }
    assert!(images > 1000 && errors > 1000, "{images} images, {errors} errors");
}

/// Cuts the file short or flips bits, often in the header, where the sizes are.
fn damage(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let (flips, within) = match random.random_range(0..4) {
        0 => {
            bytes.truncate(random.random_range(0..bytes.len()));
            return;
        }
        1 => (1, bytes.len().min(60)),
        _ => (random.random_range(1..5), bytes.len()),
    };
    for _ in 0..flips {
        bytes[random.random_range(0..within)] ^= 1 << random.random_range(0..8);
    }
}

#[test]
fn noise_after_a_formats_signature_is_an_error() {
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let signatures: [&[u8]; 8] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"\xff\xd8\xff\xc0\0\x11\x08",
        b"RIFF\0\0\0\x40WEBPVP8L",
        b"GIF89a",
        b"BM",
        b"II*\0\x08\0\0\0",
        b"MM\0*\0\0\0\x08",
        b"",
    ];
    for signature in signatures {
        for length in 0..200 {
            let noise = (0..length).map(|_| random.random::<u8>());
            let bytes: Vec<u8> = signature.iter().copied().chain(noise).collect();
            assert!(SourceImage::decode(&bytes, FEW_PIXELS).is_err(), "{bytes:?}");
        }
    }
}

#[test]
fn too_many_pixels_are_an_error_from_the_header() {
    let goldens = Goldens::read();
    for source in &goldens.cases.sources {
        let bytes = goldens.bytes(&source.name);
        let pixels = u64::from(source.width) * u64::from(source.height);
        assert!(SourceImage::decode(bytes, pixels).is_ok());
        let error = SourceImage::decode(bytes, pixels - 1).unwrap_err();
        assert!(matches!(error, SourceError::TooManyPixels { .. }), "{}: {error}", source.name);
    }
}

#[test]
fn errors_name_the_path_and_the_format() {
    let missing = SourceImage::open("no/such/file.png", FEW_PIXELS).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the image no/such/file.png"));
    let broken = SourceImage::decode(b"\x89PNG\r\n\x1a\n", FEW_PIXELS).unwrap_err();
    assert!(broken.to_string().starts_with("not a readable PNG image"), "{broken}");
    let text = SourceImage::decode(b"a caption", FEW_PIXELS).unwrap_err();
    assert!(matches!(text, SourceError::UnknownFormat));
}

#[test]
fn a_jpeg_without_its_end_is_truncated() {
    let goldens = Goldens::read();
    let bytes = goldens.bytes(&goldens.find("444.jpg").name);
    let error = SourceImage::decode(&bytes[..bytes.len() - 2], FEW_PIXELS).unwrap_err();
    assert_eq!(error.to_string(), "not a readable JPEG image: it is truncated");
}

#[test]
fn the_exif_orientation_of_a_jpeg_is_ignored() {
    let goldens = Goldens::read();
    let source = goldens.find("turned6.jpg");
    let bytes = goldens.bytes(&source.name);
    assert!(bytes.windows(4).any(|tag| tag == b"Exif"));
    let start = bytes.windows(2).position(|marker| marker == [0xff, 0xe1]).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([bytes[start + 2], bytes[start + 3]]));
    let without = [&bytes[..start], &bytes[start + length..]].concat();
    let plain = SourceImage::decode(&without, FEW_PIXELS).unwrap();
    assert_eq!(plain, goldens.image(&source.name));
}

#[test]
fn an_animation_whose_frame_has_another_size_than_its_pixels_is_an_error() {
    let goldens = Goldens::read();
    let mut bytes = goldens.bytes(&goldens.find("animation_rgba.webp").name).to_vec();
    let frame = bytes.windows(4).position(|name| name == b"ANMF").unwrap();
    assert_eq!(&bytes[frame + 24..frame + 28], b"ALPH");
    let width = frame + 8 + 6;
    bytes[width] = bytes[width].checked_sub(1).unwrap();
    let error = SourceImage::decode(&bytes, FEW_PIXELS).unwrap_err();
    assert!(error.to_string().contains("another size"), "{error}");
}
