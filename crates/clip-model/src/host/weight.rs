//! A weight as it lies in memory: in f32, in 16 bits, or in int8; what is computed with it is f32.

use std::ops::Range;

use burn::backend::flex::{FlexQTensor, FlexTensor};
use burn::backend::{BackendTensor, DispatchKindConversion, DispatchTensor, Flex};
use burn::tensor::{DType, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::prefetch::{Cache, prefetch};
use super::tile::LANES;
use crate::int8;

/// A weight, held.
#[derive(Debug)]
pub(super) struct Held {
    values: Values,
    /// As it lies.
    shape: [usize; 2],
    by_columns: bool,
}

/// `[depth, columns]`, by the order that it lies in.
#[derive(Clone, Copy)]
pub(super) enum Ordered<'a> {
    /// As Burn has it.
    ByRows(Weight<'a>),
    /// The transpose, `[columns, depth]`, as PyTorch has it.
    ByColumns(Weight<'a>),
}

#[derive(Debug)]
enum Values {
    Float(FlexTensor),
    Int8(FlexQTensor),
}

/// `[depth, columns]`, where it lies.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    numbers: Numbers<'a>,
    pub depth: usize,
    pub columns: usize,
}

#[derive(Clone, Copy)]
enum Numbers<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    F16(&'a [f16]),
    /// Scales, `[depth, columns / int8::BLOCK]`.
    Int8(&'a [i8], &'a [f32]),
}

/// Whether a weight in this format is read.
pub(super) fn reads(dtype: DType) -> bool {
    match dtype {
        DType::F32 | DType::BF16 | DType::F16 => true,
        DType::QFloat(scheme) => scheme == int8::scheme(),
        _ => false,
    }
}

impl Held {
    /// In the order that it lies in, if that is one of both.
    pub fn new(weight: Tensor<2>) -> Self {
        match weight.dtype() {
            DType::QFloat(_) => Self::by_rows(weight),
            _ => Self::by_columns(&weight).unwrap_or_else(|| Self::by_rows(weight)),
        }
    }

    fn by_columns(weight: &Tensor<2>) -> Option<Self> {
        let turned = weight.clone().transpose();
        let shape = turned.dims();
        let values = turned.try_into_primitive::<Flex>().ok()?;
        let lies_so = values.is_contiguous();
        lies_so.then_some(Self { values: Values::Float(values), shape, by_columns: true })
    }

    pub fn by_rows(weight: Tensor<2>) -> Self {
        let shape = weight.dims();
        let values = match DispatchTensor::try_into_backend(weight.into_dispatch()) {
            Ok(BackendTensor::<Flex>::Float(x)) => Values::Float(x.to_contiguous()),
            Ok(BackendTensor::<Flex>::Quantized(x)) => Values::Int8(x),
            _ => unreachable!("a block takes tensors without a graph on the CPU alone"),
        };
        Self { values, shape, by_columns: false }
    }

    pub fn ordered(&self) -> Ordered<'_> {
        match self.by_columns {
            true => Ordered::ByColumns(self.weight()),
            false => Ordered::ByRows(self.weight()),
        }
    }

    /// Whether both are the same memory, read in the same way. Nobody writes to what is held.
    pub fn is(&self, other: &Self) -> bool {
        let alike = self.shape == other.shape && self.by_columns == other.by_columns;
        match (&self.values, &other.values) {
            (Values::Float(a), Values::Float(b)) => {
                let start = |x: &FlexTensor| (x.bytes().as_ptr(), x.layout().start_offset());
                alike && a.dtype() == b.dtype() && start(a) == start(b)
            }
            _ => false,
        }
    }

    /// As it lies.
    pub fn weight(&self) -> Weight<'_> {
        let [depth, columns] = self.shape;
        let numbers = match &self.values {
            Values::Float(x) => match x.dtype() {
                DType::BF16 => x.as_slice().map(Numbers::Bf16),
                DType::F16 => x.as_slice().map(Numbers::F16),
                _ => x.as_slice().map(Numbers::F32),
            },
            Values::Int8(x) => {
                x.tensor().as_slice().map(|values| Numbers::Int8(values, x.scales()))
            }
        };
        match numbers {
            Some(numbers) => Weight { numbers, depth, columns },
            None => {
                unreachable!("a block takes these formats alone, and what is held is contiguous")
            }
        }
    }
}

