use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Which loss a batch's features are trained with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The paper's: softmax over the batch, in both directions.
    #[default]
    Softmax,
    /// SigLIP's: a sigmoid for each image with each text.
    Sigmoid,
    /// No contrast: the image tower predicts the words of the caption in any order (paper, figure
    /// 2).
    BagOfWords,
    /// No contrast: the text tower writes the image's caption (paper, figure 2).
    Caption,
}

impl Loss {
    /// Whether images are contrasted with texts; if not, each pair has a loss of its own.
    pub fn is_contrastive(self) -> bool {
        matches!(self, Self::Softmax | Self::Sigmoid)
    }
}

/// What is asked of a batch's features.
#[derive(Clone, Debug, Default)]
pub struct Objective {
    /// The loss.
    pub loss: Loss,
    /// Part of each softmax target that is spread over the batch; the paper has none.
    pub label_smoothing: f64,
    /// What another model makes of the batch, for distillation.
    pub teacher: Option<TeacherFeatures>,
}

/// What a teacher makes of the pairs of a batch, or of a rank's part of it.
#[derive(Clone, Debug)]
pub struct TeacherFeatures {
    /// `[batch, teacher's embed]`, normalised, without autodiff.
    pub images: Tensor<2>,
    /// `[batch, teacher's embed]`, normalised, without autodiff.
    pub texts: Tensor<2>,
    /// The logarithm of the teacher's scale, `[1]`.
    pub logit_scale: Tensor<1>,
}
