//! The loader's promises, on shards made for the purpose.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::Cause;
use crate::testing::{Sample, huge_png, tar_bytes, write_shard};

mod resume;

const CONCEPTS: usize = 8;

fn tokenizer() -> Arc<Tokenizer> {
    static TOKENIZER: LazyLock<Arc<Tokenizer>> =
        LazyLock::new(|| Arc::new(Tokenizer::new(16, 49_408).unwrap()));
    TOKENIZER.clone()
}

/// Three shards, 41 usable drawings of eight concepts, two faults among them.
fn drawings() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut samples: Vec<_> = (0..43).map(|number| Sample::drawing(number, CONCEPTS)).collect();
    samples[5].image.truncate(50);
    samples[30].json = None;
    write_shard(&folder.path().join("0.tar"), &samples[..10]);
    write_shard(&folder.path().join("1.tar"), &samples[10..31]);
    write_shard(&folder.path().join("2.tar"), &samples[31..]);
    folder
}

fn config(folder: &Path) -> LoaderConfig {
    with(
        LoaderConfig {
            seed: 11,
            ..LoaderConfig::new(vec![folder.to_string_lossy().into_owned()], 6, 8)
        },
        |options| {
            options.threads = 2;
            options.shuffle_buffer = 12;
        },
    )
}

fn with(mut config: LoaderConfig, change: impl FnOnce(&mut LoaderOptions)) -> LoaderConfig {
    change(&mut config.options);
    config
}

fn batches(config: LoaderConfig, state: LoaderState, count: usize) -> Vec<ClipBatch> {
    let loader = PairLoader::resume(config, tokenizer(), state).unwrap();
    loader.take(count).map(Result::unwrap).collect()
}

/// What the loader says when it starts, or else in its stream.
fn failure(config: LoaderConfig) -> LoaderError {
    match PairLoader::new(config, tokenizer()) {
        Err(error) => error,
        Ok(loader) => loader.take(1_000).find_map(Result::err).unwrap(),
    }
}

#[test]
fn any_number_of_threads_yields_the_same_stream() {
    let folder = drawings();
    let expected = batches(config(folder.path()), LoaderState::default(), 20);
    assert!(expected.last().unwrap().epoch > 1, "the test spans epochs");
    for threads in [1, 2, 3, 8] {
        let config = with(config(folder.path()), |options| options.threads = threads);
        assert!(batches(config, LoaderState::default(), 20) == expected, "{threads} threads");
    }
    let other = LoaderConfig { seed: 12, ..config(folder.path()) };
    assert_ne!(batches(other, LoaderState::default(), 1)[0].keys, expected[0].keys);
}

#[test]
fn resuming_after_any_batch_equals_no_interruption() {
    let folder = drawings();
    let expected = batches(config(folder.path()), LoaderState::default(), 16);
    assert!(expected.iter().any(|batch| !batch.state.deferred.is_empty()));
    for (position, batch) in expected.iter().enumerate() {
        let threads = 1 + position % 4;
        let config = with(config(folder.path()), |options| options.threads = threads);
        let rest = batches(config, batch.state.clone(), 16 - position - 1);
        assert!(rest == expected[position + 1..], "after batch {position}");
    }
}

#[test]
fn batches_have_their_shapes_and_no_concept_twice() {
    let folder = drawings();
    let concept = |key: &String| key.parse::<usize>().unwrap() % CONCEPTS;
    for batch in batches(config(folder.path()), LoaderState::default(), 12) {
        assert_eq!(batch.images.len(), 6 * 8 * 8 * 3);
        assert_eq!(batch.tokens.len(), 6 * 16);
        assert_eq!((batch.batch, batch.size), (6, 8));
        let concepts: HashSet<_> = batch.keys.iter().map(concept).collect();
        assert_eq!(concepts.len(), 6, "{:?}", batch.keys);
    }
    let free = with(config(folder.path()), |options| options.unique_concepts = false);
    let batches = batches(free, LoaderState::default(), 6);
    let repeats =
        |batch: &ClipBatch| batch.keys.iter().map(concept).collect::<HashSet<_>>().len() < 6;
    assert!(batches.iter().any(repeats));
}

#[test]
fn an_epoch_uses_no_sample_twice_and_the_next_has_another_order() {
    let folder = drawings();
    let config = with(config(folder.path()), |options| options.unique_concepts = false);
    let batches = batches(config, LoaderState::default(), 12);
    let keys = |epoch| -> Vec<&String> {
        batches.iter().filter(|batch| batch.epoch == epoch).flat_map(|batch| &batch.keys).collect()
    };
    assert_eq!(keys(0).iter().collect::<HashSet<_>>().len(), 36, "six of 41 fill six batches");
    assert_eq!(keys(0).len(), 36);
    assert_ne!(keys(0), keys(1));
}

#[test]
fn without_a_shuffle_buffer_the_order_is_that_of_the_shards() {
    let folder = drawings();
    let config = with(config(folder.path()), |options| {
        options.shuffle_buffer = 0;
        options.unique_concepts = false;
    });
    let first = &batches(config, LoaderState::default(), 1)[0];
    assert_eq!(first.keys, ["0000", "0001", "0002", "0003", "0004", "0006"]);
}

