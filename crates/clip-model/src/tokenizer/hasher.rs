//! A fast hash of the small keys of a vocabulary, which nobody chooses to collide.

use std::hash::{BuildHasherDefault, Hasher};

/// For a map with such keys.
pub type Build = BuildHasherDefault<KeyHasher>;

/// Hashes a pair of ids, or a word.
#[derive(Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        // The table looks at the highest and the lowest bits.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, id: u32) {
        self.write_u64(u64::from(id));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = (self.0.rotate_left(26) ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, key: u128) {
        self.write_u64(key as u64);
        self.write_u64((key >> 64) as u64);
    }
}
