use clip_data::LoaderState;
use serde::{Deserialize, Serialize};

use crate::report::null_is_nan;
use crate::{LossScale, TrainConfig};

/// The part of a checkpoint that is not tensors.
///
/// Learning rate, order of the data and augmentation are functions of these numbers and the
/// run's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps whose update was left out because it was not finite.
    pub skipped: u64,
    /// Position in the data after the last step.
    pub loader: LoaderState,
    /// The factor on the loss.
    pub loss_scale: LossScale,
    /// The best evaluation so far.
    pub best: Option<Best>,
    /// The metric that tells the best.
    pub metric: Option<String>,
    /// Names and values of all settings that the stream of data depends on.
    pub stream: Vec<(String, String)>,
    /// Version of this crate.
    pub version: String,
}

/// The best evaluation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its step.
    pub step: u64,
    /// Which metric it is of.
    pub metric: String,
    /// The metric's value.
    #[serde(deserialize_with = "null_is_nan")]
    pub value: f64,
    /// Evaluations since then that were no better.
    pub worse: u64,
}

impl Progress {
    /// Before the first step of a run on `samples` samples.
    pub(crate) fn start(config: &TrainConfig, samples: usize) -> Self {
        Self {
            step: 0,
            skipped: 0,
            loader: LoaderState::default(),
            loss_scale: LossScale::none(),
            best: None,
            metric: config.evaluation.best.clone(),
            stream: stream(config, samples),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// The step of the best evaluation.
    pub(crate) fn best_step(&self) -> Option<u64> {
        self.best.as_ref().map(|best| best.step)
    }

    /// Takes in an evaluation; whether it is the best so far.
    pub(crate) fn judge(&mut self, step: u64, value: f64) -> bool {
        let metric = self.metric.clone().unwrap_or_default();
        let sign = if metric.ends_with(" loss") { -1.0 } else { 1.0 };
        let is_better = |best: &Best| {
            // A value that was read from a file may lack its last bit.
            let more = sign * (value - best.value) > 1e-12 * best.value.abs();
            !value.is_nan() && (best.value.is_nan() || more)
        };
        match &mut self.best {
            // Again at the same step, after a resumption.
            Some(best) if best.step == step => true,
            Some(best) if !is_better(best) => {
                best.worse += 1;
                false
            }
            _ => {
                self.best = Some(Best { step, metric, value, worse: 0 });
                true
            }
        }
    }
}

/// What the stream of data is a function of. Threads, queues and retries have no part in it.
fn stream(config: &TrainConfig, samples: usize) -> Vec<(String, String)> {
    let loader = &config.loader;
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let values = [
        ("data", config.data.join(" ")),
        ("the number of samples", samples.to_string()),
        ("batch_size", config.batch_size.to_string()),
        ("seed", config.seed.to_string()),
        ("transform", json(serde_json::to_string(&config.transform))),
        ("captions", json(serde_json::to_string(&config.captions))),
        ("loader.resampled", loader.resampled.to_string()),
        ("loader.upsampling", format!("{:?}", loader.upsampling)),
        ("loader.pairs", json(serde_json::to_string(&loader.pairs))),
        ("loader.shuffle_buffer", loader.shuffle_buffer.to_string()),
        ("loader.shuffle_bytes", loader.shuffle_bytes.to_string()),
        ("loader.max_pixels", loader.max_pixels.to_string()),
        ("loader.max_member_bytes", loader.max_member_bytes.to_string()),
        ("loader.unique_concepts", loader.unique_concepts.to_string()),
    ];
    values.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_evaluation_is_remembered_and_worse_ones_counted() {
        let start = |metric: &str| {
            let mut config = TrainConfig::default();
            config.evaluation.best = Some(metric.into());
            Progress::start(&config, 10)
        };
        let mut progress = start("zero_shot top1");
        let judged: Vec<bool> = [(10, 0.2), (20, 0.3), (30, 0.3), (40, 0.1)]
            .map(|(step, value)| progress.judge(step, value))
            .to_vec();
        assert_eq!(judged, [true, true, false, false]);
        let best = progress.best.clone().unwrap();
        assert_eq!((best.step, best.value, best.worse), (20, 0.3, 2));
        assert!(progress.judge(50, 0.4));
        let mut loss = start("held_out loss");
        assert!(loss.judge(0, f64::NAN) && !loss.judge(1, f64::NAN));
        assert!(loss.judge(1, 3.0) && loss.judge(2, 2.0) && !loss.judge(3, 2.5));
        let json = serde_json::to_string(&start("zero_shot top1")).unwrap();
        assert!(serde_json::from_str::<Progress>(&json).is_ok());
    }
}
