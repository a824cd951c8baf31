use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::math::exp;
use super::values;

/// Values of a vector instruction, and what widths are rounded up to.
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

impl NullaryFnOnce for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.shape.attend(self.image, self.first, self.output, self.scratch);
    }
}

impl Shape {
    /// One head of one image; `first` is its first column.
    #[inline(always)]
    fn attend(self, image: &[f32], first: usize, output: &mut [f32], scratch: &mut Scratch) {
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
            self.score(&queries, &scratch.keys, &mut scratch.scores);
            for (query, scores) in scratch.scores.chunks_exact_mut(padded).enumerate() {
                let seen = if self.causal { position(query) + 1 } else { sequence };
                softmax(&mut scores[..seen]);
                scores[seen..].fill(0.0);
            }
            let rows = QUERIES.min(sequence - start);
            let output = &mut output[start * head..][..rows * head];
            self.mix(&scratch.scores, image, first, output);
        }
    }

    /// A head's query, key or value (part 0, 1 or 2) at a position.
    #[inline(always)]
    fn of(self, image: &[f32], first: usize, position: usize, part: usize) -> &[f32] {
        &image[(position * 3 + part) * self.width + first..][..self.head]
    }

    /// Scaled scores of some queries with every key.
    #[inline(always)]
    fn score(self, queries: &[&[f32]; QUERIES], keys: &[f32], scores: &mut [f32]) {
        let padded = self.sequence.next_multiple_of(LANES);
        let scale = 1.0 / (self.head as f32).sqrt();
        for start in (0..padded).step_by(LANES) {
            let mut sums = [[0.0_f32; LANES]; QUERIES];
            for (channel, keys) in keys.chunks_exact(padded).enumerate() {
                let keys = &keys[start..start + LANES];
                for (sums, query) in sums.iter_mut().zip(queries) {
                    let query = query[channel];
                    for (sum, key) in sums.iter_mut().zip(keys) {
                        *sum = query.mul_add(*key, *sum);
                    }
                }
            }
            for (scores, sums) in scores.chunks_exact_mut(padded).zip(&sums) {
                for (score, sum) in scores[start..start + LANES].iter_mut().zip(sums) {
                    *score = sum * scale;
                }
            }
        }
    }

    /// Sums of values, weighted by the scores.
    #[inline(always)]
    fn mix(self, scores: &[f32], image: &[f32], first: usize, output: &mut [f32]) {
        let padded = self.sequence.next_multiple_of(LANES);
        for start in (0..self.head).step_by(LANES) {
            let mut sums = [[0.0_f32; LANES]; QUERIES];
            for position in 0..self.sequence {
                let values = &self.of(image, first, position, 2)[start..start + LANES];
                for (query, sums) in sums.iter_mut().enumerate() {
                    let weight = scores[query * padded + position];
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum = weight.mul_add(*value, *sum);
                    }
                }
            }
            for (output, sums) in output.chunks_exact_mut(self.head).zip(&sums) {
                output[start..start + LANES].copy_from_slice(sums);
            }
        }
    }
}

#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let mut largest = f32::NEG_INFINITY;
    for score in scores.iter() {
        largest = largest.max(*score);
    }
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
        sum += *score;
    }
    let factor = 1.0 / sum;
    for score in scores {
        *score *= factor;
    }
}
