use burn::tensor::Tensor;

use crate::rank::rank;
use crate::{Evaluation, Source};

/// The depths at which recall is reported.
const DEPTHS: [usize; 3] = [1, 5, 10];

/// Recall at 1, 5 and 10 in both directions.
///
/// An image counts as found when any of its captions is; every caption is a query of its own, as
/// in the usual COCO and Flickr30k evaluation.
///
/// # Shapes
///
/// - image_features: `[images, embed]`, normalised
/// - text_features: `[texts, embed]`, normalised
/// - owners: for each text the index of its image
pub fn retrieval(
    source: Source<'_>,
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    owners: &[usize],
) -> Vec<Evaluation> {
    let [images, _] = image_features.dims();
    let similarity = image_features.matmul(text_features.transpose());
    let rows: Vec<f32> = similarity.clone().into_data().iter().collect();
    let columns: Vec<f32> = similarity.transpose().into_data().iter().collect();

    let image_ranks = best_caption_ranks(&rows, images, owners);
    let queries = columns.chunks_exact(images).zip(owners);
    let text_ranks: Vec<usize> = queries.map(|(scores, owner)| rank(scores, *owner)).collect();

    let texts = owners.len();
    let per_image = texts as f64 / images as f64;
    let recalls = |task: &'static str, ranks: Vec<usize>, right: f64, classes: usize| {
        DEPTHS.map(|k| {
            let chance = chance_of_any(right, k, classes);
            source.share((task, format!("recall@{k}")), &ranks, k, chance, classes)
        })
    };
    let mut evaluations = recalls("image_to_text", image_ranks, per_image, texts).to_vec();
    evaluations.extend(recalls("text_to_image", text_ranks, 1.0, images));
    evaluations
}

/// For each image the rank of its best caption among all captions.
fn best_caption_ranks(rows: &[f32], images: usize, owners: &[usize]) -> Vec<usize> {
    let texts = owners.len();
    let mut best = vec![texts; images];
    for (text, owner) in owners.iter().enumerate() {
        let scores = &rows[owner * texts..(owner + 1) * texts];
        best[*owner] = best[*owner].min(rank(scores, text));
    }
    best
}

/// Chance that `k` draws without replacement from `classes` hold one of `right` answers.
fn chance_of_any(right: f64, k: usize, classes: usize) -> f64 {
    let classes = classes as f64;
    let miss = |draw: usize| ((classes - right - draw as f64) / (classes - draw as f64)).max(0.0);
    let draws = k.min(classes as usize);
    1.0 - (0..draws).map(miss).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_any_of_its_captions() {
        // Two images, three captions, the first two of image 0.
        let rows = [0.1, 0.9, 0.5, /* image 1: */ 0.8, 0.2, 0.3];
        assert_eq!(best_caption_ranks(&rows, 2, &[0, 0, 1]), [0, 1]);
    }

    #[test]
    fn chance_is_that_of_drawing_without_replacement() {
        assert!((chance_of_any(1.0, 5, 100) - 0.05).abs() < 1e-12);
        assert!((chance_of_any(2.0, 1, 4) - 0.5).abs() < 1e-12);
        assert!((chance_of_any(2.0, 2, 4) - (1.0 - 0.5 / 3.0)).abs() < 1e-12);
        assert_eq!(chance_of_any(1.0, 10, 4), 1.0);
    }
}
