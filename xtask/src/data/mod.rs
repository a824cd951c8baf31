//! Corpora built from packages that the registries carry, the shards they are kept in, and what
//! corpora are made of.

mod sample;
mod shards;
mod statistics;

use clap::Subcommand;

pub use statistics::Interrupted;

/// A corpus that can be built or looked at, or work on shards.
#[derive(Subcommand)]
pub enum Corpus {
    /// The small emoji corpus that ships in `assets/sample`.
    Sample(sample::SampleArgs),
    /// A page on what any corpus is made of: counts, sizes, words, faults and a contact sheet.
    Stats(statistics::StatsArgs),
    /// Make, count, check and repair webdataset shards.
    #[command(subcommand)]
    Shards(shards::Shards),
}

impl Corpus {
    /// Does the work, printing a line per stage.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Sample(args) => sample::build(&args),
            Self::Stats(args) => statistics::run(&args),
            Self::Shards(shards) => shards.run(),
        }
    }
}
