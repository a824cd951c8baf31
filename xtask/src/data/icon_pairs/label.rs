//! What a sample says about its image: the `json` member.

use anyhow::Result;
use serde::Serialize;

/// Frames for emoji.
const EMOJI_FRAMES: [&str; 6] = [
    "an emoji of {}",
    "a drawing of {}",
    "a picture of {}",
    "an illustration of {}",
    "a cartoon of {}",
    "a small image of {}",
];
/// Frames for icons.
const ICON_FRAMES: [&str; 6] = [
    "an icon of {}",
    "a symbol for {}",
    "a pictogram of {}",
    "a sign for {}",
    "a simple drawing of {}",
    "an icon that shows {}",
];
/// One more frame for icons of one colour, and one for those of several.
const COLOUR_FRAMES: [&str; 2] = ["a single-colour icon of {}", "a colourful icon of {}"];

/// What a sample says about its image, in the order of the file.
#[derive(Clone, Debug, Serialize)]
pub struct Label {
    /// What drawings of the same thing share: code points, or sorted words after `name:`.
    pub concept: String,
    /// What the image shows.
    pub name: String,
    /// More words for it.
    pub keywords: Vec<String>,
    /// Name of the set.
    pub artist: String,
    /// Where the set or Unicode files it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// How it is drawn, as far as its name says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// Captions with `{}` in the name's place.
    pub frames: Vec<String>,
}

impl Label {
    /// The bytes of the `json` member.
    pub fn json(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// Frames for an emoji.
pub fn emoji_frames() -> Vec<String> {
    EMOJI_FRAMES.map(str::to_owned).to_vec()
}

/// Frames for an icon drawn in a style, which may be empty.
pub fn icon_frames(style: &str, colourful: bool) -> Vec<String> {
    let mut frames = ICON_FRAMES.map(str::to_owned).to_vec();
    frames.push(COLOUR_FRAMES[usize::from(colourful)].to_owned());
    if !style.is_empty() {
        let article = if style.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        frames.push(format!("{article} {style} icon of {{}}"));
        frames.push(format!("{{}}, {style}"));
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_has_a_place_for_the_name() {
        let frames = [emoji_frames(), icon_frames("outline", true), icon_frames("", false)];
        assert!(frames.iter().flatten().all(|frame| frame.matches("{}").count() == 1));
        assert!(icon_frames("outline", false).contains(&"an outline icon of {}".to_owned()));
    }
}
