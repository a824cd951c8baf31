//! The paper's figure 5: zero-shot against a fully supervised probe.

use super::BenchmarkReport;
use super::svg::{GREY, INK, colour, line, name, picture, text};

const LEFT: f64 = 210.0;
const WIDTH: f64 = 560.0;
const ROW: f64 = 24.0;

/// How many points the zero-shot result of `model` is above a probe on the features of `baseline`,
/// by data set, the largest first. Nothing where no data set has both.
pub fn draw(report: &BenchmarkReport, number: usize, model: &str, baseline: &str) -> String {
    let gap = |dataset| {
        let ours = report.find(model, dataset, "zero_shot")?.evaluation.value;
        let theirs = report.find(baseline, dataset, "linear_probe")?.evaluation.value;
        Some((dataset, 100.0 * (ours - theirs)))
    };
    let mut gaps: Vec<(&str, f64)> = report.datasets().into_iter().filter_map(gap).collect();
    gaps.sort_by(|a, b| b.1.total_cmp(&a.1));
    let widest = gaps.iter().map(|(_, gap)| gap.abs()).fold(1.0, f64::max);
    if gaps.is_empty() {
        return String::new();
    }
    let zero = LEFT + WIDTH / 2.0;
    let mut content = String::new();
    for (row, (dataset, gap)) in gaps.iter().enumerate() {
        let y = 10.0 + ROW * row as f64;
        let width = (WIDTH / 2.0 - 50.0) * gap.abs() / widest;
        let start = if *gap < 0.0 { zero - width } else { zero };
        let fill = if *gap < 0.0 { GREY } else { colour(number) };
        content += &name(LEFT - 14.0, y + 15.0, dataset);
        content += &format!(
            "<rect x=\"{start:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\" \
             fill=\"{fill}\"/>\n",
            ROW - 6.0
        );
        let (at, anchor) =
            if *gap < 0.0 { (start - 6.0, "end") } else { (start + width + 6.0, "start") };
        content += &text(at, y + 14.0, anchor, "value", &format!("{gap:+.1}"));
    }
    let height = 10.0 + ROW * gaps.len() as f64;
    content += &line([zero, 4.0], [zero, height], INK, 1.0);
    picture(LEFT + WIDTH + 30.0, height + 6.0, "zero-shot against a supervised probe", &content)
}
