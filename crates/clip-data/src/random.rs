//! Random numbers that depend on where they are used, not on when.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for: uses with the same place must not share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Stream {
    /// The order of the shards, or of pairs without shards, in a pass.
    ShardOrder = 1,
    /// The order within a window.
    Shuffle = 2,
    /// Background, crop.
    Augment = 3,
    /// The choice of a caption.
    Caption = 4,
    /// The shards of a resampled epoch.
    Resample = 5,
}

/// The random numbers of one sample: a function of the arguments alone, on every platform.
pub fn sample_rng(seed: u64, epoch: u64, index: u64, stream: Stream) -> ChaCha8Rng {
    let mut state = 0;
    for word in [seed, epoch, index, stream as u64] {
        state = split_mix(state ^ word);
    }
    let mut key = [0; 32];
    for bytes in key.chunks_exact_mut(8) {
        state = split_mix(state);
        bytes.copy_from_slice(&state.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// One step of SplitMix64 (Steele et al. 2014): a bijection that spreads every bit.
fn split_mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::RngCore;

    use super::*;

    #[test]
    fn every_argument_changes_the_numbers() {
        let mut seen = HashSet::new();
        for [seed, epoch, index] in [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]] {
            for stream in [Stream::Augment, Stream::Caption] {
                assert!(seen.insert(sample_rng(seed, epoch, index, stream).next_u64()));
            }
        }
    }

    #[test]
    fn the_numbers_are_the_same_in_every_build() {
        // Another number here would mean that runs in progress can't be resumed exactly.
        let first = sample_rng(42, 3, 1_000, Stream::Augment).next_u64();
        assert_eq!(first, 11_009_908_277_165_492_648);
    }
}
