use burn::tensor::activation::{log_sigmoid, sigmoid};

use super::{FeatureGradients, LogitRows};

impl LogitRows {
    /// These rows' part of [`sigmoid_loss`](crate::loss::sigmoid_loss) and of its gradient.
    pub fn sigmoid_loss(&self) -> FeatureGradients {
        let share = 1.0 / self.batch() as f64;
        // A pair's term is `-ln(sigmoid(x))`, which is that of any other logit less x.
        self.gradients(share, |logits, _| {
            let loss = -log_sigmoid(-logits.clone()).sum() * share;
            (Some(loss), sigmoid(logits) * share)
        })
    }
}
