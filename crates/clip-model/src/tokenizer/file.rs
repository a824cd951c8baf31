//! Tokenizers that come as a Hugging Face `tokenizer.json`: SigLIP's, multilingual CLIPs'.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::{PaddingDirection, TruncationParams};

use super::clean::Cleaning;
use super::error::excerpt;
use super::{TokenizerError, Truncation};

/// How a tokenizer file is used: what open_clip's `HFTokenizer` takes beside the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// What happens to a text first. Default: [`Cleaning::Whitespace`].
    pub cleaning: Cleaning,
    /// Id after the end of a text. Default: what a `tokenizer_config.json` beside the file says,
    /// else the file, else the id of a token that is called `<pad>` or `[PAD]`, else 0.
    pub padding: Option<i32>,
    /// Whether the separator becomes 0 (open_clip's `strip_sep_token`): the `sep_token` of a
    /// `tokenizer_config.json` beside the file, else `[SEP]`. Default: false.
    pub strip_separator: bool,
}

/// A tokenizer file, ready to use.
#[derive(Debug)]
pub struct FileTokenizer {
    /// Where it was read from.
    pub path: PathBuf,
    model: tokenizers::Tokenizer,
    cleaning: Cleaning,
    stripped: Option<u32>,
    pads_left: bool,
    context_length: usize,
    /// What an empty text has: the start and end.
    frame: Vec<i32>,
    /// The id to pad with, where nothing else is asked for.
    pub padding: i32,
}

impl FileTokenizer {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or used.
    pub fn open(
        path: &Path,
        context_length: usize,
        options: FileOptions,
    ) -> Result<Self, TokenizerError> {
        let unusable = |reason: String| TokenizerError::File { path: path.to_path_buf(), reason };
        let json = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let model = tokenizers::Tokenizer::from_bytes(json);
        let mut model = model.map_err(|error| unusable(error.to_string()))?;
        let known = |name: &str| {
            model.token_to_id(name).ok_or_else(|| unusable(format!("it has no token {name:?}")))
        };
        let config = SideConfig::beside(path)?;
        let separator = config.sep_token.as_ref().map_or("[SEP]", TokenName::content);
        let stripped = options.strip_separator.then(|| known(separator)).transpose()?;
        let padding = match (options.padding, &config.pad_token) {
            (Some(id), _) => id,
            (None, Some(token)) => signed(known(token.content())?),
            (None, None) => padding(&model),
        };
        let pads_left = match &config.padding_side {
            Some(side) => side == "left",
            None => model
                .get_padding()
                .is_some_and(|padding| matches!(padding.direction, PaddingDirection::Left)),
        };
        model.with_padding(None);
        let frame = frame(&mut model, context_length).map_err(unusable)?;
        Ok(Self {
            path: path.into(),
            model,
            cleaning: options.cleaning,
            stripped,
            pads_left,
            context_length,
            frame,
            padding,
        })
    }

    /// First id of an empty text.
    pub fn start(&self) -> i32 {
        self.frame.first().copied().unwrap_or(self.padding)
    }

    /// Last id of an empty text.
    pub fn end(&self) -> i32 {
        self.frame.last().copied().unwrap_or(self.padding)
    }

    /// The text's ids, as many as the context holds.
    ///
    /// # Errors
    ///
    /// When the file has no ids for the text, or the text is too long and may not be cut.
    pub fn encode(
        &self,
        text: &str,
        padding: i32,
        truncation: Truncation,
    ) -> Result<Vec<i32>, TokenizerError> {
        let encoding =
            self.model.encode_fast(self.cleaning.clean(text), true).map_err(|error| {
                TokenizerError::Encode { text: excerpt(text), reason: error.to_string() }
            })?;
        if truncation == Truncation::Refuse && !encoding.get_overflowing().is_empty() {
            return Err(TokenizerError::TooLong {
                text: excerpt(text),
                length: self.whole_length(text),
                context: self.context_length,
            });
        }
        let kept = encoding.get_ids().iter().take(self.context_length);
        let ids = kept.map(|id| if Some(*id) == self.stripped { 0 } else { signed(*id) });
        let mut ids: Vec<i32> = ids.collect();
        let missing = self.context_length - ids.len();
        ids.resize(self.context_length, padding);
        if self.pads_left {
            ids.rotate_right(missing);
        }
        Ok(ids)
    }

    /// Length of the text's ids if none were cut. Only errors ask, so the copy doesn't matter.
    fn whole_length(&self, text: &str) -> usize {
        let mut whole = self.model.clone();
        let encoding = whole
            .with_truncation(None)
            .ok()
            .and_then(|whole| whole.encode_fast(self.cleaning.clean(text), true).ok());
        encoding.map_or(0, |encoding| encoding.len())
    }

    /// The text of the ids, special tokens included; ids outside the vocabulary are left out.
    pub fn decode(&self, ids: &[i32]) -> String {
        let ids: Vec<u32> = ids.iter().filter_map(|id| u32::try_from(*id).ok()).collect();
        self.model.decode(&ids, false).unwrap_or_default()
    }
}

/// The part of `tokenizer_config.json` that decides on ids.
#[derive(Debug, Default, Deserialize)]
struct SideConfig {
    pad_token: Option<TokenName>,
    sep_token: Option<TokenName>,
    padding_side: Option<String>,
}

/// A token's name, alone or with how it is matched.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TokenName {
    Plain(String),
    Described { content: String },
}

impl TokenName {
    fn content(&self) -> &str {
        match self {
            Self::Plain(content) | Self::Described { content } => content,
        }
    }
}

impl SideConfig {
    /// Reads the file beside a `tokenizer.json`, if there is one.
    fn beside(tokenizer: &Path) -> Result<Self, TokenizerError> {
        let path = tokenizer.with_file_name("tokenizer_config.json");
        let json = match std::fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(TokenizerError::File { path, reason: error.to_string() }),
        };
        serde_json::from_slice(&json)
            .map_err(|error| TokenizerError::File { path, reason: error.to_string() })
    }
}

/// Sets how long texts may be, and tries the model on an empty text.
fn frame(model: &mut tokenizers::Tokenizer, context_length: usize) -> Result<Vec<i32>, String> {
    // Without truncation, so that a context that is too short is our error to tell.
    let untruncated = model.with_truncation(None).map_err(|error| error.to_string())?;
    let encoding = untruncated.encode("", true).map_err(|error| error.to_string())?;
    let frame: Vec<i32> = encoding.get_ids().iter().map(|id| signed(*id)).collect();
    if context_length <= frame.len() {
        return Err(format!(
            "context_length {context_length} leaves no room beside {} special tokens",
            frame.len()
        ));
    }
    let truncation = TruncationParams { max_length: context_length, ..Default::default() };
    model.with_truncation(Some(truncation)).map_err(|error| error.to_string())?;
    Ok(frame)
}

/// The id that the file pads with.
fn padding(model: &tokenizers::Tokenizer) -> i32 {
    let stated = model.get_padding().map(|padding| padding.pad_id);
    let named = || ["<pad>", "[PAD]"].iter().find_map(|name| model.token_to_id(name));
    stated.or_else(named).map_or(0, signed)
}

/// Ids are far below the largest `i32`.
fn signed(id: u32) -> i32 {
    i32::try_from(id).unwrap_or_default()
}
