//! `cargo xtask data shards`: making, counting, checking and repairing shards.

mod build;
mod count;
mod progress;
mod repair;
mod size;
mod verify;

use anyhow::Result;
use clap::Subcommand;

/// What to do with shards.
#[derive(Subcommand)]
pub enum Shards {
    /// Make shards from images and captions: a folder, .csv, .tsv, .jsonl or .parquet.
    Build(build::BuildArgs),
    /// Count samples, members by extension, and bytes.
    Count(count::CountArgs),
    /// Check that shards are whole and every sample has an image and a caption; exit status 1 if not.
    Verify(verify::VerifyArgs),
    /// Write broken shards again with every sample that is complete in them.
    Repair(repair::RepairArgs),
}

impl Shards {
    /// Does it, and prints what came of it.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Build(args) => build::run(args),
            Self::Count(args) => count::run(args),
            Self::Verify(args) => verify::run(args),
            Self::Repair(args) => repair::run(args),
        }
    }
}

#[cfg(test)]
mod tests;