impl Ordered<'_> {
    pub fn depth(self) -> usize {
        match self {
            Self::ByRows(weight) => weight.depth,
            Self::ByColumns(transpose) => transpose.columns,
        }
    }

    pub fn columns(self) -> usize {
        match self {
            Self::ByRows(weight) => weight.columns,
            Self::ByColumns(transpose) => transpose.depth,
        }
    }
}

impl<'a> Weight<'a> {
    /// Of values in f32, `[depth, columns]`.
    pub fn of(values: &'a [f32], [depth, columns]: [usize; 2]) -> Self {
        Self { numbers: Numbers::F32(values), depth, columns }
    }

    /// A part of a row, if its numbers are in f32.
    #[inline(always)]
    fn part(self, row: usize, columns: Range<usize>) -> Option<&'a [f32]> {
        match self.numbers {
            Numbers::F32(values) => Some(&values[row * self.columns..][columns]),
            _ => None,
        }
    }

    /// Parts of as many rows from the first on, in f32; what is too many at the end is the last one
    /// again.
    #[inline(always)]
    pub fn parts<'b, const ROWS: usize, const MOST: usize>(
        self,
        first: usize,
        columns: Range<usize>,
        widened: &'b mut [[f32; MOST]; ROWS],
    ) -> [&'b [f32]; ROWS]
    where
        'a: 'b,
    {
        let mut widened = widened.iter_mut();
        std::array::from_fn(|index| {
            let row = (first + index).min(self.depth - 1);
            match (self.part(row, columns.clone()), widened.next()) {
                (None, Some(widened)) => {
                    let to = &mut widened[..columns.len()];
                    self.read(row, columns.start, to);
                    to
                }
                (part, _) => part.unwrap_or_default(),
            }
        })
    }

    /// The numbers of a row from a column on.
    #[inline(always)]
    pub fn read(self, row: usize, column: usize, to: &mut [f32]) {
        let start = row * self.columns + column;
        let range = start..start + to.len();
        match self.numbers {
            Numbers::F32(values) => copy(&values[range], to),
            Numbers::Bf16(values) => {
                for (to, value) in to.iter_mut().zip(&values[range]) {
                    *to = f32::from_bits(u32::from(value.to_bits()) << 16);
                }
            }
            Numbers::F16(values) => values[range].convert_to_f32_slice(to),
            Numbers::Int8(values, scales) => {
                // No part crosses a block: what is read begins at a multiple of so many columns, or
                // is a panel, of a power of two of them.
                let parts = to.chunks_mut(LANES).zip(values[range].chunks(LANES));
                for (part, (to, values)) in parts.enumerate() {
                    let scale = scales[(start + part * LANES) / int8::BLOCK];
                    for (to, value) in to.iter_mut().zip(values) {
                        *to = f32::from(*value) * scale;
                    }
                }
            }
        }
    }

    /// Asks for the cache lines of a part of a row, which may be past the end.
    #[inline(always)]
    pub fn prefetch(self, row: usize, columns: Range<usize>) {
        const LINE: usize = 64;
        let (values, size): (*const u8, usize) = match self.numbers {
            Numbers::F32(values) => (values.as_ptr().cast(), 4),
            Numbers::Bf16(values) => (values.as_ptr().cast(), 2),
            Numbers::F16(values) => (values.as_ptr().cast(), 2),
            Numbers::Int8(values, _) => (values.as_ptr().cast(), 1),
        };
        let first = values.wrapping_add((row * self.columns + columns.start) * size);
        for line in (0..columns.len() * size).step_by(LINE) {
            prefetch(first.wrapping_add(line), Cache::Second);
        }
    }
}

/// Vectors at a time: a call of the system's copying costs more than as few numbers as these.
#[inline(always)]
fn copy(values: &[f32], to: &mut [f32]) {
    let ((values, rest), (to, to_rest)) = (values.as_chunks::<8>(), to.as_chunks_mut::<8>());
    for (to, values) in to.iter_mut().zip(values) {
        *to = *values;
    }
    for (to, value) in to_rest.iter_mut().zip(rest) {
        *to = *value;
    }
}
