use std::path::PathBuf;

use super::vocabulary::WITHOUT_MERGES;
use crate::VOCAB_SIZE;

/// Why a tokenizer could not be built, or not encode a text.
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
    /// The text tower has another tokenizer than CLIP's.
    #[error(
        "the text tower has the tokenizer {0}, not CLIP's: open its tokenizer.json with \
         Tokenizer::from_file"
    )]
    Other(String),
    /// The shipped vocabulary could not be used.
    #[error("the embedded vocabulary is damaged: {0}")]
    Vocabulary(String),
    /// The text has more tokens than the context holds, and may not be cut.
    #[error("the text {text:?} has {length} ids, more than the context length of {context}")]
    TooLong {
        /// The text, or its start if it is very long.
        text: String,
        /// Its number of ids, start and end included.
        length: usize,
        /// Number of ids that there is room for.
        context: usize,
    },
    /// A tokenizer file could not be used.
    #[error("cannot use the tokenizer file {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tokenizer file has no tokens for a text.
    #[error("the tokenizer file has no ids for {text:?}: {reason}")]
    Encode {
        /// The text, or its start if it is very long.
        text: String,
        /// What the file lacks.
        reason: String,
    },
}

/// The text as errors show it.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
