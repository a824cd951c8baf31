//! Corpora built from packages that the registries carry.

mod sample;

use clap::Subcommand;

/// A corpus that can be built.
#[derive(Subcommand)]
pub enum Corpus {
    /// The small emoji corpus that ships in `assets/sample`.
    Sample(sample::SampleArgs),
}

impl Corpus {
    /// Builds the corpus, printing a line per stage.
    pub fn build(self) -> anyhow::Result<()> {
        match self {
            Self::Sample(args) => sample::build(&args),
        }
    }
}
