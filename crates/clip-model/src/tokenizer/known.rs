//! Words that are one token, which most words of captions are: found without merging.

use std::collections::HashMap;

use super::hasher::Build;

/// The longest word that is looked up, in bytes: what fits beside a length into 16.
pub const LONGEST: usize = 15;

/// Words that merge into one token, to the token.
#[derive(Debug)]
pub struct KnownWords(HashMap<u128, u32, Build>);

impl KnownWords {
    /// None yet, with room for so many.
    pub fn with_capacity(words: usize) -> Self {
        Self(HashMap::with_capacity_and_hasher(words, Build::default()))
    }

    /// Adds a word, unless it is too long to be looked up.
    pub fn insert(&mut self, word: &[u8], id: u32) {
        if let Some(key) = key(word) {
            self.0.insert(key, id);
        }
    }

    /// The token that the word is, if it is known.
    pub fn get(&self, word: &[u8]) -> Option<u32> {
        self.0.get(&key(word)?).copied()
    }
}

/// The word's bytes with its length.
fn key(word: &[u8]) -> Option<u128> {
    let mut bytes = [0; LONGEST + 1];
    bytes[..LONGEST].get_mut(..word.len())?.copy_from_slice(word);
    bytes[LONGEST] = word.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_by_their_bytes_and_their_length() {
        let mut known = KnownWords::with_capacity(5);
        let words: [&[u8]; 5] = [b"", b"a", b"a\0", b"fifteen letters", b"sixteen letters!"];
        for (id, word) in words.into_iter().enumerate() {
            known.insert(word, id as u32);
        }
        let found = words.map(|word| known.get(word));
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(3), None]);
        assert_eq!((known.get(b"b"), known.get(&[b'a'; 100])), (None, None));
    }
}
