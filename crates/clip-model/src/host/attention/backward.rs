use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::head::{Head, softmax, softmax_backward};
use super::{Left, Right, Shape, held, product, tensor, values};

/// The derivative at the packed projection; the weights are computed again.
///
/// # Shapes
///
/// - packed and output: `[batch, sequence, 3 * width]`
/// - derivative, at the attention's output: `[batch, sequence, width]`
pub(in super::super) fn self_attention_backward(
    packed: Tensor<3>,
    derivative: Tensor<3>,
    heads: usize,
    causal: bool,
) -> Tensor<3> {
    let [batch, sequence, width] = derivative.dims();
    let (packed, derivative) = (held(packed), held(derivative));
    let shape = Shape { sequence, width, head: width / heads, causal };
    let size = sequence * width;
    let mut output = vec![0.0; 3 * batch * size];
    let arch = Arch::new();
    let images = values(&packed).par_chunks_exact(3 * size);
    let derivatives = values(&derivative).par_chunks_exact(size);
    output.par_chunks_exact_mut(3 * size).zip(images).zip(derivatives).for_each_init(
        Scratch::default,
        |scratch, ((output, image), derivative)| {
            for first in (0..width).step_by(shape.head) {
                let derivative = Right { values: &derivative[first..], row: width };
                let head = Head { shape, image, first };
                arch.dispatch(Backward { head, derivative, output: &mut *output, scratch });
            }
        },
    );
    tensor(output, [batch, sequence, 3 * width])
}

/// What one head after the other is computed in.
#[derive(Default)]
struct Scratch {
    /// Keys, then values, `[head, padded sequence]`.
    transposed: Vec<f32>,
    /// `[sequence, padded sequence]`.
    weights: Vec<f32>,
    /// The derivative at the weights, then at the scores, `[sequence, padded sequence]`.
    scores: Vec<f32>,
}

/// One head of one image; the output is the whole image's, `[sequence, 3 * width]`.
struct Backward<'a> {
    head: Head<'a>,
    derivative: Right<'a>,
    output: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { head, derivative, output, scratch } = self;
        let Scratch { transposed, weights, scores } = scratch;
        let Shape { sequence, width: all, head: width, .. } = head.shape;
        let padded = head.shape.padded();
        weights.resize(sequence * padded, 0.0);
        scores.resize(sequence * padded, 0.0);

        let wide = [sequence, width, padded];
        head.transpose(head.keys(), transposed);
        let keys = Right { values: transposed, row: padded };
        product(simd, wide, head.queries(0), keys, weights, padded);
        for (query, weights) in weights.chunks_exact_mut(padded).enumerate() {
            softmax(weights, head.shape.seen(query), head.shape.scale());
        }
        head.transpose(head.values(), transposed);
        let at_output = Left { values: derivative.values, row: derivative.row, column: 1 };
        let values = Right { values: transposed, row: padded };
        product(simd, wide, at_output, values, scores, padded);
        for (weights, scores) in weights.chunks_exact(padded).zip(scores.chunks_exact_mut(padded)) {
            softmax_backward(weights, scores, head.shape.scale());
        }

        let narrow = [sequence, sequence, width];
        let by_row = |values| Left { values, row: padded, column: 1 };
        let by_column = |values| Left { values, row: 1, column: padded };
        let first = head.first;
        product(simd, narrow, by_row(scores), head.keys(), &mut output[first..], 3 * all);
        let queries = head.query_rows();
        product(simd, narrow, by_column(scores), queries, &mut output[all + first..], 3 * all);
        let weights = by_column(weights);
        product(simd, narrow, weights, derivative, &mut output[2 * all + first..], 3 * all);
    }
}
