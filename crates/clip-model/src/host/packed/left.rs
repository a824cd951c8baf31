//! The left side of a product.

use std::ops::Range;

use super::super::tile::Left;

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

    /// Whether a row's values do.
    #[inline(always)]
    pub(super) fn follow_each_other(self) -> bool {
        matches!(self, Self::Of(Left { column: 1, .. }))
    }

    /// Where the rows of a tile start; those that are too many are the last one again, and not kept.
    #[inline(always)]
    pub(super) fn starts<const ROWS: usize>(self, first: usize, end: usize) -> [usize; ROWS] {
        std::array::from_fn(|row| self.start((first + row).min(end - 1)))
    }

    /// Some depths of the rows of a tile, whose values follow each other.
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
