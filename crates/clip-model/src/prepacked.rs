use crate::Clip;
use crate::host::{PackedFilters, PackedLayers};
use crate::vision::VisionTower;

impl Clip {
    /// The model for inference on the CPU: the weights in f32 of its blocks are packed once, as
    /// products read them, rather than in each product. Few images or texts at a time gain most, and
    /// memory pays: as much again as the packed weights take, of convolutions of 3x3 near twice as much.
    ///
    /// Nothing else changes: the parameters stay, and a block whose parameters are changed afterwards
    /// computes with the new ones, as fast as before, while what was packed stays in memory. Where
    /// Burn's operations compute blocks (on another device, with a layer scale), this does nothing.
    pub fn into_prepacked(mut self) -> Self {
        if let VisionTower::ModifiedResNet(resnet) = &mut self.visual {
            resnet.blocks_mut().for_each(|block| block.packed = PackedFilters::of(block));
        }
        for block in self.blocks_on_host() {
            block.packed = PackedLayers::of(&block.attn, &block.mlp);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, ModuleMapper, Param};
    use burn::tensor::{DType, Device, Distribution, Int, Tensor, Tolerance};

    use crate::{Clip, ClipConfig};

    const TEXT: &str =
        r#"{"context_length": 8, "vocab_size": 99, "width": 64, "heads": 2, "layers": 2}"#;
    const TOWERS: [&str; 2] = [
        r#"{"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}"#,
        r#"{"image_size": 96, "layers": [1, 2, 1, 1], "width": 16, "head_width": 32}"#,
    ];

    fn model(tower: &str) -> Clip {
        let config = format!(r#"{{"embed_dim": 32, "vision_cfg": {tower}, "text_cfg": {TEXT}}}"#);
        let config: ClipConfig = serde_json::from_str(&config).unwrap();
        config.init(&Device::flex(), 3).unwrap()
    }

    fn features(clip: &Clip, images: &Tensor<4>) -> Tensor<2> {
        let tokens = [[97, 4, 98, 0, 0, 0, 0, 0], [97, 4, 5, 6, 7, 8, 9, 98]];
        let tokens = Tensor::<2, Int>::from_data(tokens, &Device::flex());
        Tensor::cat(vec![clip.encode_image(images.clone()), clip.encode_text(tokens)], 0)
    }

    /// Other weights.
    struct Noise;

    impl ModuleMapper for Noise {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|x| x.clone() + x.random_like(Distribution::Normal(0.0, 0.02)))
        }
    }

    /// Weights in the order of rows; with few rows and with many.
    #[test]
    fn a_prepacked_model_computes_the_same_and_notices_other_weights() {
        let device = Device::flex();
        for (tower, images) in [(TOWERS[0], 3), (TOWERS[0], 70), (TOWERS[1], 1), (TOWERS[1], 3)] {
            let plain = model(tower);
            let side = if tower == TOWERS[0] { 32 } else { 96 };
            let pixels = Tensor::<1, Int>::arange(0..images * 3 * side * side, &device).float();
            let images = (pixels * 0.1).sin().reshape([-1, 3, side as i32, side as i32]);
            let same = |a: &Clip, b: &Clip| {
                let tolerance = Tolerance::<f32>::relative(1e-4).set_absolute(1e-5);
                let right = features(b, &images).into_data();
                features(a, &images).into_data().assert_approx_eq(&right, tolerance);
            };
            let packed = plain.clone().into_prepacked();
            same(&packed, &plain);
            let moved = packed.map(&mut Noise);
            let mut unpacked = moved.clone();
            unpacked.blocks_on_host().for_each(|block| block.packed = Default::default());
            same(&moved, &unpacked);
            same(&moved.into_prepacked(), &unpacked);
        }
    }

    #[test]
    fn weights_in_fewer_bits_stay_as_they_are() {
        let rounded = model(TOWERS[0]).into_int8().unwrap();
        let images = Tensor::ones([1, 3, 32, 32], &Device::flex());
        let right = features(&rounded, &images).into_data();
        let packed = rounded.into_prepacked();
        assert_ne!(packed.text.transformer.resblocks[0].mlp.c_fc.weight.val().dtype(), DType::F32);
        assert_eq!(features(&packed, &images).into_data(), right);
    }
}
