//! The choices that both towers share.

use serde::{Deserialize, Serialize};

/// open_clip's `act_kwargs`: the options of the exact GELU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationOptions {
    /// Which GELU.
    pub approximate: Approximation,
}

/// How GELU is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approximation {
    /// By the error function.
    None,
    /// By the hyperbolic tangent (SigLIP 2).
    Tanh,
}

/// open_clip's `norm_kwargs`: the options of layer normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormOptions {
    /// What is added to the variance. Default: 1e-5.
    pub eps: f64,
}

/// The epsilon that options ask for, PyTorch's default without any.
pub(crate) fn epsilon(options: Option<NormOptions>) -> f64 {
    options.map_or(1e-5, |options| options.eps)
}
