//! The two passes over bytes, in fixed point: where the time of a resize goes.
//!
//! The loops are over arrays of fixed length, so that the compiler makes wide integer instructions
//! of them, and `pulp` has it do so for what the processor at hand knows. Closures given to arrays
//! (`map`, `from_fn`) are compiled outside of that, so the inner loops have none.
//!
//! A row's neighbouring samples have different weights, but those of a column have the same; so the
//! horizontal pass turns [`LANES`] rows on their side, weighs them all at once, and turns the
//! result back.

use std::borrow::Borrow;

use pulp::{Arch, Simd, WithSimd};

use super::Rows;
use super::taps::Taps;

/// Fixed-point fraction bits of the weights: 8 bits of value and 2 of headroom stay free in an i32.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Sums that are added up side by side: four registers of 256 bits, of the sixteen there are.
const LANES: usize = 32;

/// Samples that lie side by side in one row, or at one position of [`LANES`] rows.
type Lanes = [u8; LANES];

/// A share of one in fixed point, rounded half away from zero.
pub(super) fn weight(share: f64) -> i32 {
    (share * f64::from(1 << PRECISION_BITS) + 0.5f64.copysign(share)) as i32
}

/// Every row of `C` samples a pixel at the output columns.
pub(super) fn horizontal<const C: usize>(source: Rows<u8>, columns: &Taps<i32>) -> Vec<u8> {
    let mut output = vec![0; source.count * columns.len() * C];
    Arch::new().dispatch(Horizontal::<C> { source, columns, output: &mut output });
    output
}

/// The output rows.
pub(super) fn vertical(source: Rows<u8>, rows: &Taps<i32>) -> Vec<u8> {
    let mut output = vec![0; rows.len() * source.length];
    Arch::new().dispatch(Vertical { source, rows, output: &mut output });
    output
}

struct Horizontal<'a, const C: usize> {
    source: Rows<'a, u8>,
    columns: &'a Taps<i32>,
    output: &'a mut [u8],
}

impl<const C: usize> WithSimd for Horizontal<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let length = self.columns.len() * C;
        let mut turned = vec![[0; LANES]; self.source.length.next_multiple_of(8)];
        let mut weighed = vec![[0; LANES]; length.next_multiple_of(8)];
        for (block, output) in self.output.chunks_mut((LANES * length).max(1)).enumerate() {
            turn(self.source, block * LANES, &mut turned);
            let pixels = weighed.as_chunks_mut::<C>().0.iter_mut();
            for ((start, weights), pixel) in self.columns.iter().zip(pixels) {
                for (channel, sample) in pixel.iter_mut().enumerate() {
                    let samples = turned[start * C + channel..].iter().step_by(C);
                    *sample = weigh(samples, weights);
                }
            }
            turn_back(&weighed, output, length);
        }
    }
}

struct Vertical<'a> {
    source: Rows<'a, u8>,
    rows: &'a Taps<i32>,
    output: &'a mut [u8],
}

impl WithSimd for Vertical<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let length = self.source.length.max(1);
        for (output, (start, weights)) in self.output.chunks_exact_mut(length).zip(self.rows.iter())
        {
            let rows = (start..start + weights.len()).map(|row| self.source.row(row));
            let (blocks, rest) = output.as_chunks_mut();
            for (index, block) in blocks.iter_mut().enumerate() {
                *block = weigh(rows.clone().map(|row| &row.as_chunks().0[index]), weights);
            }
            if !rest.is_empty() {
                let rows = rows.map(|row| padded(row.as_chunks::<LANES>().1));
                rest.copy_from_slice(&weigh(rows, weights)[..rest.len()]);
            }
        }
    }
}

/// The samples, followed by zeros.
fn padded(samples: &[u8]) -> Lanes {
    let mut lanes = [0; LANES];
    lanes[..samples.len()].copy_from_slice(samples);
    lanes
}

