use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Int, Tensor};

use crate::vision::VisionTower;
use crate::{Activation, ClipConfig, ConfigError, Mode, TextTransformer, init};

/// The largest value of `ln(scale)`: logits are never scaled by more than 100 (paper, 2.5).
pub const MAX_LOG_SCALE: f64 = 4.605_170_185_988_092;

/// A CLIP model: an image tower and a text tower that meet in one space.
#[derive(Module, Debug)]
pub struct Clip {
    /// The image tower.
    pub visual: VisionTower,
    /// The text tower.
    pub text: TextTransformer,
    /// Natural logarithm of the factor on cosine similarities, `[1]`.
    pub logit_scale: Param<Tensor<1>>,
}

impl ClipConfig {
    /// Builds the model with the paper's initialisation; the same seed gives the same weights on
    /// every device.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Contradiction`] when the numbers do not fit together.
    pub fn init(&self, device: &Device, seed: u64) -> Result<Clip, ConfigError> {
        self.validate()?;
        Ok(init::initialize(self.build(device), self, seed))
    }

    fn build(&self, device: &Device) -> Clip {
        let activation = Activation::from_quick_gelu(self.quick_gelu);
        Clip {
            visual: VisionTower::new(&self.vision_cfg, self.embed_dim, activation, device),
            text: TextTransformer::new(&self.text_cfg, self.embed_dim, activation, device),
            logit_scale: Initializer::Zeros.init([1], device),
        }
    }
}

impl Clip {
    /// Image features for evaluation, not normalised.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`, normalised as the model was trained
    /// - output: `[batch, embed]`
    pub fn encode_image(&self, images: Tensor<4>) -> Tensor<2> {
        self.visual.forward(images, Mode::Evaluation)
    }

    /// Normalised image features, for training or evaluation as `mode` says.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, embed]`
    pub fn image_features(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        normalize(self.visual.forward(images, mode))
    }

    /// Normalised text features.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`
    /// - output: `[batch, embed]`
    pub fn text_features(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        normalize(self.encode_text(tokens))
    }

    /// Text features, not normalised.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`
    /// - output: `[batch, embed]`
    pub fn encode_text(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        self.text.forward(tokens)
    }

    /// Scaled cosine similarities of every image with every text, for evaluation.
    ///
    /// # Shapes
    ///
    /// - images: `[images, 3, height, width]`
    /// - tokens: `[texts, context]`
    /// - output: `[images, texts]`
    pub fn forward(&self, images: Tensor<4>, tokens: Tensor<2, Int>) -> Tensor<2> {
        let images = self.image_features(images, Mode::Evaluation);
        let texts = self.text_features(tokens);
        images.matmul(texts.transpose()) * self.logit_scale.val().exp().unsqueeze()
    }

    /// Keeps the logit scale at or below 100, as the paper does after every step.
    pub fn clamp_logit_scale(mut self) -> Self {
        // Clamping on an autodiff device would leave a parameter that no longer asks for its
        // gradient, so the clamp runs beside the graph.
        self.logit_scale = self.logit_scale.map(|scale| {
            let require_grad = scale.is_require_grad();
            match scale.device().is_autodiff() {
                true => {
                    scale.inner().clamp_max(MAX_LOG_SCALE).autodiff().set_require_grad(require_grad)
                }
                false => scale.clamp_max(MAX_LOG_SCALE),
            }
        });
        self
    }
}

/// Features divided by their Euclidean norm.
///
/// # Shapes
///
/// - input and output: `[batch, embed]`
pub fn normalize(features: Tensor<2>) -> Tensor<2> {
    // The floor is that of PyTorch's `F.normalize`.
    let norm = features.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
    features / norm
}
