//! Where the crop lies.

use clip_model::preprocess::CropBox;
use rand::Rng;

/// How often a crop is drawn anew because it doesn't fit into the image.
const ATTEMPTS: usize = 10;

/// The paper's random square: its side is uniform in `[min_scale, 1]` of the shortest side.
pub(super) fn square(
    (image_width, image_height): (u32, u32),
    min_scale: f32,
    rng: &mut impl Rng,
) -> CropBox {
    let shortest = image_width.min(image_height);
    let smallest = if min_scale > 0.0 { min_scale.min(1.0) } else { 1.0 };
    let scale = rng.random_range(smallest..=1.0);
    let side = ((scale * shortest as f32).round() as u32).clamp(1.min(shortest), shortest);
    let x = rng.random_range(0..=image_width - side);
    let y = rng.random_range(0..=image_height - side);
    CropBox { x, y, width: side, height: side }
}

/// Torchvision's `RandomResizedCrop.get_params`: the area is uniform in `scale` of the image's, the
/// logarithm of the aspect uniform in `ratio`. What doesn't fit is drawn again; after ten times, it
/// is the largest centred crop whose aspect is within `ratio`.
pub(super) fn resized(
    (image_width, image_height): (u32, u32),
    scale: [f32; 2],
    ratio: [f32; 2],
    rng: &mut impl Rng,
) -> CropBox {
    let area = f64::from(image_width) * f64::from(image_height);
    let logarithms = ratio.map(f32::ln);
    for _ in 0..ATTEMPTS {
        let area = area * f64::from(uniform(scale, rng));
        let aspect = f64::from(uniform(logarithms, rng).exp());
        // Python rounds a half to the even neighbour.
        let width = (area * aspect).sqrt().round_ties_even() as u32;
        let height = (area / aspect).sqrt().round_ties_even() as u32;
        if (1..=image_width).contains(&width) && (1..=image_height).contains(&height) {
            let y = rng.random_range(0..=image_height - height);
            let x = rng.random_range(0..=image_width - width);
            return CropBox { x, y, width, height };
        }
    }
    centred((image_width, image_height), ratio.map(f64::from))
}

fn centred((image_width, image_height): (u32, u32), [lowest, highest]: [f64; 2]) -> CropBox {
    let (width, height) = (f64::from(image_width), f64::from(image_height));
    let aspect = width / height;
    let side = |length: f64, most: u32| (length.round_ties_even() as u32).clamp(1.min(most), most);
    let (width, height) = if aspect < lowest {
        (image_width, side(width / lowest, image_height))
    } else if aspect > highest {
        (side(height * highest, image_width), image_height)
    } else {
        (image_width, image_height)
    };
    CropBox { x: (image_width - width) / 2, y: (image_height - height) / 2, width, height }
}

/// Uniform from the first number to the second.
pub(super) fn uniform([low, high]: [f32; 2], rng: &mut impl Rng) -> f32 {
    if low < high { rng.random_range(low..=high) } else { low }
}
