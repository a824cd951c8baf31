//! Going on at any point, on any kind of stream.

use std::fs;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Two folders with shards of drawings, as two sources.
fn two_sources() -> (TempDir, LoaderConfig) {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for (source, shards) in [("a", 4), ("b", 3)] {
        let path = folder.path().join(source);
        fs::create_dir(&path).unwrap();
        for shard in 0..shards {
            let numbers = shard * 17..(shard + 1) * 17;
            let mut samples: Vec<_> =
                numbers.map(|number| Sample::drawing(number, CONCEPTS)).collect();
            samples[shard].image.truncate(40);
            samples.iter_mut().for_each(|sample| sample.key.insert_str(0, source));
            write_shard(&path.join(format!("{shard}.tar")), &samples);
        }
        sources.push(path.to_string_lossy().into_owned());
    }
    let data = vec![sources.join("::")];
    let config =
        with(LoaderConfig { data, ..config(folder.path()) }, |options| options.max_bad_share = 0.5);
    (folder, config)
}

fn resampled(config: &LoaderConfig) -> LoaderConfig {
    with(config.clone(), |options| {
        options.resampled = true;
        options.upsampling = vec![1.0, 3.0];
        options.samples_per_epoch = Some(110);
    })
}

#[test]
fn a_hundred_random_points_of_each_kind_of_stream() {
    let (_folder, plain) = two_sources();
    let no_concepts = with(plain.clone(), |options| options.unique_concepts = false);
    let one_rank = LoaderConfig { rank: 1, world_size: 2, ..no_concepts.clone() };
    let long_epochs = with(no_concepts.clone(), |options| options.samples_per_epoch = Some(301));
    let in_order = with(plain.clone(), |options| options.shuffle_buffer = 0);
    let with_replacement = resampled(&plain);
    let mut points = ChaCha8Rng::seed_from_u64(5);
    for config in [plain, no_concepts, one_rank, long_epochs, in_order, with_replacement] {
        let expected = batches(config.clone(), LoaderState::default(), 90);
        assert!(expected.last().unwrap().epoch > 0);
        for _ in 0..100 {
            let point = points.random_range(0..expected.len() - 3);
            let threads = points.random_range(1..5);
            let config = with(config.clone(), |options| options.threads = threads);
            let rest = batches(config, expected[point].state.clone(), 3);
            assert!(rest == expected[point + 1..point + 4], "after batch {point}");
        }
    }
}

#[test]
fn what_lies_before_the_window_is_not_read_again() {
    let (_folder, config) = two_sources();
    let config = with(config, |options| {
        options.unique_concepts = false;
        options.shuffle_buffer = 16;
    });
    let epoch: Vec<_> = batches(config.clone(), LoaderState::default(), 18);
    assert_eq!(epoch.last().unwrap().epoch, 0);
    let state = epoch[14].state.clone();
    let again = state.next_index - state.window.index;
    assert!(again <= 8, "{again} samples are read again");
    assert!(state.window.offset > 0, "the window begins within a shard");
    let plan = ShardPlan::new(&config).unwrap();
    for (draw, shard) in plan.epoch(0, 0) {
        let path = shard.file().unwrap();
        let mut bytes = fs::read(path).unwrap();
        let before = match draw.cmp(&state.window.draw) {
            std::cmp::Ordering::Less => bytes.len(),
            std::cmp::Ordering::Equal => state.window.offset as usize,
            std::cmp::Ordering::Greater => 0,
        };
        bytes[..before].fill(7);
        fs::write(path, bytes).unwrap();
    }
    assert!(batches(config, state, 3) == epoch[15..18]);
}

#[test]
fn a_state_holds_a_few_integers() {
    let (_folder, config) = two_sources();
    for batch in batches(config, LoaderState::default(), 30) {
        let text = serde_json::to_string(&batch.state).unwrap();
        assert!(batch.state.deferred.len() <= 4 * 6 && text.len() < 300, "{text}");
        assert_eq!(serde_json::from_str::<LoaderState>(&text).unwrap(), batch.state);
    }
}

#[test]
fn ranks_share_no_sample_of_a_pass() {
    let (_folder, config) = two_sources();
    let config =
        with(LoaderConfig { batch_size: 1, ..config }, |options| options.unique_concepts = false);
    let keys = |rank, world_size| -> HashSet<String> {
        let config = LoaderConfig { rank, world_size, ..config.clone() };
        let loader = PairLoader::new(config, tokenizer()).unwrap().map(Result::unwrap);
        let pass = loader.take_while(|batch| batch.epoch == 0);
        pass.flat_map(|batch| batch.keys).collect()
    };
    let (first, second, whole) = (keys(0, 2), keys(1, 2), keys(0, 1));
    assert_eq!(whole.len(), 7 * 16);
    assert!(first.is_disjoint(&second));
    assert_eq!(first.union(&second).count(), whole.len());
}

#[test]
fn a_resampled_epoch_has_its_length_and_favours_what_is_upsampled() {
    let (_folder, config) = two_sources();
    let config = with(LoaderConfig { batch_size: 5, ..resampled(&config) }, |options| {
        options.unique_concepts = false
    });
    let all = batches(config, LoaderState::default(), 90);
    let in_first = all.iter().filter(|batch| batch.epoch == 0).count();
    // One of 17 samples is bad.
    assert!((19..=22).contains(&in_first), "{in_first}");
    let keys: Vec<_> = all.iter().flat_map(|batch| &batch.keys).collect();
    let from_b = keys.iter().filter(|key| key.starts_with('b')).count() as f64;
    let share = from_b / keys.len() as f64;
    assert!((share - 9.0 / 13.0).abs() < 0.15, "{share}");
}
