//! Linear probes: logistic regression on frozen features (paper, appendix A.3).

mod cholesky;
mod lbfgs;
mod logistic;
mod search;

use burn::tensor::Tensor;
use thiserror::Error;

use crate::Prediction;
use crate::zero_shot::predict;
use lbfgs::{Stop, minimize};
use logistic::{Logistic, logits};

pub(crate) use search::search;
pub use search::{Labelled, LambdaSearch, search_lambda};

/// How a probe is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbeOptions {
    /// What half the squared norm of the weights counts beside the sum of the samples' losses, at
    /// least 0; scikit-learn's `C` is one over it.
    pub lambda: f64,
    /// Steps of L-BFGS; the paper's 1,000 by default.
    pub max_iterations: usize,
    /// The fit ends where no component of the gradient of the mean loss is larger; scikit-learn's
    /// 1e-4 by default.
    pub tolerance: f64,
}

impl Default for ProbeOptions {
    fn default() -> Self {
        Self { lambda: 1.0, max_iterations: 1000, tolerance: 1e-4 }
    }
}

/// Why there is no probe.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ProbeError {
    /// Features and labels are not of the same images.
    #[error("{features} features have {labels} labels: give one label for each")]
    Lengths {
        /// Rows of features.
        features: usize,
        /// Labels.
        labels: usize,
    },
    /// A label is none of the classes.
    #[error("the label of feature {index} is {label}, and there are {classes} classes")]
    Label {
        /// Which feature.
        index: usize,
        /// Its label.
        label: usize,
        /// Labels are below this.
        classes: usize,
    },
    /// There is nothing to tell apart.
    #[error("a probe takes at least two classes and one feature; got {classes} and {features}")]
    TooFew {
        /// Classes.
        classes: usize,
        /// Rows of features.
        features: usize,
    },
    /// A feature is NaN or infinite.
    #[error(
        "feature {index} is not finite: the model that made it is broken, or its precision overflows"
    )]
    NotFinite {
        /// Which feature.
        index: usize,
    },
    /// The regularisation is none.
    #[error("lambda is {lambda}: it must be a number of at least 0")]
    Lambda {
        /// What was given.
        lambda: f64,
    },
}

/// A linear classifier on features.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// `[width, classes]`, or `[width, 1]` of two classes: the logit of the second against the first.
    pub weights: Tensor<2>,
    /// `[1, classes]`, or `[1, 1]` of two classes.
    pub bias: Tensor<2>,
}

/// A probe that was fitted.
#[derive(Clone, Debug)]
pub struct ProbeFit {
    /// The probe.
    pub probe: LinearProbe,
    /// What was minimised: `sum of the samples' cross-entropies + lambda / 2 * |weights|^2`.
    pub objective: f64,
    /// Steps of L-BFGS.
    pub iterations: usize,
    /// Whether they were enough.
    pub converged: bool,
    parameters: Vec<f64>,
}

impl ProbeFit {
    /// Fits a probe from the parameters of another fit or from zero.
    fn from(
        start: Option<Vec<f64>>,
        objective: &Logistic,
        options: ProbeOptions,
    ) -> Result<Self, ProbeError> {
        let ProbeOptions { lambda, max_iterations, tolerance } = options;
        if !(lambda >= 0.0 && lambda.is_finite()) {
            return Err(ProbeError::Lambda { lambda });
        }
        let start = start.unwrap_or_else(|| vec![0.0; objective.parameters()]);
        let hessian = objective.preconditioner(lambda);
        let precondition = |x: &mut [f64]| {
            if let Some(hessian) = &hessian {
                hessian.solve(x);
            }
        };
        let stop = Stop { max_iterations, tolerance };
        let found = minimize(start, stop, precondition, |x| objective.at(x, lambda));
        let (weights, bias) = objective.tensors(&found.at);
        Ok(Self {
            probe: LinearProbe { weights, bias },
            objective: found.value * objective.samples() as f64,
            iterations: found.iterations,
            converged: found.converged,
            parameters: found.at,
        })
    }
}

impl LinearProbe {
    /// Fits a probe to labelled features, on their device, in f32 with sums in f64.
    ///
    /// The same optimum as that of scikit-learn's `LogisticRegression(C=1/lambda)`: multinomial, the
    /// bias not regularised.
    ///
    /// # Shapes
    ///
    /// - features: `[samples, width]`, one for each of `labels`, each below `classes`
    ///
    /// # Errors
    ///
    /// See [`ProbeError`].
    pub fn fit(
        features: Tensor<2>,
        labels: &[usize],
        classes: usize,
        options: ProbeOptions,
    ) -> Result<ProbeFit, ProbeError> {
        check(&features, labels, classes)?;
        ProbeFit::from(None, &Logistic::new(features, labels, classes), options)
    }

    /// `[samples, width]` to `[samples, classes]`.
    pub fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        logits(features, self.weights.clone(), self.bias.clone())
    }

    /// Classifies features.
    ///
    /// # Shapes
    ///
    /// - features: `[samples, width]`, one for each of `labels`
    pub fn classify(&self, features: Tensor<2>, labels: &[usize]) -> Vec<Prediction> {
        predictions(self.logits(features), labels)
    }

    /// Classifies features among some of the classes, which the labels count through.
    ///
    /// # Shapes
    ///
    /// - features: `[samples, width]`, one for each of `labels`, each below the number of `among`
    pub fn classify_among(
        &self,
        among: &[usize],
        features: Tensor<2>,
        labels: &[usize],
    ) -> Vec<Prediction> {
        let among: Vec<i64> = among.iter().map(|class| *class as i64).collect();
        let among = Tensor::from_data(among.as_slice(), &features.device());
        predictions(self.logits(features).select(1, among), labels)
    }
}

fn predictions(logits: Tensor<2>, labels: &[usize]) -> Vec<Prediction> {
    let [_, classes] = logits.dims();
    let scores: Vec<f32> = logits.into_data().iter().collect();
    let rows = scores.chunks_exact(classes).zip(labels);
    rows.map(|(scores, label)| predict(scores, *label, 1.0)).collect()
}

fn check(features: &Tensor<2>, labels: &[usize], classes: usize) -> Result<(), ProbeError> {
    let [samples, _] = features.dims();
    if samples != labels.len() {
        return Err(ProbeError::Lengths { features: samples, labels: labels.len() });
    }
    if classes < 2 || samples == 0 {
        return Err(ProbeError::TooFew { classes, features: samples });
    }
    if let Some(index) = labels.iter().position(|label| *label >= classes) {
        return Err(ProbeError::Label { index, label: labels[index], classes });
    }
    let sums = features.clone().abs().sum_dim(1).into_data();
    match sums.iter::<f32>().position(|sum| !sum.is_finite()) {
        Some(index) => Err(ProbeError::NotFinite { index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
