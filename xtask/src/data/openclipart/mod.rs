//! `cargo xtask data openclipart`: clip art in the public domain, from Debian's packages.

mod catalog;
mod keywords;
mod picture;
mod report;
mod select;
#[cfg(test)]
mod tests;
mod title;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clip_data::{IndexedShard, RawSample};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::deb::DebId;
use crate::data::output::{self, Spool};
use crate::data::picture::png;
use crate::data::progress::Progress;
use crate::data::stop::Stop;

use catalog::{DRAWINGS, PICTURES, SEED};
use picture::{Picture, Read, Reader, Split};
use report::{PackageRecord, Report};

/// What the command line says.
#[derive(Args)]
pub struct OpenclipartArgs {
    /// Folder the shards, README.md and report.json are written to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder with packages already downloaded by `apt-get download`; nothing is fetched then.
    #[arg(long, value_name = "DIR", value_parser = crate::data::existing_folder)]
    from: Option<PathBuf>,
    /// Longest side of the images in pixels.
    #[arg(long, value_name = "PX", default_value_t = 256, value_parser = clap::value_parser!(u32).range(8..=2048))]
    size: u32,
    /// Threads that decode; all cores if not given.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// Builds the corpus and writes it.
pub fn build(args: &OpenclipartArgs) -> Result<()> {
    build_until(args, &Stop::listen()?)
}

fn build_until(args: &OpenclipartArgs, stop: &Stop) -> Result<()> {
    output::check_folder(&args.out)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.map_or(0, NonZeroUsize::get))
        .build()
        .context("cannot start the decoding threads")?;
    let progress = Progress::new();
    progress.stage("reading keywords", 0);
    let fetched = tempfile::tempdir().context("cannot make a folder for the downloads")?;
    let folder = args.from.as_deref().unwrap_or(fetched.path());
    let find = |id: DebId| id.find(folder, args.from.is_none());
    let (package, drawings) = (find(PICTURES)?, find(DRAWINGS)?);
    let keywords = keywords::read(&drawings)?;
    progress.stage("reading pictures", keywords.len());
    let reader =
        Reader { side: args.size, pool: &pool, progress: &progress, stop, keywords: &keywords };
    let mut spool = Spool::new_in(&args.out)?;
    let Read { mut pictures, failures, unfiled } = reader.read(&package, &mut spool)?;
    let largest_picture = pictures.iter().map(|picture| picture.pixels).max().unwrap_or(0);
    progress.stage("comparing pictures", 0);
    let left_out = pool.install(|| select::select(&mut pictures));
    let report = Report {
        left_out,
        unfiled,
        failures,
        largest_picture,
        overlap: pool.install(|| select::overlap(&pictures)),
        packages: [&package, &drawings].map(PackageRecord::new).into(),
        ..Report::new(args.size, &pictures)
    };
    progress.stage("writing shards", pictures.len());
    let report = write(&args.out, report, &pictures, &mut spool, stop)?;
    progress.done();
    print!("{}", report.split_table());
    println!(
        "{} bytes in {} shards in {}",
        report.bytes(),
        report.shards.len(),
        args.out.display()
    );
    Ok(())
}

/// Writes the shards and, when all of them are there, the report.
fn write(
    folder: &Path,
    mut report: Report,
    pictures: &[Picture],
    spool: &mut Spool,
    stop: &Stop,
) -> Result<Report> {
    // Shards of an earlier corpus must not be taken for this one's if this run is stopped.
    let splits = [Split::Train, Split::Test];
    output::remove_corpus(folder, &splits.map(Split::name))?;
    let classes = select::classes(pictures);
    output::write_file(&folder.join("classnames.txt"), (classes.join("\n") + "\n").as_bytes())?;
    for split in splits {
        report.shards = pack(folder, split, pictures, &classes, (spool, stop))?;
    }
    output::write_file(&folder.join("README.md"), report.readme().as_bytes())?;
    let mut json = serde_json::to_vec_pretty(&report)?;
    json.push(b'\n');
    output::write_file(&folder.join("report.json"), &json)?;
    Ok(report)
}

fn pack(
    folder: &Path,
    split: Split,
    pictures: &[Picture],
    classes: &[String],
    (spool, stop): (&mut Spool, &Stop),
) -> Result<Vec<IndexedShard>> {
    let mut order: Vec<&Picture> =
        pictures.iter().filter(|picture| picture.split == split).collect();
    order.sort_by(|left, right| left.key.cmp(&right.key));
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let mut writer = output::split_writer(folder, split.name())?;
    for picture in order {
        stop.check()?;
        let image = spool.read(picture.image)?;
        let label = serde_json::to_vec(&picture.label)?;
        let class = classes.binary_search(&picture.label.class).unwrap_or_default().to_string();
        writer.write(&RawSample {
            key: picture.key.clone(),
            shard: "".into(),
            members: vec![
                (png::EXTENSION.into(), image),
                ("json".into(), label),
                ("cls".into(), class.into()),
            ],
        })?;
    }
    Ok(writer.finish()?.shards)
}
