//! Pillow's premultiplied alpha (modes RGBa and La): what a resize averages, so that the colour
//! behind transparent pixels doesn't bleed in.

/// Multiplies the colours of `C` samples a pixel, of which the last is alpha, by alpha.
pub(super) fn premultiplied<const C: usize>(samples: &[u8]) -> Vec<u8> {
    let mut samples = samples.to_vec();
    for pixel in samples.as_chunks_mut::<C>().0 {
        if let [colours @ .., alpha] = pixel.as_mut_slice() {
            for colour in colours {
                *colour = multiply(*colour, *alpha);
            }
        }
    }
    samples
}

/// Undoes [`premultiplied`], as far as the bytes allow.
pub(super) fn straight<const C: usize>(mut samples: Vec<u8>) -> Vec<u8> {
    for pixel in samples.as_chunks_mut::<C>().0 {
        if let [colours @ .., alpha] = pixel.as_mut_slice()
            && *alpha != 0
        {
            for colour in colours {
                *colour = (255 * u32::from(*colour) / u32::from(*alpha)).min(255) as u8;
            }
        }
    }
    samples
}

/// `a * b / 255`, rounded: Pillow's `MULDIV255`.
pub(super) fn multiply(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8) as u8
}
