//! Which shard is read when.

use std::collections::HashMap;

use rand::Rng;
use rand::seq::SliceRandom;

use super::{LoaderConfig, LoaderError};
use crate::{Location, Stream, expand_sources, sample_rng};

/// The order of shards: a function of the seed, the epoch and the rank.
pub(super) struct ShardPlan {
    shards: Vec<Location>,
    /// Where each shard's share ends, of a total of 1; empty without replacement.
    shares: Vec<f64>,
    order: Order,
}

/// What the order of anything depends on.
#[derive(Clone, Copy)]
pub(super) struct Order {
    seed: u64,
    shuffled: bool,
    rank: u64,
    world_size: u64,
    /// Whether an epoch goes on after a pass over the data.
    endless: bool,
}

impl ShardPlan {
    pub(super) fn new(config: &LoaderConfig) -> Result<Self, LoaderError> {
        let sources = expand_sources(&config.data)?;
        let shares = if config.options.resampled {
            shares(&sources, &config.options.upsampling)?
        } else {
            vec![]
        };
        let shards: Vec<_> = sources.into_iter().flatten().collect();
        let order = Order::new(config);
        if !config.options.resampled && (shards.len() as u64) < order.world_size {
            return Err(LoaderError::config(format!(
                "{} shards cannot be split among {} ranks: make more shards, or set resampled",
                shards.len(),
                order.world_size
            )));
        }
        Ok(Self { shards, shares, order })
    }

    pub(super) fn shards(&self) -> &[Location] {
        &self.shards
    }

    /// The shards of an epoch, from the one with this number on.
    pub(super) fn epoch(&self, epoch: u64, from: u64) -> impl Iterator<Item = (u64, &Location)> {
        let mut numbers = self.order.numbers(epoch, self.shards.len() as u64);
        (from..).map_while(move |draw| {
            let number = match self.shares.is_empty() {
                true => numbers.get(draw)?,
                false => self.resample(epoch, draw),
            };
            Some((draw, &self.shards[number as usize]))
        })
    }

    fn resample(&self, epoch: u64, draw: u64) -> u64 {
        let place = self.order.place(draw);
        let share = sample_rng(self.order.seed, epoch, place, Stream::Resample).random::<f64>();
        let after = self.shares.partition_point(|end| *end <= share);
        after.min(self.shards.len() - 1) as u64
    }
}

/// The end of each shard's share. A source's factor counts for each of its shards, as in open_clip.
fn shares(sources: &[Vec<Location>], factors: &[f64]) -> Result<Vec<f64>, LoaderError> {
    if !factors.is_empty() && factors.len() != sources.len() {
        return Err(LoaderError::config(format!(
            "upsampling has {} factors for {} sources: give one for each",
            factors.len(),
            sources.len()
        )));
    }
    let factor = |source| factors.get(source).copied().unwrap_or(1.0);
    let weights = sources.iter().enumerate();
    let weights: Vec<f64> =
        weights.flat_map(|(number, shards)| vec![factor(number); shards.len()]).collect();
    let total: f64 = weights.iter().sum();
    let mut end = 0.0;
    Ok(weights
        .iter()
        .map(|weight| {
            end += weight / total;
            end
        })
        .collect())
}

impl Order {
    pub(super) fn new(config: &LoaderConfig) -> Self {
        Self {
            seed: config.seed,
            // Without a shuffle buffer, the user asked for the order of the data.
            shuffled: config.options.shuffle_buffer > 0,
            rank: config.rank as u64,
            world_size: config.world_size as u64,
            endless: config.options.samples_per_epoch.is_some(),
        }
    }

    /// The numbers below `count` that this rank takes in an epoch, in order.
    pub(super) fn numbers(&self, epoch: u64, count: u64) -> Numbers {
        Numbers { order: *self, epoch, count, passes: HashMap::new() }
    }

    /// What is this rank's `draw`-th turn is the `place`-th of all ranks.
    fn place(&self, draw: u64) -> u64 {
        draw * self.world_size + self.rank
    }
}

