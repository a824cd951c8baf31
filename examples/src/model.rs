#[cfg(feature = "hub")]
use std::path::Path;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use burn::tensor::DType;
use clap::{Args, ValueEnum};
#[cfg(feature = "hub")]
use clip_model::hub::{ModelId, Progress, snapshot};
use clip_model::{Clip, ClipConfig, Pretrained, PretrainedOptions};
#[cfg(feature = "hub")]
use indicatif::{ProgressBar, ProgressStyle};

/// Which model an example uses, and where.
#[derive(Clone, Args)]
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
    /// Number format of the parameters; int8, of the transformer blocks' weights, is for the CPU
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
    Int8,
}

impl Model {
    /// Another model with the same settings.
    pub fn named(&self, model: &str) -> Self {
        Self { model: model.into(), ..self.clone() }
    }

    /// Loads it to be trained, which weights in int8 can't be.
    pub fn load_to_train(&self) -> Result<Pretrained> {
        let is_int8 = matches!(self.precision, Precision::Int8);
        ensure!(!is_int8, "--precision int8 is for inference: train in f32, and evaluate in int8");
        self.load()
    }

    /// Loads it, or says what to do.
    pub fn load(&self) -> Result<Pretrained> {
        let config = self.config.as_deref().map(ClipConfig::preset_or_file).transpose()?;
        let options = PretrainedOptions {
            dtype: match self.precision {
                Precision::F32 | Precision::Int8 => DType::F32,
                Precision::F16 => DType::F16,
                Precision::Bf16 => DType::BF16,
            },
            config,
            quick_gelu: self.quick_gelu,
            tokenizer: self.tokenizer.clone(),
            ..PretrainedOptions::default()
        };
        let device = clip_model::device(&self.device)?;
        let named = || format!("cannot load the model {}", self.model);
        let source = source(&self.model).with_context(named)?;
        let mut clip =
            Clip::from_pretrained_with(&source, &options, &device).with_context(named)?;
        if matches!(self.precision, Precision::Int8) {
            clip.model = clip.model.into_int8().with_context(named)?;
        }
        Ok(clip)
    }
}

/// The model itself, or the folder that it was fetched into.
#[cfg(feature = "hub")]
fn source(model: &str) -> Result<String> {
    let is_id = model.contains('/') && model.parse::<ModelId>().is_ok();
    if !is_id || Path::new(model).exists() {
        return Ok(model.into());
    }
    let template = "{msg} {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(template)?);
    let mut report = |progress: Progress<'_>| match progress {
        Progress::Download { file, done, total } => {
            bar.set_message(file.to_owned());
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
        }
        Progress::Retry { error, pause } => {
            bar.println(format!("{error}; trying again in {:.1} s", pause.as_secs_f64()));
        }
        Progress::Cached { error } => bar.println(format!("{error}; using the copy in the cache")),
        Progress::Waiting { file } => bar.println(format!("another program is fetching {file}")),
        _ => {}
    };
    let folder = snapshot(model, &mut report);
    bar.finish_and_clear();
    Ok(folder?.to_string_lossy().into_owned())
}

#[cfg(not(feature = "hub"))]
fn source(model: &str) -> Result<String> {
    Ok(model.into())
}
