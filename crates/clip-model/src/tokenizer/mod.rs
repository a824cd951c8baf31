//! Texts to ids: CLIP's own byte-pair tokenizer, equal to OpenAI's id by id, and tokenizers that
//! come as a file, equal to open_clip's.

mod clean;
mod error;
#[cfg(feature = "tokenizer-file")]
mod file;
mod hasher;
mod known;
mod merging;
mod tensor;
mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

#[cfg(feature = "tokenizer-file")]
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::TextConfig;
use error::excerpt;
#[cfg(feature = "tokenizer-file")]
use file::FileTokenizer;
use vocabulary::Vocabulary;

pub use clean::Cleaning;
pub use error::TokenizerError;
#[cfg(feature = "tokenizer-file")]
pub use file::FileOptions;

/// What happens to a text that has more tokens than the context holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncation {
    /// It loses its last tokens, never its end.
    #[default]
    Cut,
    /// It is an error, where an error can be told: [`Tokenizer::try_encode`].
    Refuse,
}

/// Texts to ids.
///
/// [`new`](Self::new) gives CLIP's byte-pair tokenizer. A `vocab_size` below [`VOCAB_SIZE`](crate::VOCAB_SIZE) keeps
/// the most frequent merges alone: the same tokenizer with rarer words in more pieces, for models
/// whose embedding table must be small.
///
/// The ids equal those of OpenAI's `SimpleTokenizer` with ftfy 6.3 for every string. Where Python's
/// version of Unicode decides (lower case, composed letters), characters are as Python 3.11 knows
/// them.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    model: Model,
    context_length: usize,
    padding: i32,
    truncation: Truncation,
}

#[derive(Clone, Debug)]
enum Model {
    Clip(Arc<Vocabulary>),
    #[cfg(feature = "tokenizer-file")]
    File(Arc<FileTokenizer>),
}

impl Tokenizer {
    /// CLIP's tokenizer for a text tower that was trained with it, or is to be.
    ///
    /// # Errors
    ///
    /// [`TokenizerError::Other`] when the tower has another tokenizer, and as [`new`](Self::new).
    pub fn for_text(config: &TextConfig) -> Result<Self, TokenizerError> {
        if let Some(name) = &config.hf_tokenizer_name {
            return Err(TokenizerError::Other(name.clone()));
        }
        Self::new(config.context_length, config.vocab_size)
    }

    /// CLIP's tokenizer of `vocab_size` ids that gives texts of `context_length` ids.
    ///
    /// # Errors
    ///
    /// When either size is impossible.
    pub fn new(context_length: usize, vocab_size: usize) -> Result<Self, TokenizerError> {
        let vocabulary = Vocabulary::new(vocab_size)?;
        if context_length < 3 {
            return Err(TokenizerError::ContextLength(context_length));
        }
        let model = Model::Clip(Arc::new(vocabulary));
        Ok(Self { model, context_length, padding: 0, truncation: Truncation::Cut })
    }

    /// The tokenizer of a Hugging Face `tokenizer.json`, used as open_clip's `HFTokenizer` does:
    /// texts are cleaned, cut and padded to `context_length` ids, and get the special tokens that
    /// the file's post-processor adds. What it pads with, and on which side, is read from a
    /// `tokenizer_config.json` beside it, if there is one.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or used, or the context has no room for a token beside the
    /// special ones.
    #[cfg(feature = "tokenizer-file")]
    pub fn from_file(
        path: impl AsRef<Path>,
        context_length: usize,
        options: FileOptions,
    ) -> Result<Self, TokenizerError> {
        let file = FileTokenizer::open(path.as_ref(), context_length, options)?;
        let padding = file.padding;
        let model = Model::File(Arc::new(file));
        Ok(Self { model, context_length, padding, truncation: Truncation::Cut })
    }

    /// The `tokenizer.json` that the tokenizer comes from; none for CLIP's own.
    #[cfg(feature = "tokenizer-file")]
    pub fn file(&self) -> Option<&Path> {
        match &self.model {
            Model::Clip(_) => None,
            Model::File(file) => Some(&file.path),
        }
    }

    /// The same tokenizer with another id after the end of a text. Default: 0, as OpenAI's; a
    /// file's own.
    pub fn with_padding(mut self, id: i32) -> Self {
        self.padding = id;
        self
    }

