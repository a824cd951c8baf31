//! CLIP's vocabulary: bytes, the same at the end of a word, merges, and two special tokens.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;

use super::hasher::Build;
use super::known::KnownWords;
use super::words::{END, START, words};
use super::{TokenizerError, merging};
use crate::VOCAB_SIZE;

/// OpenAI's merges, most frequent first.
const MERGES: &[u8] = include_bytes!("../../assets/bpe_simple_vocab_16e6.txt.gz");

/// Ids below this are bytes inside a word; as many after it are bytes at its end.
const BYTES: u32 = 256;

/// Byte tokens, inside and at the end of a word, and the two special tokens.
pub const WITHOUT_MERGES: usize = 2 * BYTES as usize + 2;

/// Ids of two tokens that follow one another, to the id of what they merge into. Merges are
/// numbered in their order, so the lowest id merges first.
pub type Merges = HashMap<(u32, u32), u32, Build>;

/// The vocabulary and how words are cut into its tokens.
#[derive(Debug)]
pub struct Vocabulary {
    /// Id of each byte.
    bytes: [u32; 256],
    merges: Merges,
    /// The two halves of each merge, in the order of ids.
    halves: Vec<(u32, u32)>,
    known: KnownWords,
}

impl Vocabulary {
    /// The vocabulary's most frequent part, of that many ids.
    ///
    /// # Errors
    ///
    /// When the size is impossible, or the shipped merges damaged.
    pub fn new(size: usize) -> Result<Self, TokenizerError> {
        if !(WITHOUT_MERGES..=VOCAB_SIZE).contains(&size) {
            return Err(TokenizerError::VocabSize(size));
        }
        let damaged = |reason: String| TokenizerError::Vocabulary(reason);
        let characters = byte_characters();
        let mut ids: HashMap<String, u32> = HashMap::with_capacity(size);
        for (id, (_, character)) in (0_u32..).zip(&characters) {
            ids.insert(character.to_string(), id);
            ids.insert(format!("{character}</w>"), id + BYTES);
        }
        let count = size - WITHOUT_MERGES;
        let mut halves = Vec::with_capacity(count);
        let lines = BufReader::new(GzDecoder::new(MERGES)).lines();
        // The first line is the file's version.
        for (line, id) in lines.skip(1).take(count).zip(2 * BYTES..) {
            let line = line.map_err(|error| damaged(error.to_string()))?;
            let pair = line
                .split_once(' ')
                .and_then(|(left, right)| Some((*ids.get(left)?, *ids.get(right)?)));
            halves.push(pair.ok_or_else(|| damaged(format!("merge {line:?}")))?);
            ids.insert(line.replacen(' ', "", 1), id);
        }
        if halves.len() < count {
            return Err(damaged(format!("it ends after {} merges", halves.len())));
        }
        let mut bytes = [0; 256];
        for (id, (byte, _)) in (0_u32..).zip(&characters) {
            bytes[usize::from(*byte)] = id;
        }
        let merges = halves.iter().copied().zip(2 * BYTES..).collect();
        let known = known_words(&bytes, &halves);
        Ok(Self { bytes, merges, halves, known })
    }

    /// Id of the start of a text; the end's is one more.
    pub fn start(&self) -> u32 {
        2 * BYTES + self.halves.len() as u32
    }

    /// What merges.
    #[cfg(test)]
    pub fn merges(&self) -> &Merges {
        &self.merges
    }