#[test]
fn unusable_samples_are_passed_over_counted_and_named() {
    let folder = drawings();
    let huge = Sample { image: huge_png(), ..Sample::drawing(50, CONCEPTS) };
    write_shard(&folder.path().join("3.tar"), &[huge, Sample::drawing(51, CONCEPTS)]);
    let whole = fs::read(folder.path().join("2.tar")).unwrap();
    fs::write(folder.path().join("4.tar"), &whole[..700]).unwrap();
    let config = with(config(folder.path()), |options| options.max_bad_share = 0.2);
    let mut loader = PairLoader::new(config, tokenizer()).unwrap();
    while loader.next().unwrap().unwrap().epoch == 0 {}
    let stats = loader.stats();
    for cause in [Cause::Undecodable, Cause::NoCaption, Cause::TooManyPixels, Cause::BrokenShard] {
        assert!(stats.bad[&cause] >= 1, "{stats}");
    }
    let text = stats.to_string();
    for part in ["0.tar: sample `0005`", "sample `0030`: it has no caption", "4.tar", "100000 x"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn too_many_unusable_samples_end_the_stream_with_a_summary() {
    let folder = drawings();
    let config = with(config(folder.path()), |options| options.max_bad_share = 0.01);
    let message = failure(config).to_string();
    for part in ["2 of the first 43 samples of epoch 0", "raise max_bad_share", "no caption: 1"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    fs::write(folder.path().join("0.tar"), tar_bytes(&[])).unwrap();
    let only = vec![folder.path().join("0.tar").to_string_lossy().into_owned()];
    let message = failure(LoaderConfig { data: only, ..self::config(folder.path()) }).to_string();
    assert!(message.contains("0.tar") && message.contains("the archive is empty"), "{message}");
}

#[test]
fn a_batch_larger_than_the_data_is_explained() {
    let folder = drawings();
    let large = with(LoaderConfig { batch_size: 64, ..config(folder.path()) }, |options| {
        options.unique_concepts = false
    });
    let message = failure(large).to_string();
    assert!(message.contains("batch size 64 is larger than the data (41 usable samples)"));
    let message = failure(LoaderConfig { batch_size: 9, ..config(folder.path()) }).to_string();
    assert!(message.contains("(41 usable samples, 8 distinct concepts)"), "{message}");
    assert!(message.contains("turn unique_concepts off"), "{message}");
}

#[test]
fn a_missing_shard_is_named_at_the_start() {
    let folder = drawings();
    let data = vec![format!("{}/{{0..5}}.tar", folder.path().display())];
    let message = failure(LoaderConfig { data, ..config(folder.path()) }).to_string();
    assert!(message.contains("/3.tar`") && message.contains("check the path"), "{message}");
}

#[test]
fn a_shard_that_vanishes_ends_the_stream_by_name() {
    let folder = drawings();
    let mut loader = PairLoader::new(config(folder.path()), tokenizer()).unwrap();
    loader.next().unwrap().unwrap();
    fs::remove_file(folder.path().join("1.tar")).unwrap();
    let message = loader.by_ref().take(1_000).find_map(Result::err).unwrap().to_string();
    assert!(message.contains("1.tar") && message.contains("check that it exists"), "{message}");
    assert!(loader.next().is_none());
}

#[test]
fn impossible_settings_and_states_are_explained() {
    let folder = drawings();
    let none = LoaderConfig { batch_size: 0, ..config(folder.path()) };
    assert!(failure(none).to_string().contains("batch_size is 0"));
    let share = with(config(folder.path()), |options| options.max_bad_share = 2.0);
    assert!(failure(share).to_string().contains("max_bad_share is 2"));
    let state = LoaderState { next_index: 3, deferred: vec![4], ..LoaderState::default() };
    let error = PairLoader::resume(config(folder.path()), tokenizer(), state).err().unwrap();
    assert!(error.to_string().contains("the state to resume from is damaged"));
}

#[test]
fn dropping_a_loader_early_ends_its_threads() {
    let folder = drawings();
    let start = Instant::now();
    for taken in 0..10 {
        let config = with(config(folder.path()), |options| {
            options.prefetch = taken % 3;
            options.threads = 3;
        });
        let mut loader = PairLoader::new(config, tokenizer()).unwrap();
        for _ in 0..taken {
            loader.next().unwrap().unwrap();
        }
    }
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn one_common_concept_cannot_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let number = |position: usize| {
        if position.is_multiple_of(10) { position / 10 % 4 } else { 4 }
    };
    let samples: Vec<_> = (0..120)
        .map(|position| Sample {
            key: position.to_string(),
            ..Sample::drawing(number(position), 5)
        })
        .collect();
    write_shard(&folder.path().join("0.tar"), &samples);
    let config = LoaderConfig { batch_size: 4, ..config(folder.path()) };
    let mut loader = PairLoader::new(config.clone(), tokenizer()).unwrap();
    let batches: Vec<_> = loader.by_ref().take(9).map(Result::unwrap).collect();
    assert!(batches.iter().all(|batch| batch.state.deferred.len() <= 16));
    assert!(loader.stats().crowded_out > 0);
    assert!(self::batches(config, batches[1].state.clone(), 7) == batches[2..]);
}
