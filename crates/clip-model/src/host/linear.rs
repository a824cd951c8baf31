use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use burn::tensor::Tensor;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::dots::Dots;
use super::finish::{Finish, Finishing};
use super::kept::Kept;
use super::packed::{PANEL, Packed, PackedWeight, Prepacked, Rows};
use super::tile::Left;
use super::weight::{Held, Ordered};
use super::{from_data, held, takes, tensor, values, values_mut, zeros};
use crate::Activation;

/// Rows up to which [`Dots`] are faster than what is [`Packed`].
pub(super) const FEW_ROWS: usize = 96;

/// A weight packed once for all products, if it was.
pub(super) type KeptPacked = Option<Arc<Kept<PackedWeight>>>;

/// A linear layer's parameters.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// `[in, out]`, in any format that [`reads`](super::weight::reads) is true of.
    pub weight: Tensor<2>,
    /// `[out]`, in f32.
    pub bias: Tensor<1>,
    /// The weight.
    pub packed: KeptPacked,
}

/// A linear layer without a graph on the CPU in f32, broken with; or the input to go on with.
///
/// # Shapes
///
/// - input: `[batch, sequence, in]`
/// - weight: `[in, out]`
/// - bias: `[out]`
/// - output: `[batch, sequence, out]`
pub(crate) fn linear(
    x: Tensor<3>,
    weight: &Tensor<2>,
    bias: Option<Tensor<1>>,
) -> ControlFlow<Tensor<3>, Tensor<3>> {
    if !takes(&x) || !takes(weight) {
        return ControlFlow::Continue(x);
    }
    let [_, columns] = weight.dims();
    let bias = bias.unwrap_or_else(|| Tensor::zeros([columns], &x.device()));
    let layer = Layer { weight: weight.clone(), bias, packed: None };
    ControlFlow::Break(layer.forward(x, None))
}

impl Layer {
    /// The layer and an activation, computed while the product is in the cache.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, in]`
    /// - output: `[batch, sequence, out]`
    pub fn forward(&self, x: Tensor<3>, activation: Option<Activation>) -> Tensor<3> {
        let [_, columns] = self.weight.dims();
        self.part(x, 0..columns, activation)
    }

    /// Some columns of the layer.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, in]`
    /// - output: `[batch, sequence, columns]`
    pub fn columns(&self, x: Tensor<3>, columns: Range<usize>) -> Tensor<3> {
        self.part(x, columns, None)
    }

    fn part(
        &self,
        x: Tensor<3>,
        columns: Range<usize>,
        activation: Option<Activation>,
    ) -> Tensor<3> {
        let [batch, sequence, _] = x.dims();
        let bias = held(self.bias.clone());
        let finish = Finish { bias: &values(&bias)[columns.clone()], activation };
        let shape = [batch, sequence, columns.len()];
        let mut output = zeros(shape.into_iter().product());
        self.add_to(&mut output, x, columns, finish);
        tensor(output, shape)
    }

    /// The layer's output added to `sum`, where that lies.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, in]`
    /// - sum and output: `[batch, sequence, out]`
    pub fn forward_added(&self, x: Tensor<3>, sum: Tensor<3>) -> Tensor<3> {
        let [_, _, columns] = sum.dims();
        let bias = held(self.bias.clone());
        let finish = Finish { bias: values(&bias), activation: None };
        let mut sum = sum.into_data();
        self.add_to(values_mut(&mut sum), x, 0..columns, finish);
        from_data(sum)
    }

    fn add_to(&self, output: &mut [f32], x: Tensor<3>, columns: Range<usize>, finish: Finish<'_>) {
        if output.is_empty() {
            return;
        }
        let (x, weight) = (held(x), Held::new(self.weight.clone()));
        let packed = self.packed.as_ref().and_then(|packed| packed.of(&weight));
        add_product(values(&x), &weight, packed, columns, finish, output);
    }

