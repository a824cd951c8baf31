use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{DType, Device};
use clip_data::{
    DataError, LoaderConfig, ShardOpener, TrainTransform, count_samples, expand_shards,
    image_folder, open_pairs,
};
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, ClipConfig, Pretrained, Tokenizer};

use super::teacher::Teacher;
use crate::{Loss, Moments, Schedule, TrainConfig, TrainError, with_adapters};

/// What a run needs whether it starts or resumes.
pub(super) struct Parts {
    pub model_config: ClipConfig,
    pub tokenizer: Arc<Tokenizer>,
    pub transform: ImageTransform,
    /// The device of each rank, without autodiff.
    pub devices: Vec<Device>,
    pub samples: usize,
    pub schedule: Schedule,
    pub teacher: Option<Teacher>,
    /// The model before the first step.
    pub start: Clip,
}

impl Parts {
    pub fn new(config: &TrainConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let devices: Vec<Device> =
            config.device_names().map(clip_model::device).collect::<Result<_, _>>()?;
        require_dtypes(config, &devices)?;
        let home = devices[0].clone();
        let pretrained = match &config.finetune {
            Some(finetune) => Some(Clip::from_pretrained(&finetune.weights, &home)?),
            None => None,
        };
        let (model_config, transform) = match &pretrained {
            Some(loaded) => (loaded.config.clone(), loaded.transform.clone()),
            None => {
                let config = ClipConfig::preset_or_file(&config.model)?;
                let transform = ImageTransform::openai(config.vision_cfg.image_size);
                (config, transform)
            }
        };
        require_bias(config, &model_config)?;
        if !config.loss.is_contrastive() {
            model_config.text_cfg.require_predictive()?;
        }
        let tokenizer = match &pretrained {
            Some(loaded) => loaded.tokenizer()?.clone(),
            None => Tokenizer::for_text(&model_config.text_cfg)?,
        };
        let samples = samples_per_epoch(config)?;
        let schedule = config.schedule(samples)?;
        // Better now than after the training.
        if !config.eval_data.is_empty() && image_folder(&config.eval_data).is_none() {
            expand_shards(&config.eval_data)?;
        }
        let teacher = match &config.teacher {
            Some(weights) => Some(Teacher::load(weights, &tokenizer, &transform, &home)?),
            None => None,
        };
        let start = start(config, &model_config, pretrained, &home)?;
        let tokenizer = Arc::new(tokenizer);
        Ok(Self { model_config, tokenizer, transform, devices, samples, schedule, teacher, start })
    }

    /// The model before the first step, with running statistics of its own: clones share them, and
    /// a checkpoint is loaded into them.
    pub fn fresh_start(&self) -> Clip {
        self.start.valid().train()
    }

    pub fn loader_config(&self, config: &TrainConfig) -> LoaderConfig {
        let image_size = self.model_config.vision_cfg.image_size;
        let mut loader = LoaderConfig::new(config.data.clone(), config.batch_size, image_size);
        loader.transform = TrainTransform { image_size, ..config.transform.clone() };
        loader.captions = config.captions.clone();
        loader.seed = config.seed;
        loader.options = config.loader.clone();
        loader
    }
}

/// The model that the run starts from, with autodiff.
fn start(
    config: &TrainConfig,
    model: &ClipConfig,
    pretrained: Option<Pretrained>,
    device: &Device,
) -> Result<Clip, TrainError> {
    let Some(pretrained) = pretrained else {
        return Ok(model.init(&device.clone().autodiff(), config.seed)?);
    };
    let start = pretrained.model.train();
    match config.finetune.as_ref().and_then(|finetune| finetune.lora) {
        Some(lora) => {
            device.seed(config.seed); // the adapters' first values are drawn on the device
            Ok(with_adapters(start, lora))
        }
        None => Ok(start),
    }
}

fn require_bias(config: &TrainConfig, model: &ClipConfig) -> Result<(), TrainError> {
    match config.loss == Loss::Sigmoid && model.init_logit_bias.is_none() {
        true => Err(TrainError::Setting(format!(
            "loss = \"sigmoid\" needs a model with a logit bias, and `{}` has none: give its \
             configuration an init_logit_bias, -10 in SigLIP's",
            config.model_name()
        ))),
        false => Ok(()),
    }
}

/// Refuses a precision that a device does not have, which would fail inside a kernel.
fn require_dtypes(config: &TrainConfig, devices: &[Device]) -> Result<(), TrainError> {
    let mut dtypes = vec![config.precision.dtype()];
    if config.optimizer.moments == Moments::Bf16 {
        dtypes.push(DType::BF16);
    }
    for (device, name) in devices.iter().zip(config.device_names()) {
        if let Some(dtype) = dtypes.iter().find(|dtype| !device.supports_dtype(**dtype)) {
            return Err(TrainError::Setting(format!(
                "the device {name} does not compute in {dtype:?}: choose another precision"
            )));
        }
    }
    Ok(())
}

/// Counting may mean reading everything, so that it is left out where the number is given.
fn samples_per_epoch(config: &TrainConfig) -> Result<usize, TrainError> {
    match config.loader.samples_per_epoch {
        Some(samples) => Ok(samples as usize),
        None => Ok(count_pairs(config)?),
    }
}

fn count_pairs(config: &TrainConfig) -> Result<usize, DataError> {
    match open_pairs(&config.data, &config.loader.pairs, &config.captions)? {
        Some(pairs) => Ok(pairs.len()),
        None => count_samples(&config.data, &ShardOpener::new(&config.loader.open)),
    }
}
