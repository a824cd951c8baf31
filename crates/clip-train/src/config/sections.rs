use serde::{Deserialize, Serialize};

/// What a run starts from and how it stays close to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinetuneConfig {
    /// A weights file, a folder with one, or a hub id; `model` is then that of the checkpoint.
    pub weights: String,
    /// Train low-rank adapters in place of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
    /// Export `(1 - wise_ft) * start + wise_ft * trained` in place of the trained weights (WiSE-FT,
    /// Wortsman et al. 2022), which keeps more of what the start knew. In `[0, 1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wise_ft: Option<f64>,
}

/// Low-rank adapters (Hu et al. 2022) on the projections of attention and perceptrons; all else
/// stays as it is, but scale and bias of the logits; CoCa's poolers have none on their packed
/// weights. They are merged into the weights on export.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraConfig {
    /// Rank of the adapters.
    pub rank: usize,
    /// What an adapter adds is multiplied by `alpha / rank`.
    pub alpha: f64,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0 }
    }
}

impl FinetuneConfig {
    pub(crate) fn is_possible(&self) -> bool {
        self.lora.is_none_or(|lora| lora.rank > 0 && lora.alpha > 0.0)
            && self.wise_ft.is_none_or(|share| (0.0..=1.0).contains(&share))
    }
}

/// When the model is evaluated on `eval_data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Steps between evaluations; 0 for one at the end alone.
    pub every: u64,
    /// The metric that tells the best model, such as `zero_shot top1` or `held_out loss`: its
    /// checkpoint is kept, and exported at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    /// Evaluations without a better result after which the run ends; 0 for never.
    pub patience: u64,
}

/// When checkpoints are saved, and which are kept beside the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointsConfig {
    /// Steps between checkpoints.
    pub every: u64,
    /// The newest that are kept.
    pub keep: usize,
    /// Those at multiples of this step are kept, too; 0 for none.
    pub keep_every: u64,
}

impl Default for CheckpointsConfig {
    fn default() -> Self {
        Self { every: 100, keep: 2, keep_every: 0 }
    }
}

/// What happens when something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultsConfig {
    /// A loss, gradient or weight that is not finite.
    pub non_finite: OnFault,
    /// Steps left out in a row after which the run stops all the same.
    pub max_skipped: u64,
    /// A checkpoint, log or report that cannot be written, as on a full disk.
    pub write: OnFault,
}

impl Default for FaultsConfig {
    fn default() -> Self {
        Self { non_finite: OnFault::Skip, max_skipped: 10, write: OnFault::Skip }
    }
}

/// What to do about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFault {
    /// Leave out the step, or the file, say so and go on.
    Skip,
    /// Stop in good order.
    Stop,
}
