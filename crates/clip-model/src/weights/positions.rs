//! Position embeddings of another image or context size, resized as open_clip resizes them.

/// How stored positions become the model's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resize {
    /// A square grid after `leading` vectors that are kept: bicubic with antialias (open_clip's
    /// `resize_pos_embed`; timm's `resample_abs_pos_embed` for SigLIP).
    Grid { leading: usize, from: usize, to: usize, width: usize },
    /// A line: linear without antialias (open_clip's `resize_text_pos_embed`).
    Line { from: usize, to: usize, width: usize },
}

/// The resize of the embedding `key` from the shape that was found to the one that is expected;
/// `None` when it is none or cannot be resized.
pub(crate) fn resized(key: &str, found: &[usize], expected: &[usize]) -> Option<Resize> {
    let (&[.., from, width], &[.., to, expected_width]) = (found, expected) else { return None };
    let batch = |shape: &[usize]| shape[..shape.len() - 2].iter().product::<usize>();
    if width != expected_width || batch(found) != 1 || batch(expected) != 1 || from == 0 {
        return None;
    }
    let grid = |leading: usize| {
        let side = |positions: usize| {
            let side = positions.checked_sub(leading)?.isqrt();
            (side > 0 && side * side == positions - leading).then_some(side)
        };
        Some(Resize::Grid { leading, from: side(from)?, to: side(to)?, width })
    };
    match key {
        "visual.positional_embedding" => grid(1),
        "visual.trunk.pos_embed" => grid(0),
        "positional_embedding" => Some(Resize::Line { from, to, width }),
        _ => None,
    }
}

impl Resize {
    /// Little-endian f32 in and out.
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let (numbers, _) = bytes.as_chunks::<4>();
        let values: Vec<f32> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
        let resized = match *self {
            Self::Line { from, to, width } => along(&values, width, &linear(from, to)),
            Self::Grid { leading, from, to, width } => {
                let (kept, grid) = values.split_at((leading * width).min(values.len()));
                let taps = bicubic(from, to);
                // Columns first: a row is a line whose vectors are the columns'.
                let rows = grid.chunks_exact(from * width);
                let narrow: Vec<f32> = rows.flat_map(|row| along(row, width, &taps)).collect();
                [kept.to_vec(), along(&narrow, to * width, &taps)].concat()
            }
        };
        resized.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
}

/// The stored positions that a new one mixes, with their weights.
struct Taps {
    start: usize,
    weights: Vec<f32>,
}

/// Mixes vectors of `width` numbers.
fn along(vectors: &[f32], width: usize, taps: &[Taps]) -> Vec<f32> {
    let mix = |taps: &Taps| {
        let mut sum = vec![0.0; width];
        let inputs = vectors.chunks_exact(width).skip(taps.start);
        for (input, weight) in inputs.zip(&taps.weights) {
            sum.iter_mut().zip(input).for_each(|(sum, value)| *sum += weight * value);
        }
        sum
    };
    taps.iter().flat_map(mix).collect()
}

/// PyTorch's `interpolate(mode="linear", align_corners=False)`.
fn linear(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let at = |position: usize| {
        let source = ((position as f64 + 0.5) * scale - 0.5).max(0.0);
        let start = (source as usize).min(from - 1);
        let share = (source - start as f64) as f32;
        let weights = if start + 1 < from { vec![1.0 - share, share] } else { vec![1.0] };
        Taps { start, weights }
    };
    (0..to).map(at).collect()
}

/// PyTorch's `interpolate(mode="bicubic", antialias=True)`, whose kernel is Pillow's.
fn bicubic(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let widening = scale.max(1.0);
    let at = |position: usize| {
        let centre = (position as f64 + 0.5) * scale;
        let start = (centre - 2.0 * widening + 0.5).max(0.0) as usize;
        let end = ((centre + 2.0 * widening + 0.5) as usize).min(from);
        let weight = |source: usize| kernel((source as f64 - centre + 0.5) / widening);
        let weights: Vec<f64> = (start..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        Taps { start, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
    };
    (0..to).map(at).collect()
}

/// Keys' cubic convolution kernel with a = -0.5.
fn kernel(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positions_are_resized() {
        let grid = Resize::Grid { leading: 1, from: 7, to: 14, width: 8 };
        assert_eq!(resized("visual.positional_embedding", &[50, 8], &[197, 8]), Some(grid));
        assert_eq!(resized("visual.positional_embedding", &[51, 8], &[197, 8]), None);
        assert_eq!(resized("visual.positional_embedding", &[50, 8], &[197, 9]), None);
        assert_eq!(resized("visual.attnpool.positional_embedding", &[50, 8], &[197, 8]), None);
        let line = Resize::Line { from: 77, to: 16, width: 8 };
        assert_eq!(resized("positional_embedding", &[77, 8], &[16, 8]), Some(line));
    }

    #[test]
    fn a_constant_stays_constant() {
        let bytes: Vec<u8> = (0..50 * 3).flat_map(|_| 2.5f32.to_le_bytes()).collect();
        let resized = Resize::Grid { leading: 1, from: 7, to: 4, width: 3 }.apply(&bytes);
        assert_eq!(resized.len(), 17 * 3 * 4);
        let (numbers, _) = resized.as_chunks::<4>();
        assert!(numbers.iter().all(|n| (f32::from_le_bytes(*n) - 2.5).abs() < 1e-6));
    }
}
