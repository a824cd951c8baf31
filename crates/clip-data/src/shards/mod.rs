//! Shards of the webdataset format: where they are, and the samples in them.

mod location;
mod name;
mod open;
mod reader;
mod spec;

pub use location::Location;
pub use open::{CacheOptions, OpenOptions, OpenShard, ShardOpener};
pub use reader::{DEFAULT_MAX_MEMBER_BYTES, ShardReader, count_samples};
pub use spec::image_folder;
pub use spec::{expand_shards, expand_sources};
