//! Corpora built from packages that the registries carry, and what corpora are made of.

mod sample;
mod statistics;

use clap::Subcommand;

pub use statistics::Interrupted;

/// A corpus that can be built, or looked at.
#[derive(Subcommand)]
pub enum Corpus {
    /// The small emoji corpus that ships in `assets/sample`.
    Sample(sample::SampleArgs),
    /// A page on what any corpus is made of: counts, sizes, words, faults and a contact sheet.
    Stats(statistics::StatsArgs),
}

impl Corpus {
    /// Builds the corpus, or looks at one, printing a line per stage.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Sample(args) => sample::build(&args),
            Self::Stats(args) => statistics::run(&args),
        }
    }
}
