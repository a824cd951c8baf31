//! The left side of a product.

use std::ops::Range;

use super::super::tile::Left;
use super::STEP;

/// Rows, read wherever their values lie.
#[derive(Clone, Copy)]
pub(in super::super) enum Rows<'a> {
    /// Those of a matrix.
    Of(Left<'a>),
    /// What a convolution sees.
    Windows(Windows<'a>),
}

/// Windows of images, one a row.
#[derive(Clone, Copy)]
pub(in super::super) struct Windows<'a> {
    /// The images, with the borders that the windows reach over.
    pub values: &'a [f32],
    /// Where each window starts.
    pub starts: &'a [usize],
    /// Where each of a window's values lies from there.
    pub offsets: &'a [usize],
    /// How many of a window's values follow each other, from a multiple of it on.
    pub run: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    pub(super) fn values(self) -> &'a [f32] {
        match self {
            Self::Of(matrix) => matrix.values,
            Self::Windows(windows) => windows.values,
        }
    }

    #[inline(always)]
    pub(super) fn start(self, row: usize) -> usize {
        match self {
            Self::Of(matrix) => row * matrix.row,
            Self::Windows(windows) => windows.starts[row],
        }
    }

    #[inline(always)]
    pub(super) fn offset(self, depth: usize) -> usize {
        match self {
            Self::Of(matrix) => depth * matrix.column,
            Self::Windows(windows) => windows.offsets[depth],
        }
    }

    /// Whether the values of a step, which begins at a multiple of its length, follow each other.
    #[inline(always)]
    pub(super) fn follow_each_other(self) -> bool {
        match self {
            Self::Of(matrix) => matrix.column == 1,
            Self::Windows(windows) => windows.run.is_multiple_of(STEP),
        }
    }

    /// How many values follow each other, from a multiple of it on.
    #[inline(always)]
    pub(super) fn run(self) -> usize {
        match self {
            Self::Of(_) => usize::MAX,
            Self::Windows(windows) => windows.run,
        }
    }

    /// Where the rows of a tile start; those that are too many are the last one again, and not kept.
    #[inline(always)]
    pub(super) fn starts<const ROWS: usize>(self, first: usize, end: usize) -> [usize; ROWS] {
        std::array::from_fn(|row| self.start((first + row).min(end - 1)))
    }

    /// The same, some depths of each, which follow each other.
    #[inline(always)]
    pub(super) fn parts<const ROWS: usize>(
        self,
        first: usize,
        end: usize,
        depth: Range<usize>,
    ) -> [&'a [f32]; ROWS] {
        let offset = self.offset(depth.start);
        let mut parts: [&[f32]; ROWS] = [&[]; ROWS];
        for (part, start) in parts.iter_mut().zip(self.starts::<ROWS>(first, end)) {
            *part = &self.values()[start + offset..][..depth.len()];
        }
        parts
    }
}
