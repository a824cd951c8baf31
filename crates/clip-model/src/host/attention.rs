use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::math::exp;
use super::values;

/// Values of the widest vector instruction, and what widths are rounded up to.
const LANES: usize = 16;
/// Queries whose scores and outputs are summed up side by side.
const QUERIES: usize = 8;

/// Whether [`self_attention`] takes heads of this width.
pub(crate) fn takes_heads_of(width: usize) -> bool {
    width > 0 && width.is_multiple_of(LANES)
}

/// Scaled dot-product attention, read from the packed projection as it lies.
///
/// # Shapes
///
/// - packed: `[batch, sequence, 3 * width]`: queries, keys, values
/// - output: `[batch, sequence, width]`
pub(crate) fn self_attention(packed: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, sequence, packed_width] = packed.dims();
    let width = packed_width / 3;
    let device = packed.device();
    let packed = packed.into_data();
    let packed = values(&packed);
    let shape = Shape { sequence, width, head: width / heads, causal };
    let mut by_head = vec![0.0; batch * sequence * width];
    let arch = Arch::new();
    by_head.par_chunks_exact_mut(sequence * shape.head).enumerate().for_each_init(
        Scratch::default,
        |scratch, (index, output)| {
            let image = &packed[index / heads * sequence * packed_width..];
            let first = index % heads * shape.head;
            arch.dispatch(Attend { shape, image, first, output, scratch });
        },
    );
    let mut output = vec![0.0; by_head.len()];
    output.par_chunks_exact_mut(width).enumerate().for_each(|(row, output)| {
        let (image, position) = (row / sequence, row % sequence);
        let heads = by_head[image * sequence * width..].chunks_exact(sequence * shape.head);
        for (to, head) in output.chunks_exact_mut(shape.head).zip(heads) {
            to.copy_from_slice(&head[position * shape.head..][..shape.head]);
        }
    });
    Tensor::from_data(TensorData::new(output, [batch, sequence, width]), &device)
}

#[derive(Clone, Copy)]
struct Shape {
    sequence: usize,
    width: usize,
    /// Width of a head.
    head: usize,
    causal: bool,
}

/// What one head after the other is computed in.
#[derive(Default)]
struct Scratch {
    /// Keys, `[head, padded sequence]`.
    keys: Vec<f32>,
    /// Of some queries, `[QUERIES, padded sequence]`.
    scores: Vec<f32>,
}

/// One head of one image.
struct Attend<'a> {
    shape: Shape,
    image: &'a [f32],
    first: usize,
    output: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.shape.attend(simd, self.image, self.first, self.output, self.scratch);
    }
}

impl Shape {
    /// One head of one image; `first` is its first column.
    #[inline(always)]
    fn attend<S: Simd>(
        self,
        simd: S,
        image: &[f32],
        first: usize,
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let Self { sequence, head, .. } = self;
        let padded = sequence.next_multiple_of(LANES);
        scratch.keys.clear();
        scratch.keys.resize(head * padded, 0.0);
        for position in 0..sequence {
            for (channel, value) in self.of(image, first, position, 1).iter().enumerate() {
                scratch.keys[channel * padded + position] = *value;
            }
        }
        scratch.scores.resize(QUERIES * padded, 0.0);
        for start in (0..sequence).step_by(QUERIES) {
            // What is too many at the end is the last one again, and not kept.
            let position = |query: usize| (start + query).min(sequence - 1);
            let queries: [&[f32]; QUERIES] =
                std::array::from_fn(|query| self.of(image, first, position(query), 0));
            for column in (0..padded).step_by(2 * S::F32_LANES) {
                let scores = &mut scratch.scores[column..];
                if padded - column > S::F32_LANES {
                    self.score::<S, 2>(simd, &queries, &scratch.keys[column..], scores);
                } else {
                    self.score::<S, 1>(simd, &queries, &scratch.keys[column..], scores);
                }
            }
            for (query, scores) in scratch.scores.chunks_exact_mut(padded).enumerate() {
                softmax(scores, if self.causal { position(query) + 1 } else { sequence });
            }
            let rows = QUERIES.min(sequence - start);
            let output = &mut output[start * head..][..rows * head];
            for column in (0..head).step_by(2 * S::F32_LANES) {
                let (first, output) = (first + column, &mut output[column..]);
                if head - column > S::F32_LANES {
                    self.mix::<S, 2>(simd, &scratch.scores, image, first, output);
                } else {
                    self.mix::<S, 1>(simd, &scratch.scores, image, first, output);
                }
            }
        }
    }

