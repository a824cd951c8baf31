use burn::tensor::Tensor;

use crate::{Evaluation, Source};

/// The similarities of an example's images, one or two, with its two captions.
type Scores = Vec<[f32; 2]>;

/// The scores of Winoground (Thrush et al. 2022), where each example has two images and two captions,
/// or that of SugarCrepe (Hsieh et al. 2023), where it has one image:
///
/// - the text score, the share of examples in which each image is more like its caption than like the
///   other one (CLIP_benchmark's `text_acc`; SugarCrepe's only score, there also its `acc`);
/// - the image score, where each caption is more like its image than like the other one (`image_acc`);
/// - the group score, where both hold (`acc`).
///
/// An example where the two are alike is not right. CLIP_benchmark takes the first of them, which
/// differs only where a tokenizer makes the same of both captions, and gives SugarCrepe an `image_acc`
/// of 1, for there is no other image. Guessing is right in 1/4, 1/4 and 1/6 of Winoground, and in half
/// of SugarCrepe.
///
/// # Shapes
///
/// - image_features: `[images, embed]`, normalised
/// - text_features: `[2 * examples, embed]`, normalised, an example's two after each other
/// - images: for each example the index of the first caption's image and, in all examples or in none,
///   that of the second's
pub fn selection(
    source: Source<'_>,
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    images: &[&[usize]],
) -> Vec<Evaluation> {
    let scores = similarities(image_features, text_features, images);
    let row = |kind: &str, chance: f64, is_right: &dyn Fn(&Scores) -> bool| {
        let ranks: Vec<usize> =
            scores.iter().map(|scores| usize::from(!is_right(scores))).collect();
        let names = (&*format!("{kind}_selection"), format!("{kind}_score"));
        source.share(names, &ranks, 1, chance, 2)
    };
    if images.iter().any(|images| images.len() < 2) {
        return vec![row("text", 0.5, &text_is_right)];
    }
    vec![
        row("group", 1.0 / 6.0, &|scores| text_is_right(scores) && image_is_right(scores)),
        row("text", 0.25, &text_is_right),
        row("image", 0.25, &image_is_right),
    ]
}

fn text_is_right(scores: &Scores) -> bool {
    match scores[..] {
        [image] => image[0] > image[1],
        [first, second] => first[0] > first[1] && second[1] > second[0],
        _ => false,
    }
}

fn image_is_right(scores: &Scores) -> bool {
    match scores[..] {
        [first, second] => first[0] > second[0] && second[1] > first[1],
        _ => false,
    }
}

fn similarities(images: Tensor<2>, texts: Tensor<2>, owners: &[&[usize]]) -> Vec<Scores> {
    let [_, embed] = images.dims();
    let values = |features: Tensor<2>| features.into_data().iter::<f32>().collect::<Vec<f32>>();
    let (images, texts) = (values(images), values(texts));
    let captions = texts.chunks_exact(2 * embed).map(|pair| pair.split_at(embed));
    let example = |(owners, (first, second)): (&&[usize], (&[f32], &[f32]))| {
        let image = |index: &usize| {
            let image = &images[index * embed..][..embed];
            [first, second].map(|text| image.iter().zip(text).map(|(a, b)| a * b).sum())
        };
        owners.iter().map(image).collect()
    };
    owners.iter().zip(captions).map(example).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Features of length 1 at these angles, in degrees.
    fn at(angles: &[f32]) -> Tensor<2> {
        let values: Vec<f32> = angles
            .iter()
            .flat_map(|angle| [angle.to_radians().cos(), angle.to_radians().sin()])
            .collect();
        Tensor::<1>::from_data(&values[..], &Device::flex()).reshape([angles.len(), 2])
    }

    fn values(images: &[f32], texts: &[f32], owners: &[&[usize]]) -> Vec<(String, f64, f64)> {
        let rows = selection(Source { step: 0, dataset: "test" }, at(images), at(texts), owners);
        rows.into_iter().map(|row| (row.metric, row.value, row.chance)).collect()
    }

    #[test]
    fn winogrounds_scores_are_of_captions_images_and_both() {
        // Right both ways; captions that both images choose alike, and that choose right themselves.
        let (images, texts) = ([0.0, 90.0, 30.0, 40.0], [10.0, 80.0, 10.0, 37.0]);
        let rows = values(&images, &texts, &[&[0, 1], &[2, 3]]);
        let expected = [
            ("group_score", 0.5, 1.0 / 6.0),
            ("text_score", 0.5, 0.25),
            ("image_score", 1.0, 0.25),
        ];
        assert_eq!(rows, expected.map(|(name, value, chance)| (name.to_owned(), value, chance)));
        // The other way round.
        let rows = values(&[10.0, 37.0], &[30.0, 40.0], &[&[0, 1]]);
        assert_eq!(rows.iter().map(|row| row.1).collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn sugar_crepes_score_is_that_of_captions_and_alike_is_wrong() {
        let texts = [5.0, 50.0, 50.0, 5.0, 7.0, 7.0];
        let rows = values(&[0.0, 60.0], &texts, &[&[0], &[1], &[1]]);
        assert_eq!(rows, [("text_score".to_owned(), 2.0 / 3.0, 0.5)]);
    }

    /// Forty examples of made-up features, of which CLIP_benchmark 1.6.2's `evaluate` gives `text_acc`,
    /// `image_acc` and `acc`.
    #[test]
    fn scores_are_those_of_clip_benchmark() {
        let features = |count: u64, start: u64| {
            let value = |n: u64| {
                let x = (n * 2_654_435_761) as u32;
                let x = (x ^ (x >> 15)).wrapping_mul(2_246_822_519);
                (x ^ (x >> 13)) % 23
            };
            let values: Vec<f32> =
                (start..start + 4 * count).map(|n| value(n) as f32 - 11.0).collect();
            let rows = Tensor::<1>::from_data(&values[..], &Device::flex());
            clip_model::normalize(rows.reshape([count as usize, 4]))
        };
        let scores = |images: usize| {
            let owners: Vec<Vec<usize>> =
                (0..40).map(|at| (at * images..(at + 1) * images).collect()).collect();
            let owners: Vec<&[usize]> = owners.iter().map(Vec::as_slice).collect();
            let source = Source { step: 0, dataset: "test" };
            let rows =
                selection(source, features(40 * images as u64, 1), features(80, 500), &owners);
            rows.into_iter().map(|row| (row.metric, row.value)).collect::<Vec<_>>()
        };
        let named = |name: &str, value: f64| (name.to_owned(), value);
        let expected =
            [named("group_score", 0.125), named("text_score", 0.275), named("image_score", 0.2)];
        assert_eq!(scores(2), expected);
        assert_eq!(scores(1), [named("text_score", 0.525)]);
    }
}
