use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Images whose pixels' channels follow each other (PyTorch's "channels last").
pub(super) struct Pixels {
    pub values: Vec<f32>,
    /// `[batch, height, width, channels]`.
    pub shape: [usize; 4],
}

impl Pixels {
    /// Parts of a batch, of one size.
    pub fn joined(parts: Vec<Self>) -> Self {
        let mut shape = parts.first().map_or([0; 4], |part| part.shape);
        shape[0] = parts.iter().map(|part| part.shape[0]).sum();
        let values: Vec<_> = parts.into_iter().map(|part| part.values).collect();
        Self { values: values.concat(), shape }
    }

    /// A pixel's channels.
    #[inline(always)]
    pub fn pixel(&self, image: usize, y: usize, x: usize) -> Option<&[f32]> {
        let [_, height, width, channels] = self.shape;
        let start = ((image * height + y) * width + x) * channels;
        (y < height && x < width).then(|| &self.values[start..][..channels])
    }

    /// The means of squares of so many pixels; what is left over right and below is not seen.
    pub fn pooled(self, side: usize) -> Self {
        if side == 1 {
            return self;
        }
        let [batch, height, width, channels] = self.shape;
        let shape = [batch, height / side, width / side, channels];
        let mut values = vec![0.0; shape.iter().product()];
        if values.is_empty() {
            return Self { values, shape };
        }
        let arch = Arch::new();
        let row = width * channels;
        values.par_chunks_mut(shape[2] * channels).enumerate().for_each(|(index, output)| {
            let (image, y) = (index / shape[1], index % shape[1] * side);
            let rows = &self.values[(image * height + y) * row..][..side * row];
            arch.dispatch(Pool { rows, side, channels, output });
        });
        Self { values, shape }
    }
}

/// A row of squares.
struct Pool<'a> {
    /// `[side, width, channels]`.
    rows: &'a [f32],
    side: usize,
    channels: usize,
    /// `[width / side, channels]`.
    output: &'a mut [f32],
}

impl NullaryFnOnce for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { rows, side, channels, output } = self;
        let factor = 1.0 / (side * side) as f32;
        for row in rows.chunks_exact(rows.len() / side) {
            let squares = row.chunks_exact(side * channels);
            for (output, pixels) in output.chunks_exact_mut(channels).zip(squares) {
                for pixel in pixels.chunks_exact(channels) {
                    for (sum, value) in output.iter_mut().zip(pixel) {
                        *sum += value * factor;
                    }
                }
            }
        }
    }
}

/// The same with a border of zeros, one pixel wide.
///
/// # Shapes
///
/// - values: `[batch, height, width, channels]`
/// - output: `[batch, height + 2, width + 2, channels]`
pub(super) fn bordered(values: &[f32], [batch, height, width, channels]: [usize; 4]) -> Vec<f32> {
    let (row, wide) = (width * channels, (width + 2) * channels);
    let mut output = vec![0.0; batch * (height + 2) * wide];
    output.par_chunks_mut(wide).enumerate().for_each(|(index, output)| {
        let (image, y) = (index / (height + 2), index % (height + 2));
        if (1..=height).contains(&y) {
            let from = &values[(image * height + y - 1) * row..][..row];
            output[channels..][..row].copy_from_slice(from);
        }
    });
    output
}