    /// Ids of a clean text, at most that many.
    pub fn encode(&self, text: &str, most: usize) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len().min(most));
        for word in words(text) {
            if ids.len() >= most {
                break;
            }
            match word {
                START => ids.push(self.start()),
                END => ids.push(self.start() + 1),
                _ => self.encode_word(word, &mut ids),
            }
        }
        ids.truncate(most);
        ids
    }

    fn encode_word(&self, word: &str, ids: &mut Vec<u32>) {
        match self.known.get(word.as_bytes()) {
            Some(id) => ids.push(id),
            None => self.merge_word(word, ids),
        }
    }

    fn merge_word(&self, word: &str, ids: &mut Vec<u32>) {
        let from = ids.len();
        ids.extend(word.bytes().map(|byte| self.bytes[usize::from(byte)]));
        if let Some(last) = ids.last_mut() {
            *last += BYTES;
        }
        merging::merge(&self.merges, ids, from);
    }

    /// The text of the ids, a blank after each word; ids outside the vocabulary are left out.
    pub fn decode(&self, ids: &[i32]) -> String {
        let mut bytes = Vec::new();
        for id in ids.iter().filter_map(|id| u32::try_from(*id).ok()) {
            self.decode_token(id, &mut bytes);
        }
        // As OpenAI's: also where the text itself spells the mark out.
        String::from_utf8_lossy(&bytes).replace("</w>", " ")
    }

    fn decode_token(&self, id: u32, out: &mut Vec<u8>) {
        let byte_of = |id: u32| (0..=255_u8).find(|byte| self.bytes[usize::from(*byte)] == id);
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if id < BYTES {
                out.extend(byte_of(id));
            } else if id < 2 * BYTES {
                out.extend(byte_of(id - BYTES));
                out.extend(b"</w>");
            } else if let Some((left, right)) = self.halves.get((id - 2 * BYTES) as usize) {
                pending.extend([*right, *left]);
            } else if id == self.start() {
                out.extend(START.as_bytes());
            } else if id == self.start() + 1 {
                out.extend(END.as_bytes());
            }
        }
    }
}

/// The words that are tokens: those at whose end the last byte of a token stands. Merging leads to
/// each of them, which a test makes sure of.
fn known_words(bytes: &[u32; 256], halves: &[(u32, u32)]) -> KnownWords {
    let mut tokens: Vec<(Vec<u8>, bool)> = vec![(Vec::new(), false); 2 * BYTES as usize];
    for (byte, id) in (0..=255_u8).zip(bytes) {
        tokens[*id as usize] = (vec![byte], false);
        tokens[(*id + BYTES) as usize] = (vec![byte], true);
    }
    for (left, right) in halves {
        let (left, (right, ends)) = (&tokens[*left as usize].0, &tokens[*right as usize]);
        tokens.push(([&left[..], right].concat(), *ends));
    }
    let mut known = KnownWords::with_capacity(halves.len());
    for (id, (word, ends)) in (0..).zip(&tokens) {
        if *ends {
            known.insert(word, id);
        }
    }
    known
}

/// Each byte with the character that stands for it in the merges, in the order of ids: OpenAI's
/// `bytes_to_unicode`, where bytes that print stand for themselves and come first.
fn byte_characters() -> Vec<(u8, char)> {
    let prints = |byte: &u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let printing = (0..=255_u8).filter(prints).map(|byte| (byte, char::from(byte)));
    let others = (0..=255_u8).filter(|byte| !prints(byte));
    printing.chain(others.zip('\u{100}'..)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::known::LONGEST;
    use super::super::merging::tests::merged_plainly;
    use super::*;

    /// With no later merge on the way, words are known in every smaller vocabulary too.
    #[test]
    fn merging_leads_to_every_known_word_by_earlier_merges_alone() {
        let vocabulary = Vocabulary::new(VOCAB_SIZE).unwrap();
        let mut ends = 0;
        for id in BYTES..vocabulary.start() {
            let mut word = Vec::new();
            vocabulary.decode_token(id, &mut word);
            let Some(word) = word.strip_suffix(b"</w>") else { continue };
            let mut ids: Vec<u32> =
                word.iter().map(|byte| vocabulary.bytes[usize::from(*byte)]).collect();
            *ids.last_mut().unwrap() += BYTES;
            let (ids, latest) = merged_plainly(&vocabulary.merges, ids);
            assert_eq!((ids, latest.unwrap_or(id)), (vec![id], id), "{word:?}");
            let known = (word.len() <= LONGEST).then_some(id);
            assert_eq!(vocabulary.known.get(word), known, "{word:?}");
            ends += 1;
        }
        assert!(ends > 30_000, "{ends}");
    }
}
