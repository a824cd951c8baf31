//! Corpora built from packages that the registries carry.

mod deb;
mod emoji;
mod icon_pairs;
mod lot;
mod near;
mod npm;
mod openclipart;
mod picture;
mod progress;
mod sample;
mod shards;
mod stop;
mod words;

pub use stop::Stopped;

use std::path::PathBuf;

use clap::Subcommand;

/// A corpus that can be built.
#[derive(Subcommand)]
pub enum Corpus {
    /// The small emoji corpus that ships in `assets/sample`.
    Sample(sample::SampleArgs),
    /// Icons and emoji under permissive licences, 9 to 183 thousand.
    IconPairs(icon_pairs::IconPairsArgs),
    /// Clip art in the public domain, 5 thousand pictures in 19 categories.
    Openclipart(openclipart::OpenclipartArgs),
}

impl Corpus {
    /// Builds the corpus, printing a line per stage.
    pub fn build(self) -> anyhow::Result<()> {
        match self {
            Self::Sample(args) => sample::build(&args),
            Self::IconPairs(args) => icon_pairs::build(&args),
            Self::Openclipart(args) => openclipart::build(&args),
        }
    }
}

/// Takes an argument that must name a folder that is there.
fn existing_folder(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_dir() { Ok(path) } else { Err("there is no such folder".to_owned()) }
}
