//! Shards in webdataset layout, and the files beside them.

mod file;
mod spool;
mod writer;

pub use file::{check_folder, remove_file, remove_shards, write_file};
pub use spool::{Span, Spool};
pub use writer::ShardWriter;

use anyhow::{Context, Result};
use serde::Serialize;

/// What the corpus's own records say about a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShardRecord {
    /// File name.
    pub file: String,
    /// Number of samples.
    pub samples: usize,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// CRC-32 of the file, in hexadecimal.
    pub crc32: String,
}

/// Adds a file that carries nothing of the machine or the moment it was made on.
pub fn append<W: std::io::Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    bytes: &[u8],
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, name, bytes).with_context(|| format!("cannot pack {name}"))
}
