//! The text of a sample: its captions and its concept.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cause, Fault, RawSample};

/// Which fields of a sample's `json` member hold what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionFields {
    /// A string: what the image shows.
    pub name: String,
    /// A list of strings: more words for it.
    pub keywords: String,
    /// A list of strings with `{}`, which replaces [`CaptionDraw::frames`](crate::CaptionDraw::frames) for the sample.
    pub frames: String,
    /// A string or number shared by all images of the same thing.
    pub concept: String,
}

impl Default for CaptionFields {
    fn default() -> Self {
        let [name, keywords, frames, concept] =
            ["name", "keywords", "frames", "concept"].map(str::to_owned);
        Self { name, keywords, frames, concept }
    }
}

/// The captions a sample offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Captions {
    /// The `txt` member, used as it is.
    Text(String),
    /// From the `json` member.
    Named {
        /// What the image shows.
        name: String,
        /// More words for it; the name isn't among them.
        keywords: Vec<String>,
        /// The sample's own frames; empty when it has none.
        frames: Vec<String>,
    },
}

/// All the text of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleText {
    /// The captions to draw from.
    pub captions: Captions,
    /// What images of the same thing share; `None` when the sample doesn't say.
    pub concept: Option<String>,
}

impl SampleText {
    /// Reads the sample's `txt` member, or else its `json` member.
    ///
    /// # Errors
    ///
    /// A fault that names the sample, when there is neither or the caption is empty or malformed.
    pub fn read(sample: &RawSample, fields: &CaptionFields) -> Result<Self, Fault> {
        let fault = |reason: String| sample.fault(Cause::NoCaption, reason);
        let json: Value = match sample.member("json") {
            Some(bytes) => serde_json::from_slice(bytes)
                .map_err(|error| fault(format!("its `json` member is malformed: {error}")))?,
            None => Value::Null,
        };
        let concept = match &json[&fields.concept] {
            Value::String(concept) => Some(concept.clone()),
            Value::Number(concept) => Some(concept.to_string()),
            _ => None,
        };
        let captions = match sample.member("txt") {
            Some(bytes) => Captions::Text(String::from_utf8_lossy(bytes).trim().to_owned()),
            None => named(&json, fields),
        };
        if captions.main().is_empty() {
            let name = &fields.name;
            return Err(fault(format!(
                "it has no caption: give it a `txt` member, or a `json` member with `{name}`"
            )));
        }
        Ok(Self { captions, concept })
    }
}

impl Captions {
    /// The whole text, or the name.
    pub fn main(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Named { name, .. } => name,
        }
    }
}

fn named(json: &Value, fields: &CaptionFields) -> Captions {
    let strings = |field: &str| -> Vec<String> {
        let list = json[field].as_array().into_iter().flatten();
        let texts = list.filter_map(Value::as_str).map(|text| text.trim().to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    };
    let name = json[&fields.name].as_str().unwrap_or_default().trim().to_owned();
    let mut keywords = strings(&fields.keywords);
    keywords.retain(|keyword| *keyword != name);
    let frames = strings(&fields.frames).into_iter().filter(|frame| frame.contains("{}")).collect();
    Captions::Named { name, keywords, frames }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample(members: &[(&str, &str)]) -> RawSample {
        let member = |(name, text): &(&str, &str)| (name.to_string(), text.as_bytes().to_vec());
        RawSample {
            key: "s/7".into(),
            shard: "a.tar".into(),
            members: members.iter().map(member).collect(),
        }
    }

    fn read(members: &[(&str, &str)]) -> Result<SampleText, Fault> {
        SampleText::read(&sample(members), &CaptionFields::default())
    }

    #[test]
    fn a_text_member_is_used_as_it_is() {
        let text = read(&[("txt", "Two cats, asleep.\n"), ("json", r#"{"concept": 3}"#)]).unwrap();
        assert_eq!(text.concept.as_deref(), Some("3"));
        assert_eq!(text.captions, Captions::Text("Two cats, asleep.".into()));
    }

    #[test]
    fn a_json_member_gives_name_keywords_frames_and_concept() {
        let json = r#"{"name": " cat", "keywords": ["pet", "cat", "", 3], "frames": ["{} by day",
            "no place"], "concept": "1f408"}"#;
        let text = read(&[("json", json)]).unwrap();
        let captions = Captions::Named {
            name: "cat".into(),
            keywords: vec!["pet".into()],
            frames: vec!["{} by day".into()],
        };
        assert_eq!(text, SampleText { captions, concept: Some("1f408".into()) });
    }

    #[test]
    fn a_missing_caption_names_the_sample_and_the_remedy() {
        for members in [&[][..], &[("txt", " \n")], &[("json", r#"{"title": "cat"}"#)]] {
            let message = read(members).unwrap_err().to_string();
            assert!(message.contains("a.tar: sample `s/7`"), "{message}");
            assert!(message.contains("give it a `txt` member"), "{message}");
        }
        let message = read(&[("json", "{")]).unwrap_err().to_string();
        assert!(message.contains("malformed"), "{message}");
    }
}
