//! Shards in webdataset layout, and the files beside them.

mod file;
mod shards;
mod spool;

pub use file::{check_folder, write_file};
pub use shards::{remove_corpus, split_writer};
pub use spool::{Span, Spool};

use anyhow::{Context, Result};

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
