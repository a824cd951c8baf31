//! Writing shards: complete under their names, or not there.

mod archive;
mod file;
mod folder;
mod index;
mod name;
mod writer;

#[cfg(test)]
#[cfg(unix)]
mod crash;
#[cfg(test)]
mod tests;

pub use archive::ShardCompression;
pub(crate) use file::{ShardFile, folder_of};
pub(crate) use folder::digest;
pub use index::{IndexedShard, ShardIndex};
pub use name::{NameProblem, RefusedSample};
pub use writer::{ShardOptions, ShardWriter};
