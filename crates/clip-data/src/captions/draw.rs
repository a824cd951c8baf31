//! The draw of one caption from those a sample offers.

use rand::Rng;
use rand::seq::{IndexedRandom, index};
use serde::{Deserialize, Serialize};

use crate::{CaptionFields, Captions};

/// The most keywords that one caption names.
const MAX_KEYWORDS: usize = 3;

const DEFAULT_FRAMES: [&str; 12] = [
    "a drawing of {}",
    "a picture of {}",
    "an icon of {}",
    "an emoji of {}",
    "an image of {}",
    "a small picture of {}",
    "a simple drawing of {}",
    "an illustration of {}",
    "a symbol for {}",
    "clip art of {}",
    "a cartoon of {}",
    "this is {}",
];

/// How a caption is drawn from names and keywords.
///
/// The four shares are weights: they needn't sum to one. A sample without keywords divides
/// theirs among the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionDraw {
    /// Share of captions that are the name alone: `cat`.
    pub name: f32,
    /// Share of captions that are the name in a frame: `a drawing of cat`.
    pub framed: f32,
    /// Share of captions that are the name and one to three keywords: `cat, pet, animal`.
    pub name_and_keywords: f32,
    /// Share of captions that are one to three keywords: `pet, animal`.
    pub keywords: f32,
    /// Frames, each with one `{}` for the name.
    pub frames: Vec<String>,
    /// Where the `json` member holds these.
    pub fields: CaptionFields,
}

impl Default for CaptionDraw {
    fn default() -> Self {
        Self {
            name: 0.35,
            framed: 0.35,
            name_and_keywords: 0.20,
            keywords: 0.10,
            frames: DEFAULT_FRAMES.map(str::to_owned).to_vec(),
            fields: CaptionFields::default(),
        }
    }
}

impl CaptionDraw {
    /// Says what is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        let shares = [self.name, self.framed, self.name_and_keywords, self.keywords];
        if shares.iter().any(|share| !share.is_finite() || *share < 0.0) {
            return Some("caption shares must be zero or more".to_owned());
        }
        if self.name + self.framed <= 0.0 {
            return Some(
                "name or framed must have a share, for samples without keywords".to_owned(),
            );
        }
        if self.framed > 0.0 && self.frames.is_empty() {
            return Some("framed has a share, but there are no frames".to_owned());
        }
        let bad = self.frames.iter().find(|frame| !frame.contains("{}"))?;
        Some(format!("the frame `{bad}` has no `{{}}` for the name"))
    }

    /// Draws one caption. Settings with a [`problem`](Self::problem) may yield the bare name.
    pub fn draw(&self, captions: &Captions, rng: &mut impl Rng) -> String {
        let Captions::Named { name, keywords, frames } = captions else {
            return captions.main().to_owned();
        };
        let with_keywords = f32::from(u8::from(!keywords.is_empty()));
        let shares = [
            self.name,
            self.framed,
            self.name_and_keywords * with_keywords,
            self.keywords * with_keywords,
        ];
        match weighted(&shares, rng) {
            1 => {
                let frames = if frames.is_empty() { &self.frames } else { frames };
                let frame = frames.choose(rng).map_or("{}", String::as_str);
                frame.replacen("{}", name, 1)
            }
            2 => format!("{name}, {}", some_of(keywords, rng)),
            3 => some_of(keywords, rng),
            _ => name.clone(),
        }
    }
}

/// An index drawn with these weights; 0 when all are zero.
fn weighted(weights: &[f32; 4], rng: &mut impl Rng) -> usize {
    let mut left = rng.random::<f32>() * weights.iter().sum::<f32>();
    for (index, weight) in weights.iter().enumerate() {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    0
}

/// One to three keywords in random order.
fn some_of(keywords: &[String], rng: &mut impl Rng) -> String {
    let most = keywords.len().min(MAX_KEYWORDS);
    let amount = rng.random_range(1..=most);
    let chosen: Vec<&str> = index::sample(rng, keywords.len(), amount)
        .iter()
        .map(|index| keywords[index].as_str())
        .collect();
    chosen.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Stream, sample_rng};

    /// A cat with these keywords and frames.
    fn cat(keywords: &[&str], frames: &[&str]) -> Captions {
        let owned = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
        Captions::Named { name: "cat".into(), keywords: owned(keywords), frames: owned(frames) }
    }

    #[test]
    fn a_text_is_drawn_as_it_is() {
        let mut rng = sample_rng(0, 0, 0, Stream::Caption);
        let text = Captions::Text("Two cats, asleep.".into());
        assert_eq!(CaptionDraw::default().draw(&text, &mut rng), "Two cats, asleep.");
    }

    #[test]
    fn draws_have_their_shares() {
        let captions = cat(&["pet", "animal"], &[]);
        let draw = CaptionDraw::default();
        let mut counts = [0; 4];
        for index in 0..4000 {
            let mut rng = sample_rng(1, 0, index, Stream::Caption);
            let caption = draw.draw(&captions, &mut rng);
            let kind = match caption.as_str() {
                "cat" => 0,
                "cat, pet" | "cat, animal" | "cat, pet, animal" | "cat, animal, pet" => 2,
                "pet" | "animal" | "pet, animal" | "animal, pet" => 3,
                framed => {
                    let frames = draw.frames.iter().map(|frame| frame.replace("{}", "cat"));
                    assert!(frames.into_iter().any(|frame| frame == framed), "{framed}");
                    1
                }
            };
            counts[kind] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.35, 0.35, 0.2, 0.1]) {
            assert!((f64::from(count) / 4000.0 - share).abs() < 0.03, "{counts:?}");
        }
    }

    #[test]
    fn without_keywords_the_name_is_always_there() {
        let captions = cat(&[], &["{} by day"]);
        for index in 0..100 {
            let mut rng = sample_rng(1, 0, index, Stream::Caption);
            let caption = CaptionDraw::default().draw(&captions, &mut rng);
            assert!(["cat", "cat by day"].contains(&caption.as_str()), "{caption}");
        }
    }

    #[test]
    fn impossible_settings_are_explained() {
        let with = |change: fn(&mut CaptionDraw)| {
            let mut draw = CaptionDraw::default();
            change(&mut draw);
            draw.problem()
        };
        assert_eq!(with(|_| ()), None);
        assert!(with(|draw| draw.name = f32::NAN).is_some());
        assert!(with(|draw| (draw.name, draw.framed) = (0.0, 0.0)).is_some());
        assert!(with(|draw| draw.frames.clear()).is_some());
        let message = with(|draw| draw.frames = vec!["a cat".into()]).unwrap();
        assert!(message.contains("`a cat` has no `{}`"));
    }
}
