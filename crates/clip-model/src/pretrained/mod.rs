//! A checkpoint with all that it takes to use it: configuration, image transform and tokenizer.

mod error;
mod export;
mod files;
pub(crate) mod selection;

pub use error::PretrainedError;

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor};
use rayon::prelude::*;

use crate::preprocess::{ImageTransform, SourceImage};
use crate::weights::{StateDict, infer_config, load_model};
use crate::{
    Clip, ClipConfig, ConfigError, Mode, TextConfig, Tokenizer, TokenizerError, ZeroShotClassifier,
    encode_texts, images_to_tensor,
};
use files::{Files, Settings};

/// A model with all that it takes to use it.
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// The encoders and the contrastive head.
    pub model: Clip,
    /// What the model is made of.
    pub config: ClipConfig,
    /// How images become the model's input.
    pub transform: ImageTransform,
    tokenizer: Option<Tokenizer>,
    /// Where it came from, for errors.
    path: PathBuf,
}

/// What differs from the checkpoint's own settings.
#[derive(Clone, Debug)]
pub struct PretrainedOptions {
    /// Number format of the parameters: f32, f16 or bf16. Default: f32.
    pub dtype: DType,
    /// The configuration to use in place of the one beside the weights. Default: that one, or the
    /// one that the tensors' shapes tell.
    pub config: Option<ClipConfig>,
    /// Whether the model was trained with QuickGELU, for weights that come without a configuration.
    /// Default: not known.
    pub quick_gelu: Option<bool>,
    /// The image transform to use in place of the checkpoint's, for weights that come without one
    /// (those of DFN squash, for example). Default: the checkpoint's, or that of its family.
    pub transform: Option<ImageTransform>,
    /// Side of the images in pixels; the position embeddings are resized as open_clip does.
    /// Default: the checkpoint's.
    pub image_size: Option<usize>,
    /// A `tokenizer.json` for models that don't use CLIP's own. Default: the one beside the weights.
    pub tokenizer: Option<PathBuf>,
}

impl Default for PretrainedOptions {
    fn default() -> Self {
        Self {
            dtype: DType::F32,
            config: None,
            quick_gelu: None,
            transform: None,
            image_size: None,
            tokenizer: None,
        }
    }
}

impl Clip {
    /// A released or self-trained model, on `device`, in f32.
    ///
    /// `source` is a weights file, a folder with one, or, with the feature `hub`, the id of a
    /// model on the Hugging Face hub (`openai/clip-vit-base-patch32`, also with `@revision`). The
    /// format of the weights is recognised from their content; configuration, image transform and
    /// tokenizer come from the files beside them: `open_clip_config.json`, or `config.json`,
    /// `preprocessor_config.json` and `tokenizer.json`. OpenAI's archives need none.
    ///
    /// # Errors
    ///
    /// When there is no such model, it cannot be fetched, a file is damaged, or the files don't fit
    /// together.
    pub fn from_pretrained(source: &str, device: &Device) -> Result<Pretrained, PretrainedError> {
        Self::from_pretrained_with(source, &PretrainedOptions::default(), device)
    }

    /// As [`from_pretrained`](Self::from_pretrained), with other settings than the checkpoint's.
    ///
    /// # Errors
    ///
    /// As [`from_pretrained`](Self::from_pretrained).
    pub fn from_pretrained_with(
        source: &str,
        options: &PretrainedOptions,
        device: &Device,
    ) -> Result<Pretrained, PretrainedError> {
        let files = Files::find(source)?;
        let weights = StateDict::open(&files.weights)?;
        let settings = files.settings(&weights)?;
        let hugging_face = matches!(settings, Settings::HuggingFace { .. });
        let config =
            options.config.clone().map_or_else(|| settings.config(), |own| Ok(Some(own)))?;
        let mut config = match config {
            Some(config) => config,
            None => infer_config(&weights, options.quick_gelu, device)?,
        };
        if let Some(asked) = options.quick_gelu.filter(|asked| *asked != config.quick_gelu) {
            let has = config.quick_gelu;
            let what = format!("quick_gelu {asked} was asked for, the checkpoint has {has}");
            return Err(ConfigError::Contradiction(what).into());
        }
        let mut transform = match &options.transform {
            Some(own) => own.clone(),
            None => settings.transform(&config)?,
        };
        if let Some(size) = options.image_size {
            config.vision_cfg.image_size = size;
            config.validate()?;
        }
        transform.image_size = config.vision_cfg.image_size;
        let tokenizer =
            files.tokenizer(&config.text_cfg, options.tokenizer.as_deref(), hugging_face)?;
        let model = load_model(&config, &weights, options.dtype, device)?;
        Ok(Pretrained { model, config, transform, tokenizer, path: files.weights })
    }
}

