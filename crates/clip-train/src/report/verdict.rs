use super::loss::LossCurve;
use super::number;
use clip_eval::Evaluation;

/// The evaluations a verdict can rest on, the most telling first.
const TELLING: [(&str, &str); 3] =
    [("zero_shot", "top1"), ("image_to_text", "recall@1"), ("text_to_image", "recall@1")];

/// The outcome of a run in plain text.
pub(super) struct Verdict {
    /// One sentence.
    pub headline: String,
    /// The figures behind it; empty if there are none.
    pub detail: String,
}

impl Verdict {
    /// Judges a run by its latest evaluations or, without any, by its loss.
    pub fn new(loss: &LossCurve<'_>, latest: &[&Evaluation]) -> Self {
        let find = |(task, metric): (&str, &str)| {
            latest
                .iter()
                .find(|r| r.task == task && r.metric == metric && r.n > 0 && r.value.is_finite())
        };
        match TELLING.into_iter().find_map(find) {
            Some(row) => Self { headline: headline(row), detail: detail(row) },
            None => {
                Self { headline: loss_headline(loss, latest.is_empty()), detail: String::new() }
            }
        }
    }
}

fn headline(row: &Evaluation) -> String {
    let (share, dataset) = (share(row.value), &row.dataset);
    let (classes, lead) = (number::count(row.classes as u64), lead(row));
    match row.task.as_str() {
        "image_to_text" => format!(
            "Finds the right caption for {share} of the {dataset} images, out of {classes}{lead}."
        ),
        "text_to_image" => format!(
            "Finds the right image for {share} of the {dataset} captions, out of {classes}{lead}."
        ),
        _ => format!("Names {share} of the {dataset} images right, out of {classes} names{lead}."),
    }
}

fn detail(row: &Evaluation) -> String {
    format!(
        "{} at step {} (95% interval {}); guessing would score {}.",
        number::percent(row.value),
        number::count(row.step),
        number::interval(row.low, row.high),
        number::percent(row.chance),
    )
}

/// A fraction as a natural frequency.
fn share(value: f64) -> String {
    match value {
        0.0 => "none".to_owned(),
        1.0 => "all".to_owned(),
        v if v >= 0.95 => number::percent(v),
        v if v >= 0.3 => format!("about {:.0} in 10", v * 10.0),
        v => format!("about 1 in {}", number::count((1.0 / v).round() as u64)),
    }
}

/// How the score compares with guessing, as far as the interval lets one say.
fn lead(row: &Evaluation) -> String {
    if row.low > row.chance && row.chance > 0.0 {
        format!(": {} times chance", number::factor(row.value / row.chance))
    } else if row.low <= row.chance && row.chance <= row.high {
        "; this cannot be told from chance".to_owned()
    } else if row.high < row.chance {
        "; this is below chance".to_owned()
    } else {
        String::new()
    }
}

/// What the loss alone says of a run, and that there is no more to say if that is so.
fn loss_headline(loss: &LossCurve<'_>, unevaluated: bool) -> String {
    let Some((first, last)) = loss.ends() else {
        let nothing_else = if unevaluated { " and no evaluation was run" } else { "" };
        return format!("No step had a finite loss{nothing_else}.");
    };
    let nothing_else = if unevaluated { "; no evaluation was run" } else { "" };
    let (step, end) = (number::count(last.0 as u64), number::short(last.1));
    if first.0 == last.0 {
        return format!("The loss was {end} at step {step}{nothing_else}.");
    }
    let start = number::short(first.1);
    format!("The loss went from {start} to {end} by step {step}{nothing_else}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, low: f64, high: f64) -> Evaluation {
        Evaluation {
            step: 3000,
            task: "zero_shot".into(),
            dataset: "fluent".into(),
            metric: "top1".into(),
            value,
            low,
            high,
            chance: 1.0 / 1594.0,
            n: 1594,
            classes: 1594,
        }
    }

    #[test]
    fn a_good_run_is_compared_with_chance() {
        assert_eq!(
            headline(&row(0.2134, 0.194, 0.234)),
            "Names about 1 in 5 of the fluent images right, out of 1,594 names: 340 times chance."
        );
    }

    #[test]
    fn a_score_within_the_noise_claims_nothing() {
        assert!(headline(&row(0.001, 0.0001, 0.003)).contains("cannot be told from chance"));
        assert!(headline(&row(0.0, 0.0, 0.0024)).starts_with("Names none of the fluent images"));
        assert!(headline(&row(0.0, 0.0, 0.0002)).contains("below chance"));
        assert!(headline(&row(1.0, 0.998, 1.0)).starts_with("Names all of the fluent images"));
    }

    #[test]
    fn an_empty_test_set_proves_nothing() {
        let empty = Evaluation { n: 0, ..row(0.0, 0.0, 1.0) };
        let verdict = Verdict::new(&LossCurve::new(&[]), &[&empty]);
        assert!(verdict.headline.starts_with("No step had a finite loss"));
    }

    #[test]
    fn a_held_out_loss_is_no_share_but_an_evaluation() {
        let loss =
            Evaluation { task: "held_out".into(), metric: "loss".into(), ..row(2.1, 2.1, 2.1) };
        let verdict = Verdict::new(&LossCurve::new(&[]), &[&loss]);
        assert_eq!(verdict.headline, "No step had a finite loss.");
    }

    #[test]
    fn shares_read_as_natural_frequencies() {
        let texts = ["about 1 in 5", "about 6 in 10", "96.2%", "about 1 in 1,667"];
        assert_eq!([0.21, 0.58, 0.962, 0.0006].map(share), texts);
    }
}
