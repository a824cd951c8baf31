use clip_eval::Evaluation;
use serde::{Deserialize, Deserializer, Serialize};

/// What a report is made of; nothing in it needs to be sorted or free of NaN.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The heading, such as `RN-nano on assets/sample`.
    pub title: &'a str,
    /// The run's name in the legend, such as its folder's; shown only beside `others`.
    pub name: &'a str,
    /// Names and values of what was planned and spent, in the order to show them.
    pub facts: &'a [(String, String)],
    /// Pairs each pair is contrasted with, itself included; draws the loss of guessing,
    /// `ln(batch)`. `None` for a loss without that floor, such as the sigmoid loss.
    pub batch: Option<u64>,
    /// One entry a step.
    pub history: &'a [StepMetrics],
    /// Every evaluation of the run: the latest of each task, dataset and metric is compared with
    /// chance, and those with two steps or more are drawn. A row whose metric is `loss` holds
    /// nats instead of a share, and is only drawn.
    pub evaluations: &'a [Evaluation],
    /// Test images with what the model made of them.
    pub examples: &'a [Example],
    /// Runs to compare with: lines in the charts and a column each in the table. The first four
    /// are shown.
    pub others: &'a [OtherRun<'a>],
}

/// A run that a report compares its own with.
#[derive(Clone, Copy, Debug)]
pub struct OtherRun<'a> {
    /// The run's name in the legend, such as its folder's.
    pub name: &'a str,
    /// One entry a step.
    pub history: &'a [StepMetrics],
    /// Every evaluation of the run.
    pub evaluations: &'a [Evaluation],
}

/// One training step: a line of `metrics.jsonl`.
///
/// JSON has no NaN, so a number that is not finite is written as `null` and read back as NaN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Optimizer steps taken, this one included.
    pub step: u64,
    /// Loss in nats; not finite where the step failed.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// The factor on the cosine similarities, 14 to 100 in a healthy run.
    #[serde(deserialize_with = "null_is_nan")]
    pub logit_scale: f64,
    /// Learning rate of the step.
    #[serde(deserialize_with = "null_is_nan")]
    pub lr: f64,
    /// Image-text pairs a second, over all ranks.
    #[serde(deserialize_with = "null_is_nan")]
    pub pairs_per_second: f64,
    /// Global L2 norm of the gradient before clipping.
    #[serde(deserialize_with = "null_is_nan")]
    pub gradient_norm: f64,
    /// Global L2 norm of the parameters after the step.
    #[serde(default = "nan", deserialize_with = "null_is_nan")]
    pub parameter_norm: f64,
    /// Share of the step's time that was spent waiting for data, in `[0, 1]`.
    #[serde(default = "nan", deserialize_with = "null_is_nan")]
    pub data_wait: f64,
    /// Memory of the process in megabytes, where the system tells.
    #[serde(default = "nan", deserialize_with = "null_is_nan")]
    pub memory: f64,
    /// Complete passes over the data before this step.
    pub epoch: u64,
    /// Whether the update was left out because the loss or a gradient was not finite.
    pub skipped: bool,
}

/// A test image and the captions the model ranks best for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The image as a PNG file, ideally 32 to 224 pixels a side.
    pub png: Vec<u8>,
    /// The caption that belongs to the image.
    pub truth: String,
    /// The best captions (five, usually), best first, each with its probability, 0 to 1.
    pub guesses: Vec<(String, f32)>,
    /// Rank of the true caption among all captions, 1 being the best.
    pub rank: usize,
}

fn nan() -> f64 {
    f64::NAN
}

/// A number that was not finite when it was written.
pub(crate) fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_survives_json() {
        let step = StepMetrics {
            step: 7,
            loss: f64::NAN,
            logit_scale: 14.3,
            lr: 1e-3,
            pairs_per_second: 900.0,
            gradient_norm: f64::INFINITY,
            parameter_norm: 20.0,
            data_wait: 0.1,
            memory: f64::NAN,
            epoch: 0,
            skipped: true,
        };
        let line = serde_json::to_string(&step).unwrap();
        assert!(line.starts_with(r#"{"step":7,"loss":null,"logit_scale":14.3,"lr":0.001,"#));
        let back: StepMetrics = serde_json::from_str(&line).unwrap();
        assert!(back.loss.is_nan() && back.gradient_norm.is_nan());
        assert_eq!((back.step, back.logit_scale, back.skipped), (7, 14.3, true));
    }
}
