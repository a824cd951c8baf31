//! Images with their captions, by index.

#[cfg(feature = "burn-dataset")]
mod burn;
mod csv;
mod evaluation;
mod file;
mod folder;
mod joined;
mod open;
mod published;
mod source;
mod synthetic;

#[cfg(feature = "burn-dataset")]
pub use burn::BurnPairs;
pub use csv::CsvPairs;
pub use evaluation::EvalPairs;
pub use folder::FolderPairs;
pub use open::{PairOptions, open_pairs};
pub use source::{PairImage, PairSource, RawPair};
pub use synthetic::SyntheticPairs;
