use std::ops::Range;

use burn::tensor::Tensor;

use super::blocks::{log_sum_exp_of_columns, log_sum_exp_of_rows, softmaxes};
use super::rows::Place;
use super::{FeatureGradients, LogitRows};

/// What the softmax over a batch is to become.
#[derive(Clone, Debug, Default)]
pub struct SoftmaxTargets {
    /// Part of each target that is spread over the whole batch, in `[0, 1)`.
    pub label_smoothing: f64,
    /// A model whose softmax is a second target beside the pairs.
    pub teacher: Option<Teacher>,
}

/// A teacher's logits of the same rows.
#[derive(Clone, Debug)]
pub struct Teacher {
    /// Its rows, in tiles of the same size.
    pub rows: LogitRows,
    /// Their normalisers over the whole batch.
    pub normalizers: Normalizers,
}

/// Logarithms of the sums of exponentials of rows and columns.
#[derive(Clone, Debug)]
pub struct Normalizers {
    /// `[rows, 1]`.
    rows: Tensor<2>,
    /// `[1, batch]`; of these rows alone until [`merge`](Self::merge) is called.
    pub columns: Tensor<2>,
}

impl Normalizers {
    /// Normalisers of the whole columns from those of all parts of the rows.
    pub fn merge(self, parts: Vec<Tensor<2>>) -> Self {
        Self { columns: log_sum_exp_of_columns(Tensor::cat(parts, 0)), ..self }
    }

    /// The softmax of each row and that of each column, added up, times a factor, `[rows, columns]`.
    fn softmaxes(&self, logits: Tensor<2>, place: &Place, factor: f64) -> Tensor<2> {
        let rows = self.rows.clone().slice([place.rows.clone()]);
        let columns = self.columns.clone().slice([0..1, place.columns.clone()]);
        softmaxes(logits, rows, columns, factor)
    }

    /// The sum of the normalisers of all rows and of the columns `own`, `[1]`.
    fn sum(&self, own: Range<usize>) -> Tensor<1> {
        self.rows.clone().sum() + self.columns.clone().slice([0..1, own]).sum()
    }
}

impl LogitRows {
    /// The normalisers of these rows, and their part of the columns'.
    pub fn normalizers(&self) -> Normalizers {
        /// Parts of the columns' that are merged at a time: as few as hold little memory, as many as
        /// round seldom.
        const PARTS: usize = 16;
        let mut of_rows = Vec::new();
        // Those of blocks of rows.
        let mut of_columns = Vec::new();
        for rows in self.row_blocks() {
            let (mut row_parts, mut column_parts) = (Vec::new(), Vec::new());
            let images = self.scaled(rows);
            for columns in self.column_blocks() {
                let logits = self.logits(images.clone(), columns);
                column_parts.push(log_sum_exp_of_columns(logits.clone()));
                row_parts.push(log_sum_exp_of_rows(logits));
            }
            of_rows.push(log_sum_exp_of_rows(Tensor::cat(row_parts, 1)));
            of_columns.push(Tensor::cat(column_parts, 1));
            if of_columns.len() == PARTS {
                of_columns = vec![log_sum_exp_of_columns(Tensor::cat(of_columns, 0))];
            }
        }
        let columns = log_sum_exp_of_columns(Tensor::cat(of_columns, 0));
        Normalizers { rows: Tensor::cat(of_rows, 0), columns }
    }

    /// These rows' part of [`contrastive_loss`](crate::loss::contrastive_loss) and of its gradient;
    /// with a teacher, that of [`distillation_loss`](crate::loss::distillation_loss) is added.
    ///
    /// Column normalisers must be those of the whole batch: see [`Normalizers::merge`].
    pub fn softmax_loss(
        &self,
        normalizers: &Normalizers,
        targets: &SoftmaxTargets,
    ) -> FeatureGradients {
        let half = 0.5 / self.batch() as f64;
        let smoothing = 2.0 * half * targets.label_smoothing;
        let spread = smoothing / self.batch() as f64;
        // Each of the two cross entropies is the normaliser less the logits' mean under the target.
        let weight = if targets.teacher.is_some() { 2.0 } else { 1.0 };
        let mut sum = self.gradients(2.0 * half - smoothing, |logits, place| {
            let softmaxes = |logits| normalizers.softmaxes(logits, place, half * weight);
            let mut wanted = targets.teacher.as_ref().map(|Teacher { rows, normalizers }| {
                let logits = rows.logits(rows.scaled(place.rows.clone()), place.columns.clone());
                normalizers.softmaxes(logits, place, half)
            });
            if spread > 0.0 {
                wanted = Some(match wanted {
                    Some(target) => target + spread,
                    None => logits.full_like(spread),
                });
            }
            match wanted {
                None => (None, softmaxes(logits)),
                Some(target) => {
                    let gradient = softmaxes(logits.clone()) - target.clone();
                    (Some(-(target * logits).sum()), gradient)
                }
            }
        });
        sum.loss = sum.loss + normalizers.sum(self.own()) * (half * weight);
        sum
    }
}