impl Pretrained {
    /// A model that was made here rather than loaded, as [`save_open_clip`](Self::save_open_clip)
    /// takes it: with CLIP's own tokenizer, if its configuration asks for no other.
    ///
    /// # Errors
    ///
    /// When the text tower's sizes are none that CLIP's tokenizer can give.
    pub fn new(
        model: Clip,
        config: ClipConfig,
        transform: ImageTransform,
    ) -> Result<Self, TokenizerError> {
        let own = config.text_cfg.has_clip_tokenizer();
        let tokenizer = own.then(|| Tokenizer::for_text(&config.text_cfg)).transpose()?;
        Ok(Self { model, config, transform, tokenizer, path: PathBuf::new() })
    }

    /// The same with this tokenizer, whose file is copied when the model is saved.
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: Tokenizer) -> Self {
        Self { tokenizer: Some(tokenizer), ..self }
    }

    /// The model's tokenizer.
    ///
    /// # Errors
    ///
    /// When the model uses a tokenizer of its own and its `tokenizer.json` is not beside the
    /// weights.
    pub fn tokenizer(&self) -> Result<&Tokenizer, PretrainedError> {
        self.tokenizer.as_ref().ok_or_else(|| PretrainedError::NoTokenizer {
            name: match &self.config.text_cfg {
                TextConfig { hf_tokenizer_name: Some(name), .. } => name.clone(),
                TextConfig { vocab_size, .. } => format!("of {vocab_size} ids"),
            },
            folder: self.path.parent().unwrap_or(Path::new(".")).into(),
        })
    }

    /// Normalised features of images, preprocessed on all cores and encoded as one batch.
    ///
    /// There must be at least one image.
    ///
    /// # Shapes
    ///
    /// - output: `[images, embed]`, each of norm 1
    pub fn encode_images(&self, images: &[SourceImage]) -> Tensor<2> {
        let prepared = images.par_iter().map(|image| self.transform.apply(image).into_raw());
        let pixels = prepared.collect::<Vec<_>>().concat();
        let device = self.model.logit_scale.val().device();
        let batch = images_to_tensor(pixels, &self.transform, &device);
        self.model.image_features(batch, Mode::Evaluation)
    }

    /// Normalised features of texts; long ones are cut to the model's context.
    ///
    /// There must be at least one text.
    ///
    /// # Shapes
    ///
    /// - output: `[texts, embed]`, each of norm 1
    ///
    /// # Errors
    ///
    /// As [`tokenizer`](Self::tokenizer).
    pub fn encode_texts(&self, texts: &[impl AsRef<str>]) -> Result<Tensor<2>, PretrainedError> {
        Ok(encode_texts(&self.model, self.tokenizer()?, texts))
    }

    /// A classifier for these classes, each named in each template (`a photo of a {}.`).
    ///
    /// There must be at least one class and one template.
    ///
    /// # Errors
    ///
    /// As [`tokenizer`](Self::tokenizer).
    pub fn classifier(
        &self,
        class_names: &[impl AsRef<str>],
        templates: &[impl AsRef<str>],
    ) -> Result<ZeroShotClassifier, PretrainedError> {
        Ok(ZeroShotClassifier::new(&self.model, self.tokenizer()?, class_names, templates))
    }
}
