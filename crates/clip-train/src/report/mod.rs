//! The report of a training run: one HTML file with no network, scripts or assets beside it.
//!
//! ```text
//! metrics.jsonl ──┐
//! eval.json ──────┼── Report ── render ── report.html
//! test images ────┘
//! ```

mod axis;
mod chart;
mod curve;
mod data;
mod draw;
mod evaluations;
mod grid;
mod label;
mod loss;
mod markup;
mod number;
mod overlay;
mod page;
mod series;
mod subject;
mod table;
mod training;
mod unit;
mod verdict;
mod whisker;

#[cfg(test)]
mod tests;

pub(crate) use data::null_is_nan;
pub use data::{Example, OtherRun, Report, StepMetrics};
pub use page::render;
