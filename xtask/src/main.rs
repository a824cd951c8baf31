//! Everything a maintainer of this workspace runs: `cargo xtask --help`.

mod bench;
mod check;
mod data;
mod licences;
mod parity;

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
    /// Compare full-size models, tokenizer and preprocessing with their references (needs Python)
    #[command(disable_help_flag = true)]
    Parity {
        /// Features of the comparison's build, such as cuda
        #[arg(long, default_value = "")]
        features: String,
        /// See `cargo xtask parity --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure speed and memory beside what else does the same (mostly needs Python)
    #[command(disable_help_flag = true)]
    Bench {
        /// Features of the build, such as turbojpeg
        #[arg(long, default_value = "")]
        features: String,
        /// See `cargo xtask bench --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build an image-text corpus from package registries, look at one, or work on shards.
    #[command(subcommand)]
    Data(data::Corpus),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Check => check::run(),
        Command::Bench { features, arguments } => bench::run(&features, &arguments),
        Command::Parity { features, arguments } => parity::run(&features, &arguments),
        Command::Data(corpus) => corpus.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<data::Stopped>() => {
            eprintln!("{error:#}");
            ExitCode::from(data::STOPPED_STATUS)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
