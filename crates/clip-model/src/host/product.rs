use burn::backend::Flex;
use burn::tensor::Tensor;

use super::packed::{Packed, Rows};
use super::tile::Left;
use super::weight::Held;
use super::{held, tensor, values, zeros};

/// The product of matrices, transposed ones read as they lie. [`takes`](super::takes) is true of both.
///
/// # Shapes
///
/// - left: `[rows, depth]`
/// - right: `[depth, columns]`
/// - output: `[rows, columns]`
pub(crate) fn product(left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
    let ([rows, depth], [_, columns]) = (left.dims(), right.dims());
    let mut output = zeros(rows * columns);
    if !output.is_empty() {
        let turned = left.clone().transpose().try_into_primitive::<Flex>().ok();
        let turned = turned.filter(|turned| turned.is_contiguous());
        let lies_by_columns = turned.is_some();
        let left = turned.unwrap_or_else(|| held(left));
        let x = match lies_by_columns {
            true => Left { values: values(&left), row: 1, column: rows },
            false => Left { values: values(&left), row: depth, column: 1 },
        };
        let right = Held::new(right);
        let weight = right.ordered();
        Packed { x: Rows::Of(x), weight, columns: 0..columns, finish: () }.add_to(&mut output);
    }
    tensor(output, [rows, columns])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    #[test]
    fn products_of_either_order_are_those_of_burns() {
        let device = Device::flex();
        device.seed(7);
        let noise =
            |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        for [rows, depth, columns] in [[1, 1, 1], [7, 1, 5], [1, 9, 4], [30, 64, 33]] {
            for (left, right) in [
                (noise([rows, depth]), noise([depth, columns])),
                (noise([depth, rows]).transpose(), noise([columns, depth]).transpose()),
                (noise([rows + 2, depth]).slice([1..rows + 1, 0..depth]), noise([depth, columns])),
                (noise([rows, depth + 2]).slice([0..rows, 1..depth + 1]), noise([depth, columns])),
            ] {
                let plain = left.clone().matmul(right.clone());
                let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(2e-5);
                let ours = product(left, right).into_data();
                ours.assert_approx_eq(&plain.into_data(), tolerance);
            }
        }
        assert_eq!(product(noise([0, 3]), noise([3, 2])).dims(), [0, 2]);
    }
}
