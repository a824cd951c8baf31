//! The metrics of RareAct (Miech et al. 2020), as its authors compute them.

use std::collections::BTreeMap;

use clip_data::{RareAct, Segment};
use clip_model::Pretrained;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::benchmark::MeasureError;
use super::bootstrap::interval;
use super::frames::mean_probabilities;
use super::model::projected;
use super::{ClassifierStore, Features, Row};
use crate::{Dataset, Evaluation, average_precision, weighted_average_precision};

/// Draws that the mean sampled average precision is taken over.
const DRAWS: usize = 100;

/// Samples that intervals are made of.
const SAMPLES: usize = 1000;

/// Finds actions by language alone: the classes' average precisions, averaged over the classes that are
/// seen somewhere (mWAP and mSAP), of probabilities averaged over `frames` frames of each segment. The
/// intervals are those of other classes being drawn.
///
/// # Shapes
///
/// - features: `[segments * frames, width]`, before the projection, segment after segment
///
/// # Errors
///
/// When the model has no tokenizer, or the classifier can't be kept.
pub fn zero_shot_rare_act(
    (name, clip, classifiers): (&str, &Pretrained, &ClassifierStore),
    dataset: &Dataset,
    set: &RareAct,
    (features, frames): (&Features, usize),
) -> Result<Vec<Row>, MeasureError> {
    let named = |(verb, noun): &(String, String)| vec![format!("{verb} {noun}")];
    let names: Vec<Vec<String>> = set.classes().iter().map(named).collect();
    let classifier = classifiers.get(clip, &names, dataset.templates().0)?;
    let (images, scale) = projected(clip, &features.features);
    let scores = mean_probabilities(&classifier, images, scale, frames);
    let found = precisions(&scores, set.segments(), set.classes());
    let task = if frames > 1 { format!("zero_shot_frames_{frames}") } else { "zero_shot".into() };
    let row = |metric: &str, of: fn(&Precision) -> f64| {
        let values: Vec<f64> = found.iter().map(of).collect();
        let mean = |at: &[usize]| at.iter().map(|at| values[*at]).sum::<f64>() / at.len() as f64;
        let (low, high) = interval(values.len(), SAMPLES, mean);
        Row {
            model: name.into(),
            evaluation: Evaluation {
                step: 0,
                task: task.clone(),
                dataset: dataset.name.clone(),
                metric: metric.into(),
                value: mean(&(0..values.len()).collect::<Vec<_>>()),
                low,
                high,
                chance: found.iter().map(|found| found.chance).sum::<f64>() / found.len() as f64,
                n: set.segments().len(),
                classes: names.len(),
            },
            published: None,
        }
    };
    Ok(vec![row(dataset.metric.name(), |found| found.weighted), row("msap", |found| found.sampled)])
}

/// How well one class is found.
struct Precision {
    weighted: f64,
    sampled: f64,
    /// The share of what is right, each video counting once in each group.
    chance: f64,
}

/// Of each class that is seen somewhere, from the scores of all classes, segment after segment.
fn precisions(
    scores: &[f32],
    segments: &[Segment],
    classes: &[(String, String)],
) -> Vec<Precision> {
    let of_class = |class: usize| {
        let groups = groups(segments, classes, class);
        let score = |segment: usize| scores[segment * classes.len() + class];
        (!groups[0].is_empty()).then(|| precision(&groups, score, class as u64))
    };
    (0..classes.len()).into_par_iter().filter_map(of_class).collect()
}

/// Segments by their video.
type Group<'a> = BTreeMap<&'a str, Vec<usize>>;

/// What is right, what is wrong, and what is nearly right. Of other actions that are seen, those that
/// share the verb or the noun are nearly right, those that share neither are wrong.
fn groups<'a>(
    segments: &'a [Segment],
    classes: &[(String, String)],
    class: usize,
) -> [Group<'a>; 3] {
    let mut groups = [Group::new(), Group::new(), Group::new()];
    let (verb, noun) = &classes[class];
    for (at, segment) in segments.iter().enumerate() {
        let group = match (segment.class_id == class, segment.annotation) {
            (true, 1) => 0,
            (true, 0) => 1,
            (true, _) => 2,
            (false, 1) => match (&segment.verb == verb, &segment.noun == noun) {
                (true, true) => continue,
                (false, false) => 1,
                _ => 2,
            },
            (false, _) => continue,
        };
        groups[group].entry(segment.video_id.as_str()).or_default().push(at);
    }
    groups
}

