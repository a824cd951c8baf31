//! Pillow's resize (`Resample.c`, and `Geometry.c` for the nearest neighbour), for the part of the
//! result that is wanted.

mod bytes;
mod taps;
mod words;

use std::ops::Range;

use super::Interpolation;
use taps::Taps;

/// A resize of an image of which only a window is computed.
pub(super) struct Resize {
    /// What of the source's width and height is resized.
    pub from: (Span, Span),
    /// Width and height of the whole result.
    pub to: (u32, u32),
    /// The columns of the result that are wanted.
    pub columns: Range<u32>,
    /// The rows of the result that are wanted.
    pub rows: Range<u32>,
    /// The filter of [`convolve`](Self::convolve).
    pub interpolation: Interpolation,
}

/// The part of a side that is resized.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// Pixels that the whole side has, all of which the kernel may read.
    pub size: u32,
    /// Where the part begins.
    pub start: f64,
    /// How long it is.
    pub length: f64,
}

impl From<u32> for Span {
    /// The whole side.
    fn from(size: u32) -> Self {
        Self { size, start: 0.0, length: size.into() }
    }
}

/// Rows of samples, of which each begins `stride` samples after the one before.
#[derive(Clone, Copy)]
struct Rows<'a, S> {
    samples: &'a [S],
    stride: usize,
    /// Samples in each row.
    length: usize,
    /// How many rows there are.
    count: usize,
}

impl<'a, S> Rows<'a, S> {
    /// Rows with nothing between them.
    fn packed(samples: &'a [S], length: usize) -> Self {
        Self { samples, stride: length, length, count: samples.len() / length.max(1) }
    }

    fn row(&self, index: usize) -> &'a [S] {
        &self.samples[index * self.stride..][..self.length]
    }
}

impl Resize {
    /// The window of `source`, `[height, width, C]`, resized by convolution in two passes.
    pub fn convolve<const C: usize>(&self, source: &[u8]) -> Vec<u8> {
        self.convolve_part::<C>(source, self.from.0.size as usize)
    }

    /// [`convolve`](Self::convolve) for a part of a wider image: `source` begins with the part's
    /// first sample, and a row has `width` pixels.
    pub fn convolve_part<const C: usize>(&self, source: &[u8], width: usize) -> Vec<u8> {
        let Some((source, columns, rows)) = self.reached::<C, _, _>(source, width, bytes::weight)
        else {
            return vec![0; self.columns.len() * self.rows.len() * C];
        };
        if self.vertical_first() {
            let short = bytes::vertical(source, &rows);
            return bytes::horizontal::<C>(Rows::packed(&short, source.length), &columns);
        }
        let narrow = bytes::horizontal::<C>(source, &columns);
        bytes::vertical(Rows::packed(&narrow, columns.len() * C), &rows)
    }

    /// [`convolve`](Self::convolve) for 16-bit grey.
    pub fn convolve_words(&self, source: &[u16]) -> Vec<u16> {
        let width = self.from.0.size as usize;
        let Some((source, columns, rows)) = self.reached::<1, _, _>(source, width, |share| share)
        else {
            return vec![0; self.columns.len() * self.rows.len()];
        };
        if self.vertical_first() {
            let short = words::vertical(source, &rows);
            return words::horizontal(Rows::packed(&short, source.length), &columns);
        }
        let narrow = words::horizontal(source, &columns);
        words::vertical(Rows::packed(&narrow, columns.len()), &rows)
    }

    /// The part of the source that counts, and the taps of its columns and rows. `None` if nothing
    /// does.
    fn reached<'a, const C: usize, S, W>(
        &self,
        samples: &'a [S],
        width: usize,
        weight: impl Fn(f64) -> W,
    ) -> Option<(Rows<'a, S>, Taps<W>, Taps<W>)> {
        if samples.is_empty() || self.columns.is_empty() || self.rows.is_empty() {
            return None;
        }
        let taps =
            |from, to, wanted: &Range<u32>| Taps::new(from, to, wanted.clone(), self.interpolation);
        let columns = taps(self.from.0, self.to.0, &self.columns);
        let rows = taps(self.from.1, self.to.1, &self.rows);
        let (across, down) = (columns.reach(), rows.reach());
        let stride = width * C;
        let source = Rows {
            samples: &samples[down.start * stride + across.start * C..],
            stride,
            length: across.len() * C,
            count: down.len(),
        };
        Some((source, columns.map(across.start, &weight), rows.map(down.start, &weight)))
    }

    /// Pillow 13's choice of the cheaper order, by the whole source's size; it decides the last
    /// bits of the result.
    fn vertical_first(&self) -> bool {
        let shrinks_by = |from: Span, to: u32| i64::from(from.size) - i64::from(to);
        let height = shrinks_by(self.from.1, self.to.1);
        height > 0 && height > 2 * shrinks_by(self.from.0, self.to.0)
    }

    /// The window of `source`, one sample a pixel, resized to the nearest neighbours.
    pub fn nearest(&self, source: &[u8]) -> Vec<u8> {
        let columns = nearest_positions(self.from.0.size, self.to.0, &self.columns);
        let rows = nearest_positions(self.from.1.size, self.to.1, &self.rows);
        let stride = self.from.0.size as usize;
        // Outside of the source, where rounding may lead at the last position, Pillow has zero.
        let sample = |row: usize, column: usize| {
            if column < stride {
                source.get(row * stride + column).copied().unwrap_or(0)
            } else {
                0
            }
        };
        rows.iter()
            .flat_map(|&row| columns.iter().map(move |&column| sample(row, column)))
            .collect()
    }
}

/// The nearest source position of each wanted position; added up as Pillow does, step by step.
fn nearest_positions(from: u32, to: u32, wanted: &Range<u32>) -> Vec<usize> {
    let step = f64::from(from) / f64::from(to);
    let mut position = step * 0.5;
    let mut positions = Vec::with_capacity(wanted.len());
    for index in 0..wanted.end {
        if index >= wanted.start {
            positions.push(position as usize);
        }
        position += step;
    }
    positions
}
