//! Classifies CIFAR-10 or CIFAR-100 by language alone.
//!
//! ```text
//! cargo run --release --example zeroshot_cifar -- --weights openai/clip-vit-base-patch32
//! cargo run --release --example zeroshot_cifar -- --dataset cifar100 --weights runs/pretrain-1/export
//! ```
//!
//! The data set is downloaded (170 MB) unless `--data` names the folder of its original binary
//! version. Beside the accuracy of OpenAI's own weights stands the one that open_clip measured.

#![recursion_limit = "256"]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Parser, ValueEnum};
use clip_data::{CifarSet, LabelledImages, LabelledPixels, Split};
use clip_eval::{
    ConfusionMatrix, Evaluation, PublishedSource, Source, accuracy, classify, dataset,
    encode_images, published, released_archive, released_id,
};
use clip_examples::{Model, finish};
use indicatif::{ProgressBar, ProgressStyle};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Zero-shot accuracy on CIFAR-10 or CIFAR-100, with the paper's 18 templates.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// Which set [default: the one in --data, else cifar10]
    #[arg(long, value_enum)]
    dataset: Option<Dataset>,
    /// Folder with test_batch.bin or test.bin; without it the set is downloaded
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the download is kept [default: clip-rs/cifar in $XDG_CACHE_HOME or ~/.cache]
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    cache: Option<PathBuf>,
    /// Where to download from
    #[arg(long, value_name = "URL", default_value = CifarSet::ORIGIN, conflicts_with = "data")]
    mirror: String,
    /// Draw the confusion matrix into this SVG file
    #[arg(long, value_name = "FILE", default_value = "confusion.svg")]
    confusion: PathBuf,
    /// Keep all results in this JSON file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dataset {
    Cifar10,
    Cifar100,
}

/// What was measured.
struct Results {
    set: CifarSet,
    model: String,
    /// The released model that it is, if it is one.
    released: Option<&'static str>,
    /// Top-1 and top-5.
    evaluations: Vec<Evaluation>,
    confusion: ConfusionMatrix,
    /// How long it took to preprocess and encode all images.
    seconds: f64,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let results = measure(args)?;
    // Before anything is printed: whoever reads it may stop reading.
    write_whole(&args.confusion, &results.picture())?;
    if let Some(path) = &args.json {
        write_whole(path, &format!("{}\n", results.json()))?;
    }
    results.print();
    println!("\nconfusion matrix: {}", args.confusion.display());
    Ok(())
}

fn measure(args: &Args) -> Result<Results> {
    let (set, folder) = find(args)?;
    let images = LabelledPixels::cifar(folder, set, Split::Test)?;
    let clip = args.model.load()?;
    let templates = dataset(registered(set)).map_or(&[][..], |dataset| dataset.templates().0);
    let classifier = clip.classifier(images.class_names(), templates)?;

    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} images, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(images.len() as u64).with_style(style);
    let start = Instant::now();
    let image = |index: usize| images.image(index);
    let done = |count: usize| bar.set_position(count as u64);
    let features = encode_images(&clip.model, &clip.transform, images.len(), image, done)?;
    // A GPU may still be at work.
    features.device().sync().map_err(|error| anyhow!("cannot encode the images: {error}"))?;
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();

    // Accuracy is a matter of ranks, which the logit scale leaves as they are.
    let predictions = classify(&classifier, features, images.labels(), 1.0);
    let source = Source { step: 0, dataset: set.name() };
    Ok(Results {
        set,
        model: args.model.model.clone(),
        released: released(&args.model.model)?,
        evaluations: accuracy(source, &predictions, images.class_names().len()),
        confusion: ConfusionMatrix::new(&predictions, images.class_names()),
        seconds,
    })
}

/// The set's name in the registry.
fn registered(set: CifarSet) -> &'static str {
    match set {
        CifarSet::Cifar10 => "cifar10",
        CifarSet::Cifar100 => "cifar100",
    }
}