/// A permutation for each pass over the data in an epoch, the ranks taking turns.
pub(super) struct Numbers {
    order: Order,
    epoch: u64,
    count: u64,
    /// The pass in use.
    passes: HashMap<u64, Vec<u32>>,
}

impl Numbers {
    /// The `draw`-th number; `None` when the epoch is over.
    pub(super) fn get(&mut self, draw: u64) -> Option<u64> {
        let place = self.order.place(draw);
        let (pass, within) = (place / self.count, place % self.count);
        if pass > 0 && !self.order.endless {
            return None;
        }
        if !self.order.shuffled {
            return Some(within);
        }
        if !self.passes.contains_key(&pass) {
            let mut numbers: Vec<u32> = (0..self.count as u32).collect();
            let Order { seed, .. } = self.order;
            numbers.shuffle(&mut sample_rng(seed, self.epoch, pass, Stream::ShardOrder));
            self.passes = HashMap::from([(pass, numbers)]);
        }
        Some(u64::from(self.passes[&pass][within as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LoaderOptions;

    fn config(world_size: usize, rank: usize) -> LoaderConfig {
        let shards = ["https://a/{0..5}.tar::https://b/{0..1}.tar".to_owned()].to_vec();
        LoaderConfig { world_size, rank, ..LoaderConfig::new(shards, 1, 1) }
    }

    fn epoch(config: &LoaderConfig, epoch: u64, from: u64, count: usize) -> Vec<String> {
        let plan = ShardPlan::new(config).unwrap();
        plan.epoch(epoch, from).take(count).map(|(_, shard)| shard.to_string()).collect()
    }

    #[test]
    fn ranks_divide_each_epoch_s_permutation() {
        let whole = epoch(&config(1, 0), 3, 0, 100);
        assert_eq!(whole.len(), 8);
        assert_ne!(whole, epoch(&config(1, 0), 4, 0, 100));
        for rank in 0..3 {
            let part: Vec<_> = whole.iter().skip(rank).step_by(3).cloned().collect();
            assert_eq!(epoch(&config(3, rank), 3, 0, 100), part);
            assert_eq!(epoch(&config(3, rank), 3, 1, 100), part[1..]);
        }
        let error = ShardPlan::new(&config(9, 0)).err().unwrap().to_string();
        assert!(error.contains("8 shards cannot be split among 9 ranks"), "{error}");
    }

    #[test]
    fn an_epoch_of_a_given_length_takes_pass_after_pass() {
        let mut config = config(1, 0);
        config.options.samples_per_epoch = Some(1_000);
        let mut two = epoch(&config, 0, 0, 16);
        assert_eq!(two, [epoch(&config, 0, 0, 8), epoch(&config, 0, 8, 8)].concat());
        assert_ne!(two[..8], two[8..]);
        two.sort();
        two.dedup();
        assert_eq!(two.len(), 8);
    }

    #[test]
    fn resampled_shards_come_as_often_as_their_factors_say() {
        let options = LoaderOptions {
            resampled: true,
            upsampling: vec![1.0, 6.0],
            samples_per_epoch: Some(1),
            ..LoaderOptions::default()
        };
        let config = LoaderConfig { options, ..config(2, 1) };
        let drawn = epoch(&config, 0, 0, 3_000);
        assert_eq!(epoch(&config, 0, 1_000, 10), drawn[1_000..1_010]);
        let other = LoaderConfig { rank: 0, ..config };
        assert_ne!(epoch(&other, 0, 0, 3_000), drawn);
        for (shard, wanted) in [("https://a/3.tar", 1.0 / 18.0), ("https://b/0.tar", 6.0 / 18.0)] {
            let count = drawn.iter().filter(|drawn| *drawn == shard).count();
            assert!((count as f64 / 3_000.0 - wanted).abs() < 0.03, "{shard}: {count}");
        }
    }

    #[test]
    fn factors_belong_to_sources() {
        let mut config = config(1, 0);
        (config.options.resampled, config.options.upsampling) = (true, vec![1.0]);
        let error = ShardPlan::new(&config).err().unwrap().to_string();
        assert!(error.contains("1 factors for 2 sources"), "{error}");
    }
}
