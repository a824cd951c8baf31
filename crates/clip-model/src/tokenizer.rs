use std::io::Read;

use burn::tensor::{Device, Int, Tensor, TensorData};
use flate2::read::GzDecoder;
use tokenizers::SplitDelimiterBehavior;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use crate::TextConfig;

/// Size of CLIP's whole vocabulary: 256 bytes, the same 256 at the end of a word, 48,894 merges,
/// start and end of text.
pub const VOCAB_SIZE: usize = 49_408;

/// Byte tokens, inside and at the end of a word, and the two special tokens.
const WITHOUT_MERGES: usize = 2 * 256 + 2;

/// OpenAI's merges, most frequent first.
const MERGES: &[u8] = include_bytes!("../assets/bpe_simple_vocab_16e6.txt.gz");

/// What separates words before the merges (OpenAI's `SimpleTokenizer`).
const WORDS: &str = r"(?i)<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// Why a tokenizer could not be built.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The vocabulary size is impossible.
    #[error(
        "vocab_size {0} is outside {WITHOUT_MERGES}..={VOCAB_SIZE}, what CLIP's vocabulary can give"
    )]
    VocabSize(usize),
    /// A text needs at least a start, a token and an end.
    #[error("context_length {0} is below 3: a text needs a start, a token and an end")]
    ContextLength(usize),
    /// The shipped vocabulary could not be used.
    #[error("the embedded vocabulary is damaged: {0}")]
    Vocabulary(String),
}

/// CLIP's byte-pair tokenizer.
///
/// A `vocab_size` below [`VOCAB_SIZE`] keeps the most frequent merges alone: the same tokenizer
/// with rarer words in more pieces, for models whose embedding table must be small.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    model: tokenizers::Tokenizer,
    context_length: usize,
    vocab_size: usize,
}

impl Tokenizer {
    /// The tokenizer that a text tower expects.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn for_text(config: &TextConfig) -> Result<Self, TokenizerError> {
        Self::new(config.context_length, config.vocab_size)
    }

    /// A tokenizer of `vocab_size` ids that gives texts of `context_length` ids.
    ///
    /// # Errors
    ///
    /// When either size is impossible.
    pub fn new(context_length: usize, vocab_size: usize) -> Result<Self, TokenizerError> {
        if !(WITHOUT_MERGES..=VOCAB_SIZE).contains(&vocab_size) {
            return Err(TokenizerError::VocabSize(vocab_size));
        }
        if context_length < 3 {
            return Err(TokenizerError::ContextLength(context_length));
        }
        let damaged = |error: &dyn std::fmt::Display| TokenizerError::Vocabulary(error.to_string());
        let model = byte_pair_model(vocab_size).map_err(|error| damaged(&error))?;
        let mut model = tokenizers::Tokenizer::new(model);
        let words = Split::new(
            SplitPattern::Regex(WORDS.into()),
            SplitDelimiterBehavior::Removed,
            true, // what matches is a word; what does not is a delimiter
        );
        let words = words.map_err(|error| damaged(&error))?;
        let bytes = ByteLevel::new(false, false, false);
        model.with_pre_tokenizer(Some(Sequence::new(vec![words.into(), bytes.into()])));
        Ok(Self { model, context_length, vocab_size })
    }

    /// Number of ids in each encoded text.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Id of the start of a text.
    pub fn start(&self) -> i32 {
        self.vocab_size as i32 - 2
    }

    /// Id of the end of a text, the largest.
    pub fn end(&self) -> i32 {
        self.vocab_size as i32 - 1
    }

    /// Start, tokens, end, then zeros up to the context length; a text that is too long loses its
    /// last tokens, never its end.
    pub fn encode(&self, text: &str) -> Vec<i32> {
        // Byte-level pairs cover every string, so encoding cannot fail.
        let encoding = self.model.encode_fast(clean(text), false).ok();
        let tokens = encoding.as_ref().map_or(&[][..], |encoding| encoding.get_ids());
        let mut ids = Vec::with_capacity(self.context_length);
        ids.push(self.start());
        ids.extend(tokens.iter().take(self.context_length - 2).map(|id| *id as i32));
        ids.push(self.end());
        ids.resize(self.context_length, 0);
        ids
    }

    /// Encoded texts, `[texts, context]`.
    pub fn encode_to_tensor(&self, texts: &[impl AsRef<str>], device: &Device) -> Tensor<2, Int> {
        let ids: Vec<i32> = texts.iter().flat_map(|text| self.encode(text.as_ref())).collect();
        Tensor::from_data(TensorData::new(ids, [texts.len(), self.context_length]), device)
    }
}

/// Lower case, without blanks at the ends or in a row.
fn clean(text: &str) -> String {
    // Not word by word: the Greek final sigma depends on what follows.
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The pairs of bytes and merges, in OpenAI's order of ids.
fn byte_pair_model(vocab_size: usize) -> Result<BPE, Box<dyn std::error::Error + Send + Sync>> {
    let mut text = String::new();
    GzDecoder::new(MERGES).read_to_string(&mut text)?;
    let merges: Vec<(String, String)> = text
        .lines()
        .skip(1) // the file's version line
        .take(vocab_size - WITHOUT_MERGES)
        .filter_map(|line| line.split_once(' '))
        .map(|(left, right)| (left.into(), right.into()))
        .collect();
    let bytes = byte_characters();
    let inside = bytes.iter().map(char::to_string);
    let at_end = bytes.iter().map(|byte| format!("{byte}</w>"));
    let merged = merges.iter().map(|(left, right)| format!("{left}{right}"));
    let special = ["<|startoftext|>", "<|endoftext|>"].map(String::from);
    let tokens = inside.chain(at_end).chain(merged).chain(special);
    let vocabulary: Vocab = tokens.enumerate().map(|(id, token)| (token, id as u32)).collect();
    BPE::builder().vocab_and_merges(vocabulary, merges).end_of_word_suffix("</w>".into()).build()
}

/// The character that stands for each byte, in the order of OpenAI's `bytes_to_unicode`: those
/// that print stand for themselves and come first.
fn byte_characters() -> Vec<char> {
    let prints = |byte: &u32| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let printing = (0u32..256).filter(prints);
    let others = (0u32..256).filter(|byte| !prints(byte)).count() as u32;
    printing.chain(256..256 + others).filter_map(char::from_u32).collect()
}
