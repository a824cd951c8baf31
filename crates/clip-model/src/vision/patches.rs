use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::linear;
use crate::Mode;

/// The non-overlapping convolution that turns patches into tokens.
#[derive(Module, Debug)]
pub struct PatchEmbedding {
    /// `[width, 3, patch, patch]`.
    pub weight: Param<Tensor<4>>,
    /// `[width]` (SigLIP).
    pub bias: Option<Param<Tensor<1>>>,
}

impl PatchEmbedding {
    pub(super) fn new(width: usize, patch: usize, bias: bool, device: &Device) -> Self {
        let zeros = || Initializer::Zeros.init([width], device);
        Self {
            weight: Initializer::Zeros.init([width, 3, patch, patch], device),
            bias: bias.then(zeros),
        }
    }

    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`; what is left over right and below is not seen
    /// - output: `[batch, patches, width]`, row by row
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let [batch, channels, height, width] = images.dims();
        let weight = self.weight.val();
        let [features, _, patch, _] = weight.dims();
        let (rows, columns) = (height / patch, width / patch);
        let whole = [0..batch, 0..channels, 0..rows * patch, 0..columns * patch];
        // Stride and kernel are equal, so the convolution is one matrix product over patches,
        // which every backend runs faster than its general convolution.
        let patches = images
            .slice(whole)
            .reshape([batch, channels, rows, patch, columns, patch])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, rows * columns, channels * patch * patch]);
        let weight = weight.reshape([features, channels * patch * patch]).transpose();
        linear(patches, weight, self.bias.as_ref().map(Param::val))
    }
}

/// In training, a random part of the patches of each image (FLIP, Li et al. 2023); otherwise all.
///
/// The draw is made on the host, from the mode's seed plus the image's index: encoding a
/// micro-batch again sees the same patches, on every device and however the batch is cut.
///
/// # Shapes
///
/// - tokens: `[batch, patches, width]`
/// - output: `[batch, kept, width]`, kept = max(1, patches * (1 - share) rounded down)
pub(super) fn drop_patches(tokens: Tensor<3>, share: f64, mode: Mode) -> Tensor<3> {
    let Mode::Training { seed, .. } = mode else { return tokens };
    if share == 0.0 {
        return tokens;
    }
    let [batch, patches, width] = tokens.dims();
    let kept = ((patches as f64 * (1.0 - share)) as usize).max(1);
    let draw = |image: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(image as u64));
        index::sample(&mut rng, patches, kept).into_iter().map(|index| index as i32)
    };
    let indices: Vec<i32> = (0..batch).flat_map(draw).collect();
    let data = TensorData::new(indices, [batch, kept, 1]);
    let indices = Tensor::<3, Int>::from_data(data, &tokens.device());
    tokens.gather(1, indices.expand([batch, kept, width]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Statistics;

    #[test]
    fn training_keeps_distinct_patches_that_the_seed_decides() {
        let device = Device::flex();
        let tokens = Tensor::<1, Int>::arange(0..20, &device).float().reshape([2, 10, 1]);
        let dropped = |seed| {
            let mode = Mode::Training { statistics: Statistics::Moving, seed };
            let data = drop_patches(tokens.clone(), 0.75, mode).into_data();
            assert_eq!(data.shape().to_vec(), [2, 2, 1]);
            data.iter::<f32>().collect::<Vec<_>>()
        };
        let kept = dropped(1);
        assert!(kept[0] != kept[1] && kept[2] != kept[3]);
        assert!(kept[..2].iter().all(|v| *v < 10.0) && kept[2..].iter().all(|v| *v >= 10.0));
        assert_eq!(kept, dropped(1));
        assert!((2..10).any(|seed| dropped(seed) != kept));
        let all = drop_patches(tokens.clone(), 0.75, Mode::Evaluation);
        assert_eq!(all.dims(), [2, 10, 1]);
    }
}
