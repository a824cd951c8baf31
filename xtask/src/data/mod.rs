//! Corpora built from packages that the registries carry, the shards they are kept in, and what
//! corpora are made of.

mod deb;
mod emoji;
mod eval;
mod icon_pairs;
mod lot;
mod near;
mod npm;
mod openclipart;
mod output;
mod picture;
mod progress;
mod sample;
mod shards;
mod statistics;
mod stop;
mod words;

use std::path::PathBuf;

use clap::Subcommand;

pub use stop::{STATUS as STOPPED_STATUS, Stopped};

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
    /// Icons and emoji under permissive licences, 9 to 183 thousand.
    IconPairs(icon_pairs::IconPairsArgs),
    /// Clip art in the public domain, 5 thousand pictures in 19 categories.
    Openclipart(openclipart::OpenclipartArgs),
    /// A data set to measure models on.
    Eval(eval::EvalArgs),
}

impl Corpus {
    /// Does the work, printing a line per stage.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Sample(args) => sample::build(&args),
            Self::Stats(args) => statistics::run(&args),
            Self::Shards(shards) => shards.run(),
            Self::IconPairs(args) => icon_pairs::build(&args),
            Self::Openclipart(args) => openclipart::build(&args),
            Self::Eval(args) => eval::fetch(&args),
        }
    }
}

/// Takes an argument that must name a folder that is there.
fn existing_folder(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_dir() { Ok(path) } else { Err("there is no such folder".to_owned()) }
}
