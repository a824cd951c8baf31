//! A buffer that hands out its samples in random order.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::RawSample;

/// Shuffles a stream within bounds of samples and bytes.
pub(super) struct ShuffleBuffer {
    samples: Vec<RawSample>,
    bytes: u64,
    max_samples: usize,
    max_bytes: u64,
    rng: ChaCha8Rng,
}

impl ShuffleBuffer {
    pub(super) fn new(max_samples: usize, max_bytes: u64, rng: ChaCha8Rng) -> Self {
        Self { samples: Vec::new(), bytes: 0, max_samples, max_bytes, rng }
    }

    pub(super) fn push(&mut self, sample: RawSample) {
        self.bytes += sample.size();
        self.samples.push(sample);
    }

    /// A random sample, when there are more than the bounds allow.
    pub(super) fn pop_excess(&mut self) -> Option<RawSample> {
        let excess = self.samples.len() > self.max_samples || self.bytes > self.max_bytes;
        if excess { self.pop() } else { None }
    }

    /// A random sample, while there are any.
    pub(super) fn pop(&mut self) -> Option<RawSample> {
        if self.samples.is_empty() {
            return None;
        }
        let sample = self.samples.swap_remove(self.rng.random_range(0..self.samples.len()));
        self.bytes -= sample.size();
        Some(sample)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Stream, sample_rng};

    fn shuffled(max_samples: usize, max_bytes: u64) -> Vec<String> {
        let rng = sample_rng(3, 0, 0, Stream::Shuffle);
        let mut buffer = ShuffleBuffer::new(max_samples, max_bytes, rng);
        let mut keys = Vec::new();
        for number in 0..50 {
            buffer.push(RawSample {
                key: number.to_string(),
                shard: "a.tar".into(),
                members: vec![("txt".into(), vec![0; 10])],
            });
            keys.extend(std::iter::from_fn(|| buffer.pop_excess()).map(|sample| sample.key));
            assert!(buffer.samples.len() <= max_samples && buffer.bytes <= max_bytes);
        }
        keys.extend(std::iter::from_fn(|| buffer.pop()).map(|sample| sample.key));
        keys
    }

    #[test]
    fn every_sample_comes_out_once_in_another_order() {
        let in_order: Vec<_> = (0..50).map(|number: i32| number.to_string()).collect();
        for (samples, bytes) in [(20, 1_000), (1_000, 95)] {
            let mut keys = shuffled(samples, bytes);
            assert_ne!(keys, in_order);
            keys.sort_by_key(|key| key.parse::<i32>().unwrap());
            assert_eq!(keys, in_order);
        }
        assert_eq!(shuffled(0, 1_000), in_order);
    }
}
