//! The draw of one caption from those a sample offers.

use rand::Rng;
use rand::seq::{IndexedRandom, index};
use serde::{Deserialize, Serialize};

use super::FieldTexts;
use super::text::json_member;
use crate::{CaptionFields, CaptionFilter, Captions, Cause, Fault, RawSample, SampleText};

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

/// Which captions there are, and how one of them is drawn.
///
/// The four shares, for names and keywords, are weights: they needn't sum to one. A sample without
/// keywords divides theirs among the others.
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
    /// Where a sample holds these, and other captions.
    pub fields: CaptionFields,
    /// Which captions and samples are left out.
    pub filter: CaptionFilter,
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
            filter: CaptionFilter::default(),
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
        if let Some(bad) = self.frames.iter().find(|frame| !frame.contains("{}")) {
            return Some(format!("the frame `{bad}` has no `{{}}` for the name"));
        }
        self.fields.problem().or_else(|| self.filter.problem())
    }

    /// Reads a sample's text and leaves out what the filter doesn't let pass.
    ///
    /// # Errors
    ///
    /// A fault that names the sample: [`Cause::Filtered`] when nothing passes, which isn't the
    /// sample's fault, or as [`SampleText::read`].
    pub fn read(&self, sample: &RawSample) -> Result<SampleText, Fault> {
        let filtered = |reason: String| sample.fault(Cause::Filtered, reason);
        let json = json_member(sample)?;
        self.filter.check_numbers(&json).map_err(filtered)?;
        let text = SampleText::from_members(sample, &json, &self.fields)?;
        let captions = self.filter.keep(text.captions).map_err(filtered)?;
        Ok(SampleText { captions, ..text })
    }

    /// Draws one caption. Settings with a [`problem`](Self::problem) may yield the bare name.
    pub fn draw(&self, captions: &Captions, rng: &mut impl Rng) -> String {
        let (name, keywords, frames) = match captions {
            Captions::Text(text) => return text.clone(),
            Captions::Weighted(fields) => return draw_weighted(fields, rng),
            Captions::Named { name, keywords, frames } => (name, keywords, frames),
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

/// A field by weight, then one of its texts.
fn draw_weighted(fields: &[FieldTexts], rng: &mut impl Rng) -> String {
    let weights: Vec<f32> = fields.iter().map(|field| field.weight).collect();
    let texts = fields.get(weighted(&weights, rng)).map_or(&[][..], |field| &field.texts);
    texts.choose(rng).cloned().unwrap_or_default()
}

/// An index drawn with these weights; 0 when all are zero.
fn weighted(weights: &[f32], rng: &mut impl Rng) -> usize {
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
mod tests {
    use super::*;
    use crate::{CaptionField, Stream, sample_rng};

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
    fn fields_are_drawn_by_weight_and_their_texts_evenly() {
        let field = |weight, texts: &[&str]| FieldTexts {
            weight,
            texts: texts.iter().map(|text| text.to_string()).collect(),
        };
        let captions = Captions::Weighted(vec![field(3.0, &["a", "b"]), field(1.0, &["c"])]);
        let mut counts = [0; 3];
        for index in 0..4000 {
            let mut rng = sample_rng(1, 0, index, Stream::Caption);
            match CaptionDraw::default().draw(&captions, &mut rng).as_str() {
                "a" => counts[0] += 1,
                "b" => counts[1] += 1,
                caption => {
                    assert_eq!(caption, "c");
                    counts[2] += 1;
                }
            }
        }
        for (count, share) in counts.into_iter().zip([0.375, 0.375, 0.25]) {
            assert!((f64::from(count) / 4000.0 - share).abs() < 0.03, "{counts:?}");
        }
    }

    #[test]
    fn draws_are_those_of_earlier_versions() {
        // Another caption here would mean that runs in progress can't be resumed exactly.
        let captions = cat(&["pet", "animal"], &[]);
        let drawn: Vec<_> = (0..6)
            .map(|index| {
                let mut rng = sample_rng(7, 1, index, Stream::Caption);
                CaptionDraw::default().draw(&captions, &mut rng)
            })
            .collect();
        let wanted = ["cat", "cat, pet", "a symbol for cat", "clip art of cat", "cat", "pet"];
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn what_the_filter_leaves_out_is_no_bad_sample() {
        let settings = r#"{"filter": {"min_words": 2, "thresholds": ["similarity >= 0.28"]}}"#;
        let draw: CaptionDraw = serde_json::from_str(settings).unwrap();
        let read = |text: &str, json: &str| {
            let members = [("txt", text), ("json", json)];
            let member = |(name, text): (&str, &str)| (name.to_owned(), text.as_bytes().to_vec());
            let (key, shard) = ("k".into(), "a.tar".into());
            draw.read(&RawSample { key, shard, members: members.map(member).into() })
        };
        let good = read("a cat", r#"{"similarity": 0.3, "concept": "c"}"#).unwrap();
        assert_eq!(good.captions.main(), "a cat");
        assert_eq!(good.concept.as_deref(), Some("c"));
        for (text, json, cause) in [
            ("a cat", r#"{"similarity": 0.2}"#, Cause::Filtered),
            ("a cat", "{}", Cause::Filtered),
            ("cat", r#"{"similarity": 0.3}"#, Cause::Filtered),
            (" ", r#"{"similarity": 0.3}"#, Cause::NoCaption),
            ("a cat", "{", Cause::NoCaption),
        ] {
            let fault = read(text, json).unwrap_err();
            assert_eq!(fault.cause, cause, "{fault}");
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
        assert!(with(|draw| draw.fields.weighted = vec![CaptionField::new("")]).is_some());
        assert!(with(|draw| draw.filter.max_words = Some(0)).is_some());
    }
}
