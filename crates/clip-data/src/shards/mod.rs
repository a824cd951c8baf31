//! Shards of the webdataset format: where they are, and the samples in them.

mod count;
mod end_mark;
mod entry;
mod extended;
mod location;
mod name;
mod open;
mod reader;
mod sparse;
mod spec;

pub use count::count_samples;
pub use location::Location;
pub(crate) use name::readable_split;
pub use open::{CacheOptions, OpenOptions, OpenShard, ShardOpener};
pub use reader::{DEFAULT_MAX_MEMBER_BYTES, ShardReader};
pub use spec::image_folder;
pub use spec::{expand_shards, expand_sources};