/// The weighted sum of samples, rounded.
#[inline(always)]
fn weigh(samples: impl Iterator<Item = impl Borrow<Lanes>>, weights: &[i32]) -> Lanes {
    // Half, so that the shift at the end rounds.
    let mut sums = [1 << (PRECISION_BITS - 1); LANES];
    for (samples, &weight) in samples.zip(weights) {
        for (sum, &sample) in sums.iter_mut().zip(samples.borrow()) {
            *sum += i32::from(sample) * weight;
        }
    }
    let mut rounded = [0; LANES];
    for (sample, sum) in rounded.iter_mut().zip(sums) {
        *sample = (sum >> PRECISION_BITS).clamp(0, 255) as u8;
    }
    rounded
}

/// Eight bytes of each of [`LANES`] rows: `[row][group]`, a group being eight rows.
type Block = [[u64; LANES / 8]; 8];

/// Puts [`LANES`] rows from `top` on their side: one element of `turned` a column. Rows that aren't
/// there repeat the last one.
#[inline(always)]
fn turn(source: Rows<u8>, top: usize, turned: &mut [Lanes]) {
    let rows: [&[u8]; LANES] =
        std::array::from_fn(|lane| source.row((top + lane).min(source.count - 1)));
    let (whole, rest) = turned.split_at_mut(source.length / 8 * 8);
    for (index, columns) in whole.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut block = Block::default();
        for (row, numbers) in block.iter_mut().enumerate() {
            for (group, number) in numbers.iter_mut().enumerate() {
                let rest = rows[group * 8 + row].get(index * 8..);
                let eight = rest.and_then(|rest| rest.first_chunk());
                *number = eight.map_or(0, |eight| u64::from_le_bytes(*eight));
            }
        }
        for (column, groups) in columns.iter_mut().zip(transposed(block)) {
            for (eight, group) in column.as_chunks_mut().0.iter_mut().zip(groups) {
                *eight = group.to_le_bytes();
            }
        }
    }
    for (column, place) in rest.iter_mut().zip(whole.len()..source.length) {
        *column = rows.map(|row| row[place]);
    }
}

/// Undoes [`turn`], for as many rows of `length` samples as `output` has.
#[inline(always)]
fn turn_back(turned: &[Lanes], output: &mut [u8], length: usize) {
    for (index, columns) in turned.as_chunks::<8>().0.iter().enumerate() {
        let mut block = Block::default();
        for (groups, column) in block.iter_mut().zip(columns) {
            for (group, eight) in groups.iter_mut().zip(column.as_chunks().0) {
                *group = u64::from_le_bytes(*eight);
            }
        }
        let block = transposed(block);
        for (lane, row) in output.chunks_exact_mut(length).enumerate() {
            let bytes = block[lane % 8][lane / 8].to_le_bytes();
            let place = &mut row[index * 8..];
            match place.first_chunk_mut() {
                Some(eight) => *eight = bytes,
                None => place.copy_from_slice(&bytes[..place.len()]),
            }
        }
    }
}

/// Swaps the byte's place in a number with the number's place in its group: squares of four bytes
/// first, then of two, then of one.
#[inline(always)]
fn transposed(mut block: Block) -> Block {
    for row in [0, 1, 2, 3] {
        swap(&mut block, row, 4, 0x0000_0000_ffff_ffff);
    }
    for row in [0, 1, 4, 5] {
        swap(&mut block, row, 2, 0x0000_ffff_0000_ffff);
    }
    for row in [0, 2, 4, 6] {
        swap(&mut block, row, 1, 0x00ff_00ff_00ff_00ff);
    }
    block
}

/// Swaps the high parts of a row's numbers with the `low` parts of the row `distance` below.
#[inline(always)]
fn swap(block: &mut Block, row: usize, distance: usize, low: u64) {
    let bits = 8 * distance;
    let (uppers, lowers) = block.split_at_mut(row + distance);
    for (upper, lower) in uppers[row].iter_mut().zip(&mut lowers[0]) {
        let (above, below) = (*upper, *lower);
        *upper = above & low | (below & low) << bits;
        *lower = above >> bits & low | below & !low;
    }
}
