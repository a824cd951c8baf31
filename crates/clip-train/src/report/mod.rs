//! The report of a training run: one HTML file with no network, scripts or assets beside it.
//!
//! ```text
//! metrics.jsonl ──┐
//! eval.json ──────┼── Report ── render ── report.html
//! test images ────┘
//! ```

mod axis;
mod base64;
mod chart;
mod data;
mod grid;
mod loss;
mod markup;
mod number;
mod page;
mod series;
mod table;
mod verdict;

pub use data::{Example, Report, StepMetrics};
pub use page::render;