    /// The same tokenizer with another fate for texts that are too long. Default:
    /// [`Truncation::Cut`].
    pub fn with_truncation(mut self, truncation: Truncation) -> Self {
        self.truncation = truncation;
        self
    }

    /// Number of ids in each encoded text.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Id of the start of a text; of a file, the first special token that it adds.
    pub fn start(&self) -> i32 {
        match &self.model {
            Model::Clip(vocabulary) => vocabulary.start() as i32,
            #[cfg(feature = "tokenizer-file")]
            Model::File(file) => file.start(),
        }
    }

    /// Id of the end of a text, CLIP's largest; of a file, the last special token that it adds.
    pub fn end(&self) -> i32 {
        match &self.model {
            Model::Clip(vocabulary) => vocabulary.start() as i32 + 1,
            #[cfg(feature = "tokenizer-file")]
            Model::File(file) => file.end(),
        }
    }

    /// Start, tokens, end, then padding up to the context length. A text that is too long loses
    /// its last tokens, never its end, whatever the truncation is set to; a text that a tokenizer
    /// file has no ids for is padding alone. [`try_encode`](Self::try_encode) tells both.
    pub fn encode(&self, text: &str) -> Vec<i32> {
        let ids = self.encode_as(text, Truncation::Cut);
        ids.unwrap_or_else(|_| vec![self.padding; self.context_length])
    }

    /// As [`encode`](Self::encode), but with errors instead of what would go unnoticed.
    ///
    /// # Errors
    ///
    /// When the text is too long and the truncation is [`Truncation::Refuse`], or a tokenizer file
    /// has no ids for it.
    pub fn try_encode(&self, text: &str) -> Result<Vec<i32>, TokenizerError> {
        self.encode_as(text, self.truncation)
    }

    /// Ids of many texts, one after the other, [`encode`](Self::encode)d on all cores.
    pub fn encode_batch(&self, texts: &[impl AsRef<str> + Sync]) -> Vec<i32> {
        let mut ids = vec![self.padding; texts.len() * self.context_length];
        let rows = ids.par_chunks_exact_mut(self.context_length);
        rows.zip(texts).for_each(|(row, text)| row.copy_from_slice(&self.encode(text.as_ref())));
        ids
    }

    /// Ids of many texts, one after the other, [`try_encode`](Self::try_encode)d on all cores.
    ///
    /// # Errors
    ///
    /// As [`try_encode`](Self::try_encode), for one of the texts that fail.
    pub fn try_encode_batch(
        &self,
        texts: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<i32>, TokenizerError> {
        let mut ids = vec![self.padding; texts.len() * self.context_length];
        let rows = ids.par_chunks_exact_mut(self.context_length);
        rows.zip(texts).try_for_each(|(row, text)| {
            row.copy_from_slice(&self.try_encode(text.as_ref())?);
            Ok(())
        })?;
        Ok(ids)
    }

    /// The text of the ids: of CLIP's, in lower case with a blank after each word, start and end
    /// spelled out, and `!` for each 0, which is its id. Ids outside the vocabulary are left out.
    pub fn decode(&self, ids: &[i32]) -> String {
        match &self.model {
            Model::Clip(vocabulary) => vocabulary.decode(ids),
            #[cfg(feature = "tokenizer-file")]
            Model::File(file) => file.decode(ids),
        }
    }

    fn encode_as(&self, text: &str, truncation: Truncation) -> Result<Vec<i32>, TokenizerError> {
        match &self.model {
            Model::Clip(vocabulary) => self.encode_clip(vocabulary, text, truncation),
            #[cfg(feature = "tokenizer-file")]
            Model::File(file) => file.encode(text, self.padding, truncation),
        }
    }

    fn encode_clip(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        truncation: Truncation,
    ) -> Result<Vec<i32>, TokenizerError> {
        let room = self.context_length - 2;
        let most = if truncation == Truncation::Cut { room } else { usize::MAX };
        let tokens = vocabulary.encode(&Cleaning::Lower.clean(text), most);
        if tokens.len() > room {
            return Err(TokenizerError::TooLong {
                text: excerpt(text),
                length: tokens.len() + 2,
                context: self.context_length,
            });
        }
        let mut ids = Vec::with_capacity(self.context_length);
        ids.push(self.start());
        ids.extend(tokens.iter().map(|id| *id as i32));
        ids.push(self.end());
        ids.resize(self.context_length, self.padding);
        Ok(ids)
    }
}
