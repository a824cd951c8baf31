//! Scaled dot-product attention over the packed projection as it lies.

mod at;
mod backward;
mod head;

pub(super) use at::attention_at;
pub(super) use backward::self_attention_backward;

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use self::head::{Head, softmax};
use super::tile::{LANES, Left, ROWS, Right, product};
use super::{held, tensor, values};

/// Whether [`self_attention`] takes heads of this width.
pub(super) fn takes_heads_of(width: usize) -> bool {
    width > 0 && width.is_multiple_of(LANES)
}

/// # Shapes
///
/// - packed: `[batch, sequence, 3 * width]`: queries, keys, values
/// - output: `[batch, sequence, width]`
pub(super) fn self_attention(packed: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [batch, sequence, packed_width] = packed.dims();
    let width = packed_width / 3;
    let packed = held(packed);
    let packed = values(&packed);
    let shape = Shape { sequence, width, head: width / heads, causal };
    let mut by_head = vec![0.0; batch * sequence * width];
    let arch = Arch::new();
    by_head.par_chunks_exact_mut(sequence * shape.head).enumerate().for_each_init(
        Scratch::default,
        |scratch, (index, output)| {
            let image = &packed[index / heads * sequence * packed_width..];
            let head = Head { shape, image, first: index % heads * shape.head };
            arch.dispatch(Attend { head, output, scratch });
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
    tensor(output, [batch, sequence, width])
}

#[derive(Clone, Copy)]
struct Shape {
    sequence: usize,
    width: usize,
    /// Width of a head.
    head: usize,
    causal: bool,
}

impl Shape {
    /// Width of a row of scores.
    fn padded(self) -> usize {
        self.sequence.next_multiple_of(LANES)
    }

    /// Positions that a query sees.
    fn seen(self, query: usize) -> usize {
        if self.causal { query + 1 } else { self.sequence }
    }

    fn scale(self) -> f32 {
        1.0 / (self.head as f32).sqrt()
    }
}

/// What one head after the other is computed in.
#[derive(Default)]
struct Scratch {
    /// Keys, `[head, padded sequence]`.
    keys: Vec<f32>,
    /// Of some queries, `[ROWS, padded sequence]`.
    scores: Vec<f32>,
}

/// One head of one image; the output is `[sequence, head]`.
struct Attend<'a> {
    head: Head<'a>,
    output: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { head, output, scratch: Scratch { keys, scores } } = self;
        let Shape { sequence, head: width, .. } = head.shape;
        let padded = head.shape.padded();
        head.transpose(head.keys(), keys);
        scores.resize(ROWS * padded, 0.0);
        for start in (0..sequence).step_by(ROWS) {
            let rows = ROWS.min(sequence - start);
            let keys = Right { values: keys, row: padded };
            product(simd, [rows, width, padded], head.queries(start), keys, scores, padded);
            for (query, scores) in scores.chunks_exact_mut(padded).enumerate().take(rows) {
                softmax(scores, head.shape.seen(start + query), head.shape.scale());
            }
            let weights = Left { values: scores, row: padded, column: 1 };
            let output = &mut output[start * width..];
            product(simd, [rows, sequence, width], weights, head.values(), output, width);
        }
    }
}
