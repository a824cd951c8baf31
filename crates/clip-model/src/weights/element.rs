//! The number formats that weights are stored in.

use burn::tensor::DType;
use half::{bf16, f16};

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

/// Where the elements of a row-major `[rows, columns]` matrix lie, in the order of its transpose.
pub(crate) fn transposed(rows: usize, columns: usize) -> impl ExactSizeIterator<Item = usize> {
    (0..rows * columns).map(move |index| (index % rows) * columns + index / rows)
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
        let turned = convert(&bytes, Element::F32, Element::F32, transposed(2, 3)).unwrap();
        let expected = [1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0].map(f32::to_le_bytes).concat();
        assert_eq!(turned, expected);
    }

    #[test]
    fn what_is_outside_or_no_float_is_refused() {
        assert!(convert(&[0; 8], Element::F32, Element::F32, 0..3).is_none());
        assert!(convert(&[0; 8], Element::F32, Element::F16, 0..3).is_none());
        assert!(convert(&[0; 8], Element::Integer(8), Element::F32, 0..1).is_none());
    }
}
