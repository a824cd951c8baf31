use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::tensor::DType;
use clap::{Args, ValueEnum};
use clip_model::{Clip, ClipConfig, Pretrained, PretrainedOptions};

/// Which model an example uses, and where.
#[derive(Args)]
pub struct Model {
    /// A weights file, a folder with one, or an id of the Hugging Face hub (org/name)
    #[arg(long, visible_alias = "weights", value_name = "FILE|DIR|ID", default_value = DEFAULT)]
    pub model: String,
    /// A preset or an open_clip JSON file, for weights that come without a configuration
    #[arg(long, value_name = "NAME|FILE")]
    config: Option<String>,
    /// Whether the model has QuickGELU, for weights that come without a configuration
    #[arg(long, value_name = "BOOL")]
    quick_gelu: Option<bool>,
    /// A tokenizer.json, for models with a tokenizer of their own [default: the one beside the weights]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Number format of the parameters
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    precision: Precision,
    /// cpu, cuda:N, vulkan, metal or wgpu, among those compiled in
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// The model of the paper that most tools take as theirs.
const DEFAULT: &str = "openai/clip-vit-base-patch32";

#[derive(Clone, Copy, ValueEnum)]
enum Precision {
    F32,
    F16,
    Bf16,
}

impl Model {
    /// Loads it, or says what to do.
    pub fn load(&self) -> Result<Pretrained> {
        let config = self.config.as_deref().map(ClipConfig::preset_or_file).transpose()?;
        let options = PretrainedOptions {
            dtype: match self.precision {
                Precision::F32 => DType::F32,
                Precision::F16 => DType::F16,
                Precision::Bf16 => DType::BF16,
            },
            config,
            quick_gelu: self.quick_gelu,
            tokenizer: self.tokenizer.clone(),
            ..PretrainedOptions::default()
        };
        let device = clip_model::device(&self.device)?;
        Clip::from_pretrained_with(&self.model, &options, &device)
            .with_context(|| format!("cannot load the model {}", self.model))
    }
}
