//! How much memory a run is going to take.

use burn::module::Module;
use clip_model::{Clip, ClipConfig, VisionConfig, VisionLayers};

use crate::{Loss, Moments, OptimizerName, Precision, TrainConfig, TrainError};

/// Bytes of an f32.
const F32: u64 = 4;

/// Values that a block keeps for the way back, in widths of its residual stream: its own input and
/// those of its layers, queries, keys and values twice (packed and split), and the hidden layer with
/// what its activation needs. The attention's weights come on top.
const WIDTHS_OF_A_BLOCK: u64 = 31;

/// The same of a block that is one operation, as on the CPU in f32, and what it takes on its way back.
const WIDTHS_ON_THE_HOST: u64 = 10;
const WIDTHS_ON_THE_WAY_BACK: u64 = 12;
/// What the width of a head is a multiple of there.
const HEADS_ON_THE_HOST: u64 = 16;

/// Values that a convolution with its normalisation and activation keeps, per value of its output.
const VALUES_OF_A_CONVOLUTION: u64 = 5;

/// Values that the prediction of one token keeps for each token of the vocabulary: logits,
/// log-probabilities, and the gradients of both.
const VALUES_OF_A_PREDICTION: u64 = 4;

/// What the program and its data loader take beside.
const PROGRAM: u64 = 60_000_000;

/// What a run is expected to hold at its peak, in bytes: a count of what is kept, which allocators
/// and kernels exceed by some percent. A teacher and the loader's shuffle buffer come on top; locked
/// weights take less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Parameters, gradients, optimizer's state, average and working copy.
    pub model: u64,
    /// Images, features and their gradients of the whole batch.
    pub batch: u64,
    /// Activations of one pair of a micro-batch.
    pub per_pair: u64,
    /// The same where the batch is split: a tower at a time is then on its way back.
    split_per_pair: u64,
    micro_batch: u64,
    batch_size: u64,
    ranks: u64,
}

impl MemoryPlan {
    /// The plan of a run's settings for a model of so many parameters.
    pub fn new(config: &TrainConfig, model: &ClipConfig, parameters: usize) -> Self {
        let ranks = config.device_names().count() as u64;
        let batch = config.batch_size as u64;
        let (size, embed) = (model.vision_cfg.image_size as u64, model.embed_dim as u64);
        let image = 3 * size * size * F32;
        Self {
            // Ranks in one process have a replica with gradients each.
            model: parameters as u64 * (bytes_of_a_parameter(config) + (ranks - 1) * 2 * F32),
            // The pixels as they come and normalised; features, their gradients, and both again
            // while they are put together.
            batch: batch * (2 * image + 8 * embed * F32),
            per_pair: activations(config, model, config.micro_batch() < config.batch_size),
            split_per_pair: activations(config, model, true),
            micro_batch: (config.micro_batch() as u64).min(batch.div_ceil(ranks)),
            batch_size: batch,
            ranks,
        }
    }

    /// The plan of a run before there is one.
    ///
    /// # Errors
    ///
    /// When a setting is impossible, or the model or the weights to start from cannot be read.
    pub fn of_run(config: &TrainConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let device = clip_model::device("cpu")?;
        let (model, parameters) = match &config.finetune {
            Some(finetune) => {
                let start = Clip::from_pretrained(&finetune.weights, &device)?;
                (start.config, start.model.num_params())
            }
            None => {
                let model = ClipConfig::preset_or_file(&config.model)?;
                let parameters = model.init(&device, config.seed)?.num_params();
                (model, parameters)
            }
        };
        Ok(Self::new(config, &model, parameters))
    }

    /// Bytes at the peak.
    pub fn peak(&self) -> u64 {
        self.fixed() + self.ranks * self.micro_batch * self.per_pair
    }

    /// The largest micro-batch whose run stays within so many bytes; `None` if none does.
    pub fn largest_micro_batch(&self, bytes: u64) -> Option<u64> {
        let fits = bytes.checked_sub(self.fixed())? / (self.ranks * self.split_per_pair);
        (fits > 0).then_some(fits.min(self.batch_size))
    }

    fn fixed(&self) -> u64 {
        PROGRAM + self.model + self.batch
    }
}

/// A step holds the parameters before and after it, the gradients and the optimizer's state.
fn bytes_of_a_parameter(config: &TrainConfig) -> u64 {
    let state = match (config.optimizer.name, config.optimizer.moments) {
        (OptimizerName::AdamW, Moments::Bf16) => F32,
        (OptimizerName::AdamW | OptimizerName::Lamb, _) => 2 * F32,
        (OptimizerName::Lion | OptimizerName::Muon, _) => F32,
        (OptimizerName::Adafactor, _) => 0,
    };
    let average = if config.ema_decay > 0.0 { F32 } else { 0 };
    let working = if config.precision == Precision::F32 { 0 } else { 2 };
    3 * F32 + state + average + working
}

/// Bytes that a pair's activations take. One micro-batch of the whole batch keeps those of both
/// towers; of several, a tower at a time is on its way back, unless the pair has a loss of its own.
fn activations(config: &TrainConfig, model: &ClipConfig, is_split: bool) -> u64 {
    let bytes = match config.precision {
        Precision::F32 => F32,
        // Normalisation layers are in f32.
        _ => 3,
    };
    let text = &model.text_cfg;
    let (context, vocabulary) = (text.context_length as u64, text.vocab_size as u64);
    let shape = [text.context_length, text.width, text.layers, text.heads].map(|n| n as u64);
    let plain = text.ls_init_value.is_none() && !text.embed_cls;
    let (text, text_on_the_way_back) = transformer(config, shape, plain);
    let image = image_values(config, &model.vision_cfg);
    match config.loss {
        Loss::BagOfWords => image * bytes + VALUES_OF_A_PREDICTION * vocabulary * F32,
        Loss::Caption => {
            (image + text) * bytes + VALUES_OF_A_PREDICTION * context * vocabulary * F32
        }
        _ if is_split || config.recompute => image.max(text + text_on_the_way_back) * bytes,
        // The image tower goes first; what it kept is gone when the text tower goes.
        _ => (image + text) * bytes,
    }
}

