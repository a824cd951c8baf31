//! What a CLIP can do: zero-shot classification, retrieval and linear probes, with intervals and chance.
//!
//! ```text
//! labelled images --features--> top-1, top-5 against chance, confusions
//! images + captions --features--> recall at 1, 5, 10, both ways
//! labelled images, some to learn from --features--> linear probe --> accuracy
//! ```

#![recursion_limit = "256"]

mod confusion;
mod evaluation;
mod features;
mod geolocation;
mod interval;
mod lexicon;
mod markup;
mod metrics;
mod predictive;
mod probe;
mod rank;
mod registry;
mod released;
mod retrieval;
mod selection;
mod suite;
mod zero_shot;

pub use confusion::*;
pub use evaluation::*;
pub use features::*;
pub use geolocation::*;
pub use interval::*;
pub use lexicon::*;
pub use metrics::*;
pub use predictive::*;
pub use probe::*;
pub use registry::*;
pub use released::*;
pub use retrieval::*;
pub use selection::*;
pub use suite::*;
pub use zero_shot::*;
