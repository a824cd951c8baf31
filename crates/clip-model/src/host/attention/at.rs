use burn::tensor::Tensor;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::head::softmax;
use super::{LANES, held, tensor, values};
use crate::host::norm::total;

/// Attention of one query in each sequence, which sees so many of its positions.
///
/// # Shapes
///
/// - queries: `[batch, 1, width]`
/// - packed: `[batch, sequence, 2 * width]`: keys, values
/// - output: `[batch, 1, width]`
pub(in crate::host) fn attention_at(
    queries: Tensor<3>,
    packed: Tensor<3>,
    heads: usize,
    seen: &[usize],
) -> Tensor<3> {
    let [batch, sequence, packed_width] = packed.dims();
    let width = packed_width / 2;
    let (queries, packed) = (held(queries), held(packed));
    let sequences = values(&queries)
        .par_chunks_exact(width)
        .zip(values(&packed).par_chunks_exact(sequence * packed_width))
        .zip(seen);
    let mut output = vec![0.0; batch * width];
    let arch = Arch::new();
    output.par_chunks_exact_mut(width).zip(sequences).for_each(
        |(output, ((query, packed), seen))| {
            let rows = &packed[..seen * packed_width];
            arch.dispatch(Attend { query, rows, head: width / heads, output });
        },
    );
    tensor(output, [batch, 1, width])
}

/// All heads of a sequence.
struct Attend<'a> {
    /// `[width]`.
    query: &'a [f32],
    /// `[seen, 2 * width]`.
    rows: &'a [f32],
    /// Width of a head.
    head: usize,
    /// `[width]`, of zeros.
    output: &'a mut [f32],
}

impl NullaryFnOnce for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { query, rows, head, output } = self;
        let width = query.len();
        let rows = rows.chunks_exact(2 * width);
        let seen = rows.len();
        let mut scores = vec![0.0; seen.next_multiple_of(LANES)];
        let heads = query.chunks_exact(head).zip(output.chunks_exact_mut(head));
        for (index, (query, output)) in heads.enumerate() {
            let (key, value) = (index * head, width + index * head);
            for (score, row) in scores.iter_mut().zip(rows.clone()) {
                *score = total(query, &row[key..key + head], |query, key| query * key);
            }
            softmax(&mut scores, seen, 1.0 / (head as f32).sqrt());
            for (weight, row) in scores.iter().zip(rows.clone()) {
                for (output, value) in output.iter_mut().zip(&row[value..value + head]) {
                    *output += weight * value;
                }
            }
        }
    }
}