    /// The derivative at the input, from that at the output.
    ///
    /// # Shapes
    ///
    /// - derivative: `[batch, sequence, out]`
    /// - output: `[batch, sequence, in]`
    pub fn input_gradient(&self, derivative: Tensor<3>) -> Tensor<3> {
        let [batch, sequence, columns] = derivative.dims();
        let [depth, _] = self.weight.dims();
        let derivative = held(derivative);
        let x = Left { values: values(&derivative), row: columns, column: 1 };
        let weight = Held::by_rows(self.weight.clone());
        let weight = Ordered::ByColumns(weight.weight());
        let mut output = zeros(batch * sequence * depth);
        Packed { x: Rows::Of(x), weight, columns: 0..depth, finish: () }.add_to(&mut output);
        tensor(output, [batch, sequence, depth])
    }
}

/// Packs a weight, `[in, out]`, for all products to come, if it is in f32.
pub(super) fn kept_packed(weight: Tensor<2>) -> KeptPacked {
    let pack = |weight: &Held| {
        let weight = weight.ordered();
        PackedWeight::new(weight, 0..weight.depth(), 0..weight.columns())
    };
    takes(&weight).then(|| Arc::new(Kept::new(Held::new(weight), pack)))
}

/// Adds a product to the output and finishes it.
///
/// # Shapes
///
/// - x: `[rows, in]`
/// - weight: `[in, out]`, of which some columns are computed; the same, packed
/// - output: `[rows, columns]`
pub(super) fn add_product(
    x: &[f32],
    weight: &Held,
    packed: Option<&PackedWeight>,
    columns: Range<usize>,
    finish: impl Finishing,
    output: &mut [f32],
) {
    let weight = weight.ordered();
    let rows = Rows::Of(Left { values: x, row: weight.depth(), column: 1 });
    match (packed, weight) {
        (Some(weight), _) if columns.start.is_multiple_of(PANEL) => {
            Prepacked { x: rows, weight, columns, finish: &finish }.add_to(output);
        }
        (_, Ordered::ByColumns(weight)) if output.len() <= FEW_ROWS * columns.len() => {
            Dots { x, weight, columns, finish }.add_to(output);
        }
        _ => Packed { x: rows, weight, columns, finish }.add_to(output),
    }
}

/// The derivative at a layer's weight, `[in, out]`.
///
/// # Shapes
///
/// - input: `[batch, sequence, in]`
/// - derivative: `[batch, sequence, out]`
pub(super) fn weight_gradient(x: Tensor<3>, derivative: Tensor<3>) -> Tensor<2> {
    let ([.., depth], [batch, sequence, columns]) = (x.dims(), derivative.dims());
    let x = held(x);
    let x = Left { values: values(&x), row: 1, column: depth };
    let derivative = Held::by_rows(derivative.reshape([batch * sequence, columns]));
    let weight = Ordered::ByRows(derivative.weight());
    let mut output = zeros(depth * columns);
    Packed { x: Rows::Of(x), weight, columns: 0..columns, finish: () }.add_to(&mut output);
    tensor(output, [depth, columns])
}

/// The derivative at a layer's bias, `[out]`: the sum of all rows.
///
/// # Shapes
///
/// - derivative: `[batch, sequence, out]`
pub(super) fn bias_gradient(derivative: Tensor<3>) -> Tensor<1> {
    /// Columns that one task adds up.
    const COLUMNS: usize = 256;
    let [_, _, width] = derivative.dims();
    let derivative = held(derivative);
    let mut sums = vec![0.0; width];
    let arch = Arch::new();
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(part, sums)| {
        for row in values(&derivative).chunks_exact(width) {
            let values = &row[part * COLUMNS..][..sums.len()];
            arch.dispatch(Add { sums: &mut *sums, values });
        }
    });
    tensor(sums, [width])
}

/// Values added to what was there.
struct Add<'a> {
    sums: &'a mut [f32],
    values: &'a [f32],
}

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (sum, value) in self.sums.iter_mut().zip(self.values) {
            *sum += value;
        }
    }
}
