//! Shards of the webdataset format: where they are, and the samples in them.

mod end_mark;
mod location;
mod name;
mod open;
mod reader;
mod spec;

pub use location::Location;
pub(crate) use name::split_name;
pub use open::{OpenShard, ShardOpener};
pub use reader::{DEFAULT_MAX_MEMBER_BYTES, ShardReader, count_samples};
pub use spec::image_folder;
pub use spec::{expand_shards, expand_sources};
