//! The number formats that weights are stored in.

use burn::tensor::DType;
use half::{bf16, f16};
#[cfg(feature = "rayon")]
use rayon::prelude::*;

/// Rows and columns of what is transposed at once.
const TILE: usize = 16;

/// The format of a stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a 32-bit float.
    Bf16,
    /// An integer or flag of this many bytes, which no parameter is made of.
    Integer(usize),
}

impl Element {
    /// Bytes of one number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Integer(size) => size,
        }
    }

    /// The format of a tensor's dtype, where weights can have it.
    pub(crate) fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F64 => Some(Self::F64),
            DType::F32 | DType::Flex32 => Some(Self::F32),
            DType::F16 => Some(Self::F16),
            DType::BF16 => Some(Self::Bf16),
            _ => None,
        }
    }
}

/// The numbers in `bytes` (little-endian `from`, at the given positions in turn) as bytes of `to`.
///
/// `None` when one of the two is no float, or a position lies outside.
pub(crate) fn convert(
    bytes: &[u8],
    from: Element,
    to: Element,
    positions: impl ExactSizeIterator<Item = usize>,
) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(positions.len() * to.size());
    if from == to {
        let size = from.size();
        for position in positions {
            output.extend_from_slice(bytes.get(position * size..(position + 1) * size)?);
        }
        return Some(output);
    }
    match from {
        Element::F64 => encode(bytes, f64::from_le_bytes, to, positions, &mut output),
        Element::F32 => {
            encode(bytes, |b| f64::from(f32::from_le_bytes(b)), to, positions, &mut output)
        }
        Element::F16 => {
            encode(bytes, |b| f64::from(f16::from_le_bytes(b)), to, positions, &mut output)
        }
        Element::Bf16 => {
            encode(bytes, |b| f64::from(bf16::from_le_bytes(b)), to, positions, &mut output)
        }
        Element::Integer(_) => None,
    }?;
    Some(output)
}

/// A double holds every value of the other formats, so going through it loses nothing.
fn encode<const N: usize>(
    bytes: &[u8],
    read: impl Fn([u8; N]) -> f64,
    to: Element,
    positions: impl Iterator<Item = usize>,
    output: &mut Vec<u8>,
) -> Option<()> {
    let (numbers, _) = bytes.as_chunks::<N>();
    for position in positions {
        let value = read(*numbers.get(position)?);
        match to {
            Element::F64 => output.extend(value.to_le_bytes()),
            Element::F32 => output.extend((value as f32).to_le_bytes()),
            Element::F16 => output.extend(f16::from_f64(value).to_le_bytes()),
            Element::Bf16 => output.extend(bf16::from_f64(value).to_le_bytes()),
            Element::Integer(_) => return None,
        }
    }
    Some(())
}

/// The numbers of a row-major `[rows, columns]` matrix in the order of its transpose, each as `read`
/// has it.
///
/// # Panics
///
/// When there are fewer.
pub(crate) fn transpose<From: Copy + Sync, To: Copy + Default + Send>(
    numbers: &[From],
    [rows, columns]: [usize; 2],
    read: impl Fn(From) -> To + Sync,
) -> Vec<To> {
    let mut output = vec![To::default(); rows * columns];
    if output.is_empty() {
        return output;
    }
    // By square tiles, so that neither side is gone through a number a cache line.
    let turn = |(band, output): (usize, &mut [To])| {
        let first_column = band * TILE;
        for first_row in (0..rows).step_by(TILE) {
            let end = (first_row + TILE).min(rows);
            for (column, output) in output.chunks_exact_mut(rows).enumerate() {
                for (row, to) in (first_row..end).zip(&mut output[first_row..end]) {
                    *to = read(numbers[row * columns + first_column + column]);
                }
            }
        }
    };
    // The system clears the memory of a large model for longer than turning it takes: on all cores.
    #[cfg(feature = "rayon")]
    output.par_chunks_mut(TILE * rows).enumerate().for_each(turn);
    #[cfg(not(feature = "rayon"))]
    output.chunks_mut(TILE * rows).enumerate().for_each(turn);
    output
}

/// The same of bytes; `None` when there are too few, or they are no floats.
pub(crate) fn transposed(bytes: &[u8], shape: [usize; 2], element: Element) -> Option<Vec<u8>> {
    fn turned<const N: usize>(bytes: &[u8], shape: [usize; 2]) -> Option<Vec<u8>>
    where
        [u8; N]: Default,
    {
        let (numbers, _) = bytes.as_chunks::<N>();
        let is_whole = numbers.len() >= shape[0] * shape[1];
        is_whole.then(|| transpose(numbers, shape, |number| number).into_flattened())
    }
    match element {
        Element::F64 => turned::<8>(bytes, shape),
        Element::F32 => turned::<4>(bytes, shape),
        Element::F16 | Element::Bf16 => turned::<2>(bytes, shape),
        Element::Integer(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_the_way_to_single_and_back() {
        for to in [Element::F16, Element::Bf16] {
            let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
            let wide = convert(&bytes, to, Element::F32, 0..1 << 16).unwrap();
            let narrow = convert(&wide, Element::F32, to, 0..1 << 16).unwrap();
            let differ = bytes.chunks(2).zip(narrow.chunks(2)).filter(|(a, b)| a != b).count();
            // Signalling NaNs become quiet ones.
            assert!(differ <= 2 * 512, "{differ}");
        }
    }

    #[test]
    fn a_transpose_reads_columns() {
        let bytes = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0].map(f32::to_le_bytes).concat();
        let turned = transposed(&bytes, [2, 3], Element::F32).unwrap();
        let expected = [1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0].map(f32::to_le_bytes).concat();
        assert_eq!(turned, expected);
        assert!(transposed(&bytes[1..], [2, 3], Element::F32).is_none());
    }

    #[test]
    fn tiles_of_a_transpose_meet() {
        let [rows, columns] = [37, 50];
        let numbers: Vec<usize> = (0..rows * columns).collect();
        let turned = transpose(&numbers, [rows, columns], |number| number);
        let right = |index: usize| (index % rows) * columns + index / rows;
        assert!(turned.iter().enumerate().all(|(index, number)| *number == right(index)));
        assert!(transpose(&[0; 0], [0, 3], |number: u8| number).is_empty());
    }

    #[test]
    fn what_is_outside_or_no_float_is_refused() {
        assert!(convert(&[0; 8], Element::F32, Element::F32, 0..3).is_none());
        assert!(convert(&[0; 8], Element::F32, Element::F16, 0..3).is_none());
        assert!(convert(&[0; 8], Element::Integer(8), Element::F32, 0..1).is_none());
    }
}
