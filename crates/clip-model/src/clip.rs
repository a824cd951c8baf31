use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{DType, Device, Int, Tensor};

#[cfg(feature = "flex")]
use crate::ResidualAttentionBlock;
use crate::vision::VisionTower;
use crate::{ClipConfig, ConfigError, Mode, TextTransformer, init};

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
    /// What is added to the scaled similarities, `[1]` (SigLIP).
    pub logit_bias: Option<Param<Tensor<1>>>,
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

    /// The model without values, which a checkpoint then fills.
    pub(crate) fn build(&self, device: &Device) -> Clip {
        let Self { vision_cfg, text_cfg, embed_dim, .. } = self;
        let (vision, text) = (self.vision_activation(), self.text_activation());
        let scalar = || Initializer::Zeros.init([1], device);
        Clip {
            visual: VisionTower::new(vision_cfg, *embed_dim, vision, device),
            text: TextTransformer::new(text_cfg, *embed_dim, text, device),
            logit_scale: scalar(),
            logit_bias: self.init_logit_bias.map(|_| scalar()),
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
        self.raw_image_features(images, Mode::Evaluation)
    }

    /// The image features that the paper fits linear probes to (appendix A.3): of a ViT those before
    /// the projection into the space that it shares with texts, of another tower
    /// [`Clip::encode_image`]'s.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`, normalised as the model was trained
    /// - output: `[batch, width]` of a ViT, else `[batch, embed]`
    pub fn encode_image_unprojected(&self, images: Tensor<4>) -> Tensor<2> {
        match &self.visual {
            VisionTower::Vit(vit) => {
                vit.forward_unprojected(images.cast(self.dtype()), Mode::Evaluation)
            }
            _ => self.encode_image(images),
        }
    }

    /// What makes [`Clip::encode_image`]'s features of [`Clip::encode_image_unprojected`]'s.
    ///
    /// # Shapes
    ///
    /// - features: `[batch, width]` of a ViT, else `[batch, embed]`
    /// - output: `[batch, embed]`
    pub fn project_image(&self, features: Tensor<2>) -> Tensor<2> {
        match &self.visual {
            VisionTower::Vit(vit) => features.cast(self.dtype()).matmul(vit.proj.val()),
            _ => features,
        }
    }

    /// Normalised image features, for training or evaluation as `mode` says.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, embed]`
    pub fn image_features(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        normalize(self.raw_image_features(images, mode))
    }

    fn raw_image_features(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.visual.forward(images, mode)
    }

    /// The dtype that the encoders compute in, that of their parameters.
    pub fn dtype(&self) -> DType {
        self.text.positional_embedding.val().dtype()
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

    /// The logits of every image with every text, for evaluation: see
    /// [`logits`](Self::logits).
    ///
    /// # Shapes
    ///
    /// - images: `[images, 3, height, width]`
    /// - tokens: `[texts, context]`
    /// - output: `[images, texts]`
    pub fn forward(&self, images: Tensor<4>, tokens: Tensor<2, Int>) -> Tensor<2> {
        self.logits(self.image_features(images, Mode::Evaluation), self.text_features(tokens))
    }

    /// Cosine similarities times the model's scale, plus its bias if it has one. A softmax over
    /// texts (CLIP) or a sigmoid (SigLIP) makes probabilities of them.
    ///
    /// # Shapes
    ///
    /// - image_features: `[images, embed]`, normalised
    /// - text_features: `[texts, embed]`, normalised
    /// - output: `[images, texts]`
    pub fn logits(&self, image_features: Tensor<2>, text_features: Tensor<2>) -> Tensor<2> {
        let scale = self.logit_scale.val().cast(DType::F32).exp().unsqueeze();
        let logits = image_features.matmul(text_features.transpose()) * scale;
        match &self.logit_bias {
            Some(bias) => logits + bias.val().cast(DType::F32).unsqueeze(),
            None => logits,
        }
    }

    /// Transformer blocks that are computed by operations of their own on the CPU.
    #[cfg(feature = "flex")]
    pub(crate) fn blocks_on_host(&mut self) -> impl Iterator<Item = &mut ResidualAttentionBlock> {
        let visual = match &mut self.visual {
            VisionTower::Vit(vit) => Some(&mut vit.transformer),
            VisionTower::Siglip(vit) => Some(&mut vit.blocks),
            VisionTower::ModifiedResNet(_) => None,
        };
        // A class token comes with a mask.
        let text = self.text.cls_emb.is_none().then_some(&mut self.text.transformer);
        let blocks = visual.into_iter().chain(text).flat_map(|tower| &mut tower.resblocks);
        blocks.filter(|block| block.is_on_host())
    }

    /// Keeps the logit scale at or below 100, as the paper does after every step, and, as open_clip
    /// does too, at or above 1.
    pub fn clamp_logit_scale(mut self) -> Self {
        // Clamping on an autodiff device would leave a parameter that no longer asks for its
        // gradient, so the clamp runs beside the graph.
        self.logit_scale = self.logit_scale.map(|scale| {
            let require_grad = scale.is_require_grad();
            match scale.device().is_autodiff() {
                true => {
                    let clamped = scale.inner().clamp(0.0, MAX_LOG_SCALE);
                    clamped.autodiff().set_require_grad(require_grad)
                }
                false => scale.clamp(0.0, MAX_LOG_SCALE),
            }
        });
        self
    }
}

/// Features divided by their Euclidean norm, in f32 whatever dtype they come in.
///
/// # Shapes
///
/// - input and output: `[batch, embed]`
pub fn normalize(features: Tensor<2>) -> Tensor<2> {
    let features = features.cast(DType::F32);
    // The floor is that of PyTorch's `F.normalize`.
    let norm = features.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
    features / norm
}
