//! Which tensors of a file a parameter of open_clip's name is made of.

use super::hugging_face;

/// Whose names a file uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// OpenAI's and open_clip's, with or without `text.` before the text tower's.
    OpenClip,
    /// transformers' `CLIPModel`.
    HuggingFaceClip,
    /// transformers' `SiglipModel`.
    HuggingFaceSiglip,
}

/// A tensor of a file, or some of its rows, that goes into a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Name in the file.
    pub name: String,
    /// Which thirds of its rows; `0..3` is the whole.
    pub thirds: std::ops::Range<usize>,
    /// Whether the file has the transpose.
    pub transposed: bool,
}

impl Piece {
    pub fn whole(name: impl Into<String>) -> Self {
        Self { name: name.into(), thirds: 0..3, transposed: false }
    }

    pub fn is_whole(&self) -> bool {
        self.thirds == (0..3)
    }
}

impl Naming {
    /// Whose names these are.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut naming = Self::OpenClip;
        let hugging_face = |name: &str| name.starts_with("vision_model.");
        let siglip =
            |name: &str| name == "vision_model.head.probe" || name == "text_model.head.weight";
        for name in names {
            if siglip(name) {
                return Self::HuggingFaceSiglip;
            }
            if hugging_face(name) {
                naming = Self::HuggingFaceClip;
            }
        }
        naming
    }

    /// The pieces of the parameter that open_clip calls `key`, which follow one another along its
    /// first axis. Empty when the file's format has no such parameter.
    pub fn pieces(self, key: &str) -> Vec<Piece> {
        match self {
            Self::OpenClip => vec![Piece::whole(key)],
            Self::HuggingFaceClip => hugging_face::clip_pieces(key),
            Self::HuggingFaceSiglip => hugging_face::siglip_pieces(key),
        }
    }
}

/// Tensors that files carry and no model needs: counters, position numbers, and the sizes in
/// OpenAI's archives.
pub(crate) fn is_idle(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
        || name.ends_with(".position_ids")
        || matches!(name, "input_resolution" | "context_length" | "vocab_size" | "attn_mask")
}

/// The name without `text.`, as OpenAI's models have it.
pub(crate) fn without_text(name: &str) -> &str {
    name.strip_prefix("text.").unwrap_or(name)
}