    /// A head's query or key (part 0 or 1) at a position.
    #[inline(always)]
    fn of(self, image: &[f32], first: usize, position: usize, part: usize) -> &[f32] {
        &image[(position * 3 + part) * self.width + first..][..self.head]
    }

    /// Scaled scores of some queries with as many keys as fill so many vectors.
    #[inline(always)]
    fn score<S: Simd, const VECTORS: usize>(
        self,
        simd: S,
        queries: &[&[f32]; QUERIES],
        keys: &[f32],
        scores: &mut [f32],
    ) {
        let padded = self.sequence.next_multiple_of(LANES);
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; QUERIES];
        for channel in 0..self.head {
            let (keys, _) = S::as_simd_f32s(&keys[channel * padded..][..VECTORS * S::F32_LANES]);
            for (sums, query) in sums.iter_mut().zip(queries) {
                let query = simd.splat_f32s(query[channel]);
                for vector in 0..VECTORS {
                    sums[vector] = simd.mul_add_f32s(query, keys[vector], sums[vector]);
                }
            }
        }
        let scale = simd.splat_f32s(1.0 / (self.head as f32).sqrt());
        for (query, sums) in sums.iter().enumerate() {
            let scores = &mut scores[query * padded..][..VECTORS * S::F32_LANES];
            let (scores, _) = S::as_mut_simd_f32s(scores);
            for vector in 0..VECTORS {
                scores[vector] = simd.mul_f32s(sums[vector], scale);
            }
        }
    }

    /// So many vectors of the sums of values, weighted by the scores.
    #[inline(always)]
    fn mix<S: Simd, const VECTORS: usize>(
        self,
        simd: S,
        scores: &[f32],
        image: &[f32],
        first: usize,
        output: &mut [f32],
    ) {
        let padded = self.sequence.next_multiple_of(LANES);
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; QUERIES];
        for position in 0..self.sequence {
            let values = &image[(position * 3 + 2) * self.width + first..];
            let (values, _) = S::as_simd_f32s(&values[..VECTORS * S::F32_LANES]);
            for (query, sums) in sums.iter_mut().enumerate() {
                let weight = simd.splat_f32s(scores[query * padded + position]);
                for vector in 0..VECTORS {
                    sums[vector] = simd.mul_add_f32s(weight, values[vector], sums[vector]);
                }
            }
        }
        for (output, sums) in output.chunks_mut(self.head).zip(&sums) {
            let (output, _) = S::as_mut_simd_f32s(&mut output[..VECTORS * S::F32_LANES]);
            output.copy_from_slice(sums);
        }
    }
}

/// The softmax of the first `seen` scores; the others become 0.
#[inline(always)]
fn softmax(scores: &mut [f32], seen: usize) {
    scores[seen..].fill(f32::NEG_INFINITY);
    let mut largest = [f32::NEG_INFINITY; LANES];
    for scores in scores.as_chunks::<LANES>().0 {
        for (largest, score) in largest.iter_mut().zip(scores) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    let largest = largest.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    let mut sums = [0.0; LANES];
    for scores in scores.as_chunks_mut::<LANES>().0 {
        for (sum, score) in sums.iter_mut().zip(scores) {
            *score = exp(*score - largest);
            *sum += *score;
        }
    }
    let factor = 1.0 / sums.iter().sum::<f32>();
    scores.iter_mut().for_each(|score| *score *= factor);
    scores[seen..].fill(0.0);
}
