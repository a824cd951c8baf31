//! Images with their captions, by index.

mod evaluation;

pub use evaluation::EvalPairs;
