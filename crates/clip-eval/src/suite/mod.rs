//! Many data sets, many models, in one run that can be interrupted.
//!
//! ```text
//! images --encode, once--> features.npy --> zero-shot, linear probe, few-shot --> rows --> report
//! ```

mod benchmark;
mod bootstrap;
mod classifier;
mod features;
mod few_shot;
mod fit;
mod frames;
mod model;
mod multilabel;
mod npy;
mod outcome;
mod overlap;
mod probes;
mod rare_act;
mod report;
mod row;
mod score;
mod zero_shot;

pub use benchmark::{
    Benchmark, BenchmarkConfig, BenchmarkError, BenchmarkEvent, BenchmarkTask, MeasureError,
};
pub use bootstrap::bootstrap;
pub use classifier::ClassifierStore;
pub use features::{FeatureError, FeatureStore, Features, GivenFeatures};
pub use few_shot::{FewShotError, SHOTS, few_shot};
pub use fit::fit_probe;
pub use frames::zero_shot_frames;
pub use model::{digest, encode_for_probes};
pub use multilabel::{Truth, fit_multilabel_probe, zero_shot_multilabel};
pub use npy::{NpyError, read_npy, write_npy};
pub use outcome::{Details, Outcome, OutcomeStore, Shown};
pub use overlap::Overlap;
pub use probes::ProbeStore;
pub use rare_act::zero_shot_rare_act;
pub use report::BenchmarkReport;
pub use row::Row;
pub use score::score;
pub use zero_shot::zero_shot;