/// Which set to measure on, and its folder.
fn find(args: &Args) -> Result<(CifarSet, PathBuf)> {
    let asked = args.dataset.map(|dataset| match dataset {
        Dataset::Cifar10 => CifarSet::Cifar10,
        Dataset::Cifar100 => CifarSet::Cifar100,
    });
    let Some(folder) = &args.data else {
        let set = asked.unwrap_or(CifarSet::Cifar10);
        return Ok((set, fetch(args, set)?));
    };
    let found = [CifarSet::Cifar10, CifarSet::Cifar100].into_iter().find(|set| set.is_in(folder));
    let set = match (asked, found) {
        (Some(asked), Some(found)) if !asked.is_in(folder) => bail!(
            "{} holds {}, not {}: leave --dataset out, or name another folder",
            folder.display(),
            found.name(),
            asked.name()
        ),
        // Opening a folder that holds neither says what is missing.
        (asked, found) => asked.or(found).unwrap_or(CifarSet::Cifar10),
    };
    Ok((set, folder.clone()))
}

#[cfg(feature = "hub")]
fn fetch(args: &Args, set: CifarSet) -> Result<PathBuf> {
    let template = "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(template)?);
    let progress = |done: u64, total: Option<u64>| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    };
    let folder = clip_data::download_cifar(set, cache(args)?, &args.mirror, progress);
    bar.finish_and_clear();
    folder.with_context(|| format!("cannot fetch {}; --data names a folder with it", set.name()))
}

#[cfg(not(feature = "hub"))]
fn fetch(args: &Args, set: CifarSet) -> Result<PathBuf> {
    let cache = cache(args)?;
    if !set.is_in(&cache) {
        let (name, archive) = (set.name(), set.archive());
        bail!(
            "{name} is not in {}, and this build cannot download (feature hub): unpack \
             {}/{archive} there, or into any folder and name it with --data",
            cache.display(),
            args.mirror
        );
    }
    Ok(cache)
}

/// The folder for downloads.
fn cache(args: &Args) -> Result<PathBuf> {
    if let Some(folder) = &args.cache {
        return Ok(folder.clone());
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || variable("HOME").or_else(|| variable("USERPROFILE"));
    let caches = match variable("XDG_CACHE_HOME") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => home().map(|home| Path::new(&home).join(".cache")),
    };
    let caches = caches.context("no HOME is set: name a folder for the download with --cache")?;
    Ok(caches.join("clip-rs/cifar"))
}

/// open_clip's name of the released model that `--weights` stands for, if it is one.
fn released(weights: &str) -> Result<Option<&'static str>> {
    let path = Path::new(weights);
    match path.exists() {
        true => released_archive(path).with_context(|| format!("cannot read {weights}")),
        false => Ok(released_id(weights)),
    }
}

impl Results {
    /// What open_clip measured for these weights, in percent.
    fn published(&self) -> Option<f64> {
        published(PublishedSource::ZeroShotOpenClip, registered(self.set), self.released?)
    }

    fn print(&self) {
        let n = self.evaluations.first().map_or(0, |evaluation| evaluation.n);
        println!("{} (test split), {}", self.set.name(), self.model);
        for evaluation in &self.evaluations {
            match (evaluation.metric.as_str(), self.published(), self.released) {
                ("top1", Some(value), Some(name)) => {
                    println!("{evaluation}  published: {value:.2}% ({name}, by open_clip)");
                }
                _ => println!("{evaluation}"),
            }
        }
        let rate = n as f64 / self.seconds;
        println!("{n} images in {:.1} s: {rate:.1} images/s, preprocessing included", self.seconds);

        let mut classes = self.confusion.per_class();
        classes.sort_by(|a, b| b.top1.total_cmp(&a.top1));
        println!("\n{:<14} {:>6} {:>8}  {:<22}  commonest mistake", "class", "n", "top-1", "");
        for class in classes {
            println!("{class}");
        }
    }

    fn picture(&self) -> String {
        let top1 = self.evaluations.first();
        let title = top1.map_or(0.0, |top1| 100.0 * top1.value);
        let title = format!("{}: zero-shot top-1 {title:.2}%", self.set.name());
        self.confusion.to_svg(&title, &self.model)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "dataset": self.set.name(),
            "model": self.model,
            "evaluations": self.evaluations,
            "published_top1_percent": self.published(),
            "seconds": self.seconds,
            "per_class": self.confusion.per_class(),
            "confusion": self.confusion,
        })
    }
}

/// Writes beside the target, then renames: the target appears whole or not at all.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_added_extension(format!("{}.partial", std::process::id()));
    let written = File::create(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // Nothing to keep: what is there is incomplete.
        let _ = fs::remove_file(&partial);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
