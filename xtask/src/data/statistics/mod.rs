//! `cargo xtask data stats`: a page on what a corpus is made of, to be looked at before training.

mod captions;
mod concepts;
mod faults;
mod findings;
mod histogram;
mod images;
mod page;
mod progress;
mod quantiles;
mod ranking;
mod samples;
mod sheet;
mod text;
mod thumbnail;
mod write;

use std::io::{self, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use clip_data::{CaptionField, Corpus, PairOptions, Statistics, StatisticsConfig, gather};
use serde::Serialize;

use crate::data::stop::Stopped;
use progress::Watch;
use thumbnail::Thumbnail;

/// What the command line says.
#[derive(Args)]
pub struct StatsArgs {
    /// Shards (files, folders, globs, {000..009}, @LIST, a::b), one folder of images with NAME.txt
    /// or NAME.json beside each, or tables (.csv, .tsv).
    #[arg(value_name = "SPEC", required = true)]
    corpus: Vec<String>,
    /// The page, one HTML file that needs no network.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How many samples are picked at random and shown.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(..=2000))]
    samples: u16,
    /// Which samples are picked.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Writes the numbers as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the picked images as one PNG too.
    #[arg(long, value_name = "FILE")]
    contact_sheet: Option<PathBuf>,
    /// The page's heading, instead of the shards.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Column of a table with the images' paths.
    #[arg(long, value_name = "NAME", default_value = "filepath")]
    csv_img_key: String,
    /// Column of a table with the captions.
    #[arg(long, value_name = "NAME", default_value = "title")]
    csv_caption_key: String,
    /// Threads that read; all cores by default. The page is the same for any number.
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Numbers<'a> {
    corpus: &'a [String],
    #[serde(flatten)]
    statistics: &'a Statistics,
}

/// Reads the corpus and writes the page.
pub fn run(args: &StatsArgs) -> Result<()> {
    let outputs = [Some(&args.out), args.json.as_ref(), args.contact_sheet.as_ref()];
    outputs.into_iter().flatten().try_for_each(|path| write::check_folder(path))?;
    let corpus = Corpus::open(&args.corpus, &args.tables())?;
    let statistics = read(&corpus, args)?;
    let thumbnails: Vec<_> = statistics.picks.iter().map(Thumbnail::of).collect();
    let page = page::Page {
        title: &args.title(),
        shards: matches!(corpus, Corpus::Shards { .. }),
        statistics: &statistics,
        thumbnails: &thumbnails,
    };
    file(&args.out, page.render().as_bytes())?;
    if let Some(path) = &args.json {
        let numbers = Numbers { corpus: &args.corpus, statistics: &statistics };
        file(path, &serde_json::to_vec_pretty(&numbers)?)?;
    }
    if let Some(path) = &args.contact_sheet {
        file(path, &sheet::png(&thumbnails)?)?;
    }
    Ok(())
}

fn read(corpus: &Corpus, args: &StatsArgs) -> Result<Statistics> {
    let config = StatisticsConfig {
        picks: args.samples.into(),
        seed: args.seed,
        ..StatisticsConfig::default()
    };
    let threads = args.threads.or(available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let watch = Watch::start(corpus.parts() as u64)?;
    let start = Instant::now();
    let open = |part| corpus.part(part);
    let gathered = gather(corpus.parts(), open, &config, threads, |seen| watch.saw(seen));
    watch.finish();
    let statistics = gathered.ok_or(Stopped)?;
    let seconds = start.elapsed().as_secs_f64();
    let rate = text::count((statistics.samples as f64 / seconds.max(1e-9)) as u64);
    let samples = text::count(statistics.samples);
    say(&format!("{samples} samples read in {seconds:.1} s, {rate} a second"));
    Ok(statistics)
}

fn file(path: &Path, bytes: &[u8]) -> Result<()> {
    write::file(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}

/// Prints a line; a reader that has gone away is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

impl StatsArgs {
    fn tables(&self) -> PairOptions {
        PairOptions {
            csv_img_key: self.csv_img_key.clone(),
            csv_caption_keys: vec![CaptionField::new(&self.csv_caption_key)],
            ..PairOptions::default()
        }
    }

    fn title(&self) -> String {
        match (&self.title, self.corpus.as_slice()) {
            (Some(title), _) => title.clone(),
            (None, [first, _, ..]) => format!("{first} and {} more", self.corpus.len() - 1),
            (None, specs) => specs.concat(),
        }
    }
}

#[cfg(test)]
mod tests;
