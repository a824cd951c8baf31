//! What a CLIP can do: zero-shot classification and retrieval, with intervals and chance.
//!
//! ```text
//! labelled images --features--> top-1, top-5 against chance
//! images + captions --features--> recall at 1, 5, 10, both ways
//! ```

#![recursion_limit = "256"]

mod evaluation;

mod features;
mod interval;
mod prompts;
mod rank;
mod retrieval;
mod zero_shot;

pub use evaluation::*;

pub use features::*;
pub use interval::*;
pub use prompts::*;
pub use retrieval::*;
pub use zero_shot::*;
