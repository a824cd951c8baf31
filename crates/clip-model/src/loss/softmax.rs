use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// The symmetric contrastive loss (paper, figure 3), written as the paper writes it.
///
/// The readable reference for [`tiled_contrastive_loss`]; it holds the whole matrix of logits.
///
/// # Shapes
///
/// - image_features, text_features: `[batch, embed]`, normalised
/// - logit_scale: `[1]`, the natural logarithm of the factor
/// - output: `[1]`
pub fn contrastive_loss(
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    logit_scale: Tensor<1>,
) -> Tensor<1> {
    let logits = image_features.matmul(text_features.transpose()) * logit_scale.exp().unsqueeze();
    (cross_entropy_of_diagonal(logits.clone()) + cross_entropy_of_diagonal(logits.transpose()))
        / 2.0
}

/// Mean cross entropy of rows whose right column is their own index.
fn cross_entropy_of_diagonal(logits: Tensor<2>) -> Tensor<1> {
    let [batch, _] = logits.dims();
    let labels = Tensor::<1, Int>::arange(0..batch as i64, &logits.device()).reshape([batch, 1]);
    -log_softmax(logits, 1).gather(1, labels).mean()
}

/// The loss and its derivatives at the features.
#[derive(Clone, Debug)]
pub struct ContrastiveGradients {
    /// The loss, `[1]`.
    pub loss: Tensor<1>,
    /// Derivative with respect to the image features, `[batch, embed]`.
    pub image_features: Tensor<2>,
    /// Derivative with respect to the text features, `[batch, embed]`.
    pub text_features: Tensor<2>,
    /// Derivative with respect to the logit scale (the logarithm), `[1]`.
    pub logit_scale: Tensor<1>,
}

/// The loss of [`contrastive_loss`] and its analytic gradient, in tiles of `tile` images.
///
/// Memory is `tile * batch + batch * embed`, never `batch * batch`: logits are computed twice,
/// once for the normalisers of rows and columns and once for the gradient. Runs beside any graph,
/// so its inputs must be on a device without autodiff.
///
/// # Shapes
///
/// - image_features, text_features: `[batch, embed]`, normalised, f32
/// - logit_scale: `[1]`, the natural logarithm of the factor
pub fn tiled_contrastive_loss(
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    logit_scale: Tensor<1>,
    tile: usize,
) -> ContrastiveGradients {
    let tiles = Tiles::new(image_features, text_features, logit_scale, tile);
    let (rows, columns) = tiles.normalizers();
    tiles.gradients(rows, columns)
}

/// A batch of features, cut into tiles of images.
struct Tiles {
    images: Tensor<2>,
    texts: Tensor<2>,
    scale: Tensor<2>,
    tile: usize,
}

impl Tiles {
    fn new(images: Tensor<2>, texts: Tensor<2>, logit_scale: Tensor<1>, tile: usize) -> Self {
        Self { images, texts, scale: logit_scale.exp().unsqueeze(), tile: tile.max(1) }
    }

    fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let [batch, _] = self.images.dims();
        let tile = self.tile;
        (0..batch).step_by(tile).map(move |start| start..(start + tile).min(batch))
    }

    /// Images of a tile `[rows, embed]` and their logits with all texts `[rows, batch]`.
    fn logits(&self, range: std::ops::Range<usize>) -> (Tensor<2>, Tensor<2>) {
        let [_, embed] = self.images.dims();
        let images = self.images.clone().slice([range, 0..embed]);
        let logits = images.clone().matmul(self.texts.clone().transpose()) * self.scale.clone();
        (images, logits)
    }

    /// Logarithm of the sum of exponentials of each row, `[rows, 1]` a tile, and of each column,
    /// `[1, batch]`.
    fn normalizers(&self) -> (Vec<Tensor<2>>, Tensor<2>) {
        let mut rows = Vec::new();
        let mut columns: Option<Tensor<2>> = None;
        for range in self.ranges() {
            let (_, logits) = self.logits(range);
            rows.push(log_sum_exp(logits.clone(), 1));
            let tile = log_sum_exp(logits, 0);
            columns = Some(match columns {
                None => tile,
                Some(sum) => log_sum_exp(Tensor::cat(vec![sum, tile], 0), 0),
            });
        }
        // A batch has at least one pair, so there was a tile.
        let columns = columns.unwrap_or_else(|| self.scale.clone());
        (rows, columns)
    }

    fn gradients(&self, rows: Vec<Tensor<2>>, columns: Tensor<2>) -> ContrastiveGradients {
        let [batch, _] = self.images.dims();
        let half = 0.5 / batch as f64;
        let mut image_features = Vec::new();
        let mut text_features = self.texts.zeros_like();
        let mut logit_scale = Tensor::zeros([1], &self.texts.device());
        let mut loss = columns.clone().sum() * half;
        for (range, row) in self.ranges().zip(rows) {
            let texts = self.texts.clone().slice([range.clone()]);
            let (images, logits) = self.logits(range.clone());
            // Logits of the pairs, `[rows, 1]`.
            let pairs = (images.clone() * texts.clone()).sum_dim(1) * self.scale.clone();
            loss = loss + row.clone().sum() * half - pairs.clone().sum() * (2.0 * half);

            // Derivative with respect to the logits, without the pairs' own part.
            let by_row = (logits.clone() - row).exp();
            let by_column = (logits.clone() - columns.clone()).exp();
            let gradient = (by_row + by_column) * half;
            logit_scale =
                logit_scale + (gradient.clone() * logits).sum() - pairs.sum() * (2.0 * half);
            let gradient = gradient * self.scale.clone();
            let pull = self.scale.clone() * (2.0 * half);
            image_features.push(gradient.clone().matmul(self.texts.clone()) - texts * pull.clone());
            text_features = text_features + gradient.transpose().matmul(images.clone());
            let pulled = text_features.clone().slice([range.clone()]) - images * pull;
            text_features = text_features.slice_assign([range], pulled);
        }
        let image_features = Tensor::cat(image_features, 0);
        ContrastiveGradients { loss, image_features, text_features, logit_scale }
    }
}

/// `ln(sum(exp(x)))` along a dimension, kept with size 1.
fn log_sum_exp(x: Tensor<2>, dim: usize) -> Tensor<2> {
    let max = x.clone().max_dim(dim);
    (x - max.clone()).exp().sum_dim(dim).log() + max
}
