//! Corpora built from packages that the registries carry, and the shards they are kept in.

mod sample;
mod shards;

use clap::Subcommand;

/// A corpus that can be built, or work on shards.
#[derive(Subcommand)]
pub enum Corpus {
    /// The small emoji corpus that ships in `assets/sample`.
    Sample(sample::SampleArgs),
    /// Make, count, check and repair webdataset shards.
    #[command(subcommand)]
    Shards(shards::Shards),
}

impl Corpus {
    /// Builds the corpus or does the work, printing a line per stage.
    pub fn build(self) -> anyhow::Result<()> {
        match self {
            Self::Sample(args) => sample::build(&args),
            Self::Shards(shards) => shards.run(),
        }
    }
}
