//! Image-text pairs for CLIP: webdataset shards to training batches, and the labelled and captioned
//! sets that models are evaluated on.
//!
//! ```text
//! shard specs -> shards -> RawSample -> decode, augment, caption, tokenise -> ClipBatch
//! ```
//!
//! # Quick start
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use clip_data::{LoaderConfig, PairLoader};
//! use clip_model::{ClipConfig, Tokenizer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = ClipConfig::preset("ViT-B-32")?;
//! let tokenizer = Arc::new(Tokenizer::for_text(&model.text_cfg)?);
//! let config = LoaderConfig::new(vec!["icons/train-{000..009}.tar".into()], 256, 224);
//! for batch in PairLoader::new(config, tokenizer)?.take(1000) {
//!     let batch = batch?; // images [256, 224, 224, 3], tokens [256, 77]
//!     println!("epoch {}: {} pairs", batch.epoch, batch.batch);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Samples
//!
//! A sample is the members of a tar that share a name up to the first dot: an image (`png`, `jpg`,
//! `jpeg`, `webp`, `gif`, `bmp`, `tif` or `tiff`), and its text as `txt` or as `json` with `name`, `keywords` and perhaps
//! `concept`; [`CaptionDraw`] names other fields and filters. What can't be used is passed over and
//! counted by [`Cause`].
//!
//! Pairs that aren't in shards are a [`PairSource`]: tables, folders and made-up pairs, which
//! [`open_pairs`] knows by their spec, and any data set of Burn's.

#[cfg(feature = "loader")]
mod augment;
mod captions;
mod decode;
mod error;
mod labelled;
#[cfg(feature = "loader")]
mod loader;
mod near;
mod pairs;
mod random;
mod sample;
mod selection;
mod shards;
#[cfg(feature = "statistics")]
mod statistics;
mod stored;
#[cfg(test)]
mod testing;
mod tools;
mod write;

#[cfg(feature = "loader")]
pub use augment::{CropKind, TrainTransform, ViewMaker};
pub use captions::{
    CaptionDraw, CaptionField, CaptionFields, CaptionFilter, Captions, FieldTexts, SampleText,
    Threshold,
};
pub use decode::{DEFAULT_MAX_PIXELS, ImageProblem, decode_image, decode_sample};
pub use error::{Cause, DataError, Fault};
#[cfg(feature = "download")]
pub use labelled::download_cifar;
pub use labelled::{
    CifarSet, Ffmpeg, Label, LabelledFiles, LabelledImages, LabelledPixels, LabelledVideos,
    Lexicon, LexiconImages, ListFormat, ListOptions, MatError, MatValue, Place, PlacedImages,
    RareAct, Segment, Split, VocImages, open_labelled, read_mat,
};
#[cfg(feature = "burn-dataset")]
pub use labelled::{LabelledDataset, LabelledItem};
#[cfg(feature = "loader")]
pub use loader::{
    ClipBatch, LoaderConfig, LoaderError, LoaderOptions, LoaderState, LoaderStats, PairLoader,
    WindowStart,
};
pub use near::{DifferenceHash, Print, mean_difference, on_white};
#[cfg(feature = "burn-dataset")]
pub use pairs::BurnPairs;
pub use pairs::{
    CsvPairs, EvalPairs, FolderPairs, PairImage, PairOptions, PairSource, RawPair, SyntheticPairs,
    open_pairs,
};
pub use random::{Stream, sample_rng};
pub use sample::RawSample;
pub use selection::{SelectionExample, SelectionImages};
pub use shards::{
    CacheOptions, DEFAULT_MAX_MEMBER_BYTES, Location, OpenOptions, OpenShard, ShardOpener,
    ShardReader, count_samples, expand_shards, expand_sources, image_folder,
};
#[cfg(feature = "statistics")]
pub use statistics::{
    CaptionStatistics, ConceptStatistics, Corpus, Distinct, Distribution, FaultCount,
    ImageStatistics, PartStatistics, Pick, Ranking, Seen, Statistics, StatisticsConfig, gather,
};
pub use tools::{
    CountOptions, CountReport, FaultTally, KeyRule, MemberCount, PackOptions, PackReport,
    RepairOptions, RepairOutcome, RepairReport, ShardCount, ShardProgress, VerifyOptions,
    VerifyReport, count_shards, pack_shards, repair_shard, verify_shards,
};
pub use write::{
    IndexedShard, NameProblem, RefusedSample, ShardCompression, ShardIndex, ShardOptions,
    ShardWriter,
};
