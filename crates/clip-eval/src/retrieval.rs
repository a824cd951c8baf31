use burn::tensor::Tensor;

use crate::rank::ranks;
use crate::{Evaluation, Source};

/// The depths at which recall is reported.
const DEPTHS: [usize; 3] = [1, 5, 10];

/// Recall at 1, 5 and 10 in both directions.
///
/// An image counts as found when any of its captions is; every caption is a query of its own, as
/// in the usual COCO and Flickr30k evaluation. Exact, in blocks: the matrix of all scores is never
/// there.
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
    let mut captions = vec![Vec::new(); images];
    owners.iter().enumerate().for_each(|(text, owner)| captions[*owner].push(text));
    let images_of: Vec<Vec<usize>> = owners.iter().map(|owner| vec![*owner]).collect();
    let image_ranks = ranks(&image_features, &text_features, &captions);
    let text_ranks = ranks(&text_features, &image_features, &images_of);

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

/// Chance that `k` draws without replacement from `classes` hold one of `right` answers.
fn chance_of_any(right: f64, k: usize, classes: usize) -> f64 {
    let classes = classes as f64;
    let miss = |draw: usize| ((classes - right - draw as f64) / (classes - draw as f64)).max(0.0);
    let draws = k.min(classes as usize);
    1.0 - (0..draws).map(miss).product::<f64>()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn an_image_is_found_by_any_of_its_captions() {
        let device = Device::flex();
        let tensor = |rows: &[[f32; 2]]| {
            Tensor::<1>::from_data(rows.as_flattened(), &device).reshape([rows.len(), 2])
        };
        // Three captions, the first two of image 0; image 2 has none.
        let images = tensor(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        let texts = tensor(&[[0.1, 0.8], [0.9, 0.2], [0.5, 0.3]]);
        let source = Source { step: 0, dataset: "test" };
        let found = retrieval(source, images, texts, &[0, 0, 1]);
        let of = |task: &str, metric: &str| {
            found.iter().find(|row| row.task == task && row.metric == metric).unwrap().value
        };
        assert!((of("image_to_text", "recall@1") - 1.0 / 3.0).abs() < 1e-9);
        assert!((of("image_to_text", "recall@5") - 2.0 / 3.0).abs() < 1e-9);
        assert!((of("text_to_image", "recall@1") - 0.0).abs() < 1e-9);
    }

    #[test]
    fn chance_is_that_of_drawing_without_replacement() {
        assert!((chance_of_any(1.0, 5, 100) - 0.05).abs() < 1e-12);
        assert!((chance_of_any(2.0, 1, 4) - 0.5).abs() < 1e-12);
        assert!((chance_of_any(2.0, 2, 4) - (1.0 - 0.5 / 3.0)).abs() < 1e-12);
        assert_eq!(chance_of_any(1.0, 10, 4), 1.0);
    }
}