fn precision(groups: &[Group<'_>; 3], score: impl Fn(usize) -> f32, seed: u64) -> Precision {
    let (mut scores, mut right, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (group, videos) in groups.iter().enumerate() {
        for segments in videos.values() {
            scores.extend(segments.iter().map(|segment| score(*segment)));
            right.extend(segments.iter().map(|_| group == 0));
            weights.extend(segments.iter().map(|_| 1.0 / segments.len() as f64));
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || {
        let videos = groups.iter().flat_map(Group::values);
        let one = |segments: &Vec<usize>| score(segments[random.random_range(0..segments.len())]);
        videos.map(one).collect::<Vec<f32>>()
    };
    let counts = groups.each_ref().map(Group::len);
    let videos: usize = counts.iter().sum();
    let is_right: Vec<bool> = (0..videos).map(|video| video < counts[0]).collect();
    let sampled: f64 = (0..DRAWS).map(|_| average_precision(&draw(), &is_right)).sum();
    Precision {
        weighted: weighted_average_precision(&scores, &right, &weights),
        sampled: sampled / DRAWS as f64,
        chance: counts[0] as f64 / videos as f64,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// What the definitions give with scikit-learn; see `tests/reference/make_probe.py`.
    #[derive(Deserialize)]
    struct Golden {
        segments: Vec<Segment>,
        classes: Vec<(String, String)>,
        scores: Vec<f32>,
        mwap: f64,
        /// Over thousands of draws.
        msap: f64,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../tests/goldens/rare_act.json")).unwrap()
    }

    fn means(golden: &Golden) -> (f64, f64) {
        let found = precisions(&golden.scores, &golden.segments, &golden.classes);
        let mean =
            |of: fn(&Precision) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
        (mean(|found| found.weighted), mean(|found| found.sampled))
    }

    #[test]
    fn both_means_equal_the_references() {
        let golden = golden();
        let (weighted, sampled) = means(&golden);
        assert!((weighted - golden.mwap).abs() < 1e-9, "{weighted} {}", golden.mwap);
        assert!((sampled - golden.msap).abs() < 0.01, "{sampled} {}", golden.msap);
        assert_eq!(means(&golden), (weighted, sampled));
    }

    #[test]
    fn both_are_the_same_where_a_video_has_one_segment() {
        let mut golden = golden();
        for (number, segment) in golden.segments.iter_mut().enumerate() {
            segment.video_id = number.to_string();
        }
        let (weighted, sampled) = means(&golden);
        assert!((weighted - sampled).abs() < 1e-9, "{weighted} {sampled}");
    }

    #[test]
    fn other_actions_are_wrong_or_nearly_right() {
        let actions = [("cut", "laptop"), ("cut", "tree"), ("shake", "tree"), ("drop", "egg")];
        let actions = actions.map(|(verb, noun)| (verb.to_owned(), noun.to_owned()));
        let segment = |class_id: usize, annotation| Segment {
            id: String::new(),
            video_id: format!("{class_id}-{annotation}"),
            start: 0,
            end: 10,
            class_id,
            verb: actions[class_id].0.clone(),
            noun: actions[class_id].1.clone(),
            annotation,
        };
        let of: Vec<Segment> = (0..4)
            .flat_map(|class| (0..5).map(move |said| (class, said)))
            .map(|(c, s)| segment(c, s))
            .collect();
        let found = groups(&of, &actions, 1).map(|group| group.into_keys().collect::<Vec<_>>());
        let expected = [vec!["1-1"], vec!["1-0", "3-1"], vec!["0-1", "1-2", "1-3", "1-4", "2-1"]];
        assert_eq!(found, expected);
    }
}
