use std::ops::Range;

use burn::tensor::Tensor;
use clip_model::loss::{FeatureGradients, LogitRows, Normalizers, SoftmaxTargets, Teacher};

use super::{Exchange, Loss, Objective, RankLost};

/// A rank's features with the scale and bias of the logits, without autodiff.
pub(super) struct LocalFeatures {
    /// `[rows, embed]`, normalised.
    pub images: Tensor<2>,
    /// `[rows, embed]`, normalised.
    pub texts: Tensor<2>,
    /// `[1]`.
    pub logit_scale: Tensor<1>,
    /// `[1]`.
    pub logit_bias: Option<Tensor<1>>,
}

/// The loss of the batch of all ranks and its gradient at this rank's features.
///
/// The derivatives of scale and bias are this rank's part: their sum over ranks is the whole.
pub(super) fn loss_at_features(
    features: &LocalFeatures,
    objective: &Objective,
    tile: usize,
    exchange: &Exchange,
) -> Result<FeatureGradients, RankLost> {
    let (rows, parts) = rows(features, tile, exchange)?;
    let sum = match objective.loss {
        Loss::Sigmoid => rows.sigmoid_loss(),
        _ => {
            let normalizers = whole_columns(&rows, exchange)?;
            let teacher = match &objective.teacher {
                Some(teacher) => {
                    let features = LocalFeatures {
                        images: teacher.images.clone(),
                        texts: teacher.texts.clone(),
                        logit_scale: teacher.logit_scale.clone(),
                        logit_bias: None,
                    };
                    let (rows, _) = self::rows(&features, tile, exchange)?;
                    Some(Teacher { normalizers: whole_columns(&rows, exchange)?, rows })
                }
                None => None,
            };
            let targets = SoftmaxTargets { label_smoothing: objective.label_smoothing, teacher };
            rows.softmax_loss(&normalizers, &targets)
        }
    };
    own_part(sum, parts, exchange)
}

/// The rows of a rank's images against the texts of all, and which columns are whose.
fn rows(
    features: &LocalFeatures,
    tile: usize,
    exchange: &Exchange,
) -> Result<(LogitRows, Vec<Range<usize>>), RankLost> {
    let texts = exchange.gather(features.texts.clone())?;
    let mut parts = Vec::new();
    let mut start = 0;
    for part in &texts {
        let [rows, _] = part.dims();
        parts.push(start..start + rows);
        start += rows;
    }
    let rows = LogitRows::new(
        features.images.clone(),
        Tensor::cat(texts, 0),
        parts[exchange.rank()].start,
        features.logit_scale.clone(),
        features.logit_bias.clone(),
        tile,
    );
    Ok((rows, parts))
}

/// The normalisers of a rank's rows, with those of the columns of the whole batch.
fn whole_columns(rows: &LogitRows, exchange: &Exchange) -> Result<Normalizers, RankLost> {
    let normalizers = rows.normalizers();
    let columns = exchange.gather(normalizers.columns.clone())?;
    Ok(match columns.len() {
        1 => normalizers,
        _ => normalizers.merge(columns),
    })
}

/// The loss of all ranks, and of the text features' gradient this rank's own part.
fn own_part(
    sum: FeatureGradients,
    parts: Vec<Range<usize>>,
    exchange: &Exchange,
) -> Result<FeatureGradients, RankLost> {
    if parts.len() == 1 {
        return Ok(sum);
    }
    let of_rank = |part: &Range<usize>| sum.text_features.clone().slice([part.clone()]);
    let text_features = exchange.all_to_all(parts.iter().map(of_rank).collect())?;
    let loss = exchange.gather(sum.loss.unsqueeze())?;
    Ok(FeatureGradients {
        loss: added(loss).reshape([1]),
        text_features: added(text_features),
        ..sum
    })
}

/// The sum, in the order of the ranks, so that every rank gets the same bits.
pub(super) fn added(parts: Vec<Tensor<2>>) -> Tensor<2> {
    let mut parts = parts.into_iter();
    // There is at least this rank's own.
    let first = parts.next().unwrap_or_else(|| unreachable!("a gather returns all ranks' parts"));
    parts.fold(first, |sum, part| sum + part)
}
