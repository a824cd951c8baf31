use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, gelu_approximate, sigmoid};

use crate::{ActivationOptions, Approximation};

/// The non-linearity of the transformer's hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The exact GELU, by the error function.
    Gelu,
    /// GELU by the hyperbolic tangent, in SigLIP 2.
    GeluTanh,
    /// `x * sigmoid(1.702 x)`, in OpenAI's released models.
    QuickGelu,
}

impl Activation {
    /// The activation that a configuration's `quick_gelu` and `act_kwargs` ask for.
    pub fn of(quick_gelu: bool, options: Option<ActivationOptions>) -> Self {
        match options {
            _ if quick_gelu => Self::QuickGelu,
            Some(ActivationOptions { approximate: Approximation::Tanh }) => Self::GeluTanh,
            _ => Self::Gelu,
        }
    }

    /// Applies the function to each element.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => gelu(x),
            Self::GeluTanh => gelu_approximate(x),
            Self::QuickGelu => x.clone() * sigmoid(x * 1.702),
        }
    }
}
