use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use image::DynamicImage;

use super::*;
use crate::testing::{Sample, huge_png, picture, png, tar_bytes, write_shard};
use crate::{Cause, PairOptions};

fn read(corpus: &Corpus, config: &StatisticsConfig, threads: usize) -> Statistics {
    let watch = |_| std::ops::ControlFlow::Continue(());
    let threads = threads.try_into().unwrap();
    gather(corpus.parts(), |part| corpus.part(part), config, threads, watch).unwrap()
}

fn open(folder: &Path) -> Corpus {
    Corpus::open(&[folder.to_string_lossy().into_owned()], &PairOptions::default()).unwrap()
}

/// Four shards of 10, 20, 30 and 40 drawings of seven things.
fn drawings(folder: &Path) {
    for shard in 1..=4 {
        let numbers = (0..shard * 10).map(|number| shard * 100 + number);
        let samples: Vec<_> = numbers.map(|number| Sample::drawing(number, 7)).collect();
        write_shard(&folder.join(format!("{shard}.tar")), &samples);
    }
}

fn entries(ranking: &Ranking) -> Vec<(&str, u64)> {
    ranking.entries.iter().map(|(text, count)| (text.as_str(), *count)).collect()
}

#[test]
fn known_shards_have_known_numbers() {
    let folder = tempfile::tempdir().unwrap();
    drawings(folder.path());
    let found = read(&open(folder.path()), &StatisticsConfig::default(), 2);
    assert_eq!((found.samples, found.usable, found.faults.len()), (100, 100, 0));
    assert_eq!((found.parts.samples.ends(), found.parts.samples.count()), (Some((10, 40)), 4));
    assert_eq!(u128::from(found.bytes), found.parts.bytes.sum());
    assert_eq!(entries(&found.members), [("json", 100), ("png", 100)]);
    assert_eq!(entries(&found.images.formats), [("png", 100)]);
    assert_eq!(found.images.widths.ends(), Some((9, 12)));
    assert_eq!((found.images.grey, found.images.with_alpha), (0, 0));
    assert_eq!((found.captions.distinct.distinct, found.captions.ascii), (7, 100));
    assert_eq!(entries(&found.captions.frequent_words)[0], ("thing", 100));
    assert_eq!(entries(&found.captions.scripts), [("Latin", 100)]);
    assert_eq!(found.captions.keywords.ends(), Some((3, 3)));
    assert_eq!(entries(&found.captions.frequent_keywords)[..2], [("red", 100), ("round", 100)]);
    assert_eq!((found.concepts.distinct.distinct, found.concepts.distinct.seen), (7, 100));
    assert_eq!(found.picks.len(), 64);
    assert!(serde_json::to_string(&found).unwrap().contains(r#""median":2"#));
}

#[test]
fn threads_and_tight_limits_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drawings(folder.path());
    fs::write(folder.path().join("3b.tar"), "no tar").unwrap();
    let corpus = open(folder.path());
    let tight = StatisticsConfig { picks: 9, max_distinct: 8, max_ranked: 4, ..Default::default() };
    for config in [StatisticsConfig::default(), tight] {
        let one = read(&corpus, &config, 1);
        assert_eq!(one.faults[0].cause, Cause::BrokenShard);
        for threads in [2, 4, 9] {
            assert_eq!(read(&corpus, &config, threads), one, "{threads} threads");
        }
    }
}

#[test]
fn what_cannot_be_used_is_counted_by_cause_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (good, huge) = (png(&picture(0)), huge_png());
    let hostile = format!("<script>\u{202e}\u{0}{}", "x".repeat(10_000));
    let members: [(&str, &[u8]); 11] = [
        ("a.png", &good),
        ("a.txt", hostile.as_bytes()),
        ("b.png", &huge),
        ("b.txt", b"huge"),
        ("c.png", b"no image"),
        ("c.txt", b"broken"),
        ("d.txt", b"alone"),
        ("e.png", &good),
        ("e.txt", b" \n"),
        ("f.png", &good),
        ("g.json", b"{"),
    ];
    fs::write(folder.path().join("0.tar"), tar_bytes(&members)).unwrap();
    fs::write(folder.path().join("1.tar"), "no tar").unwrap();
    let found = read(&open(folder.path()), &StatisticsConfig::default(), 1);
    assert_eq!((found.samples, found.usable), (7, 1));
    let counts = |cause| found.faults.iter().find(|fault| fault.cause == cause).unwrap();
    let causes =
        [Cause::TooManyPixels, Cause::Undecodable, Cause::NoImage, Cause::NoCaption].map(counts);
    assert_eq!(causes.map(|fault| fault.count), [1, 1, 2, 3]);
    assert!(causes[0].first[0].contains("0.tar: sample `b`: 100000 x 100000"));
    assert_eq!(counts(Cause::BrokenShard).count, 1);
    assert_eq!((found.captions.blank, found.captions.missing), (1, 2));
    assert_eq!(found.captions.characters.ends().unwrap().1, 10_010);
    assert_eq!((found.images.distinct.distinct, found.images.distinct.repeats()), (1, 2));
    assert_eq!(found.picks.len(), 3, "those with a readable image");
}