fn image_values(config: &TrainConfig, vision: &VisionConfig) -> u64 {
    let size = vision.image_size as u64;
    match &vision.layers {
        VisionLayers::Transformer(layers) => {
            let patch = vision.patch_size.unwrap_or(vision.image_size) as u64;
            let patches = (size / patch).pow(2);
            let kept = (patches as f64 * (1.0 - vision.patch_dropout)).max(1.0) as u64;
            let heads = vision.heads() as u64;
            let shape = [kept + 1, vision.width as u64, *layers as u64, heads];
            let plain = vision.ls_init_value.is_none();
            let (kept, on_the_way_back) = transformer(config, shape, plain);
            kept + on_the_way_back
        }
        VisionLayers::Stages(stages) => {
            convolutions(size, vision.width as u64, stages.map(|blocks| blocks as u64))
        }
    }
}

/// Values that a transformer keeps for one sequence, and those that come to them on the way back;
/// `plain` ones have neither a layer scale nor a mask but the causal one.
fn transformer(
    config: &TrainConfig,
    [sequence, width, layers, heads]: [u64; 4],
    plain: bool,
) -> (u64, u64) {
    let on_host = plain
        && (width / heads).is_multiple_of(HEADS_ON_THE_HOST)
        && config.precision == Precision::F32
        && config.device_names().all(|name| name == "cpu");
    let (block, on_the_way_back) = match on_host {
        true => (sequence * WIDTHS_ON_THE_HOST * width, sequence * WIDTHS_ON_THE_WAY_BACK * width),
        false => (sequence * (WIDTHS_OF_A_BLOCK * width + 2 * heads * sequence), 0),
    };
    match config.recompute {
        true => (layers * sequence * width + block, on_the_way_back),
        false => (layers * block, on_the_way_back),
    }
}

/// Values that a ModifiedResNet keeps for one image.
fn convolutions(size: u64, width: u64, stages: [u64; 4]) -> u64 {
    let half = (size / 2).pow(2);
    let mut outputs = 2 * half * width; // the stem: two of half the width, one of the whole
    for (stage, blocks) in stages.into_iter().enumerate() {
        let planes = width << stage;
        let before = ((size / 4) >> stage.saturating_sub(1)).pow(2);
        let after = ((size / 4) >> stage).pow(2);
        // The first block changes the size between its second and third convolution.
        outputs += 2 * planes * before + 8 * planes * after;
        outputs += (blocks - 1) * 6 * planes * after;
    }
    outputs * VALUES_OF_A_CONVOLUTION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_on(device: &str, change: impl Fn(&mut TrainConfig)) -> MemoryPlan {
        let (model, device) = ("ViT-nano".into(), device.into());
        let mut config = TrainConfig { model, device, ..TrainConfig::default() };
        change(&mut config);
        MemoryPlan::new(&config, &ClipConfig::preset("ViT-nano").unwrap(), 7_000_000)
    }

    #[test]
    fn what_saves_memory_lowers_the_plan() {
        let cheaper: [fn(&mut TrainConfig); 3] = [
            |config| config.micro_batch = 64,
            |config| config.recompute = true,
            |config| config.optimizer.moments = Moments::Bf16,
        ];
        for device in ["cpu", "cuda:0"] {
            let plan = |change: fn(&mut TrainConfig)| plan_on(device, change).peak();
            let whole = plan(|_| ());
            assert!(cheaper.into_iter().all(|change| plan(change) < whole));
            assert!(plan(|config| config.ema_decay = 0.9) > whole);
        }
        // On the CPU only blocks in f32 are one operation, and take less than by Burn's in bf16.
        let bf16 = |config: &mut TrainConfig| config.precision = Precision::Bf16;
        assert!(plan_on("cuda:0", bf16).peak() < plan_on("cuda:0", |_| ()).peak());
        assert!(plan_on("cpu", bf16).peak() > plan_on("cpu", |_| ()).peak());
    }

    #[test]
    fn the_largest_micro_batch_fits_and_one_more_does_not() {
        for (device, two, bytes) in
            [("cpu", "cpu,cpu", 500_000_000), ("cuda:0", "cuda:0,cuda:1", 1_000_000_000)]
        {
            let plan = |micro_batch| plan_on(device, |config| config.micro_batch = micro_batch);
            let small = plan(1);
            let largest = small.largest_micro_batch(bytes).unwrap() as usize;
            assert!(plan(largest).peak() <= bytes);
            assert!(plan(largest + 1).peak() > bytes);
            assert_eq!(small.largest_micro_batch(1000), None);
            let whole = plan_on(device, |_| ());
            assert_eq!(whole.largest_micro_batch(bytes), Some(largest as u64));
            assert_eq!(small.largest_micro_batch(bytes * bytes), Some(256));
            let ranks = plan_on(two, |_| ());
            assert!(ranks.largest_micro_batch(bytes).unwrap() <= largest as u64 / 2);
        }
    }
}