#[test]
fn a_folder_of_images_is_a_corpus() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cats")).unwrap();
    fs::write(folder.path().join("cats/1.PNG"), png(&DynamicImage::new_rgba8(8, 4))).unwrap();
    fs::write(folder.path().join("cats/1.txt"), "A cat.").unwrap();
    fs::write(folder.path().join("2.png"), png(&picture(2))).unwrap();
    fs::write(folder.path().join("notes.md"), "no image").unwrap();
    let found = read(&open(folder.path()), &StatisticsConfig::default(), 4);
    assert_eq!((found.samples, found.usable, found.images.with_alpha), (2, 1, 1));
    assert_eq!(found.images.aspect_ratios.ends(), Some((1100, 2000)));
    let mut keys: Vec<_> = found.picks.iter().map(|pick| pick.key.as_str()).collect();
    keys.sort();
    assert_eq!(keys, ["2", "cats/1"]);
}

#[test]
fn a_folder_of_nothing_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().to_string_lossy().into_owned();
    let message = Corpus::open(std::slice::from_ref(&spec), &PairOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains(&spec) && message.contains("neither shards nor images"), "{message}");
}

#[test]
fn gathering_stops_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    drawings(folder.path());
    let corpus = open(folder.path());
    let seen = AtomicU64::new(0);
    let watch = |_| match seen.fetch_add(1, Ordering::Relaxed) {
        0..15 => std::ops::ControlFlow::Continue(()),
        _ => std::ops::ControlFlow::Break(()),
    };
    let config = StatisticsConfig::default();
    let threads = 2.try_into().unwrap();
    let stopped = gather(corpus.parts(), |part| corpus.part(part), &config, threads, watch);
    assert_eq!(stopped, None);
    assert!(seen.into_inner() < 30, "every thread stopped soon");
}

#[test]
fn rows_of_a_table_are_samples() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.png"), png(&picture(0))).unwrap();
    let rows = "filepath,title\na.png,A cat asleep.\nb.png,Nobody.\n";
    let table = folder.path().join("table.csv");
    fs::write(&table, rows).unwrap();
    let spec = [table.to_string_lossy().into_owned()];
    let corpus = Corpus::open(&spec, &PairOptions::default()).unwrap();
    let samples: Vec<_> = corpus.part(0).collect();
    assert_eq!((corpus.parts(), samples.len()), (1, 2));
    let sample = samples[0].as_ref().unwrap();
    assert_eq!(sample.member("txt"), Some(b"A cat asleep.".as_slice()));
    assert!(sample.member("png").is_some());
    assert_eq!(samples[1].as_ref().unwrap_err().cause, Cause::NoImage);
}
