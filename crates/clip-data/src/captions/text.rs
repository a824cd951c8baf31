//! The text of a sample: its captions and its concept.

use serde_json::Value;

use super::fields::{CLASS_MEMBER, TEXT_MEMBER};
use super::texts_at;
use crate::{CaptionFields, Cause, Fault, RawSample};

/// The captions a sample offers.
#[derive(Clone, Debug, PartialEq)]
pub enum Captions {
    /// One text, such as that of a `txt` member, used as it is.
    Text(String),
    /// From several fields. There is at least one.
    Weighted(Vec<FieldTexts>),
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

/// The captions of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldTexts {
    /// The field's share of the draws, above zero.
    pub weight: f32,
    /// At least one caption; each is as likely as the others.
    pub texts: Vec<String>,
}

/// All the text of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleText {
    /// The captions to draw from.
    pub captions: Captions,
    /// What images of the same thing share; `None` when the sample doesn't say.
    pub concept: Option<String>,
}

impl SampleText {
    /// Reads the sample's `txt` member, or else its `json` member; or the weighted fields, where
    /// the settings have some.
    ///
    /// # Errors
    ///
    /// A fault that names the sample, when there is no caption, or an empty or malformed one.
    pub fn read(sample: &RawSample, fields: &CaptionFields) -> Result<Self, Fault> {
        Self::from_members(sample, &json_member(sample)?, fields)
    }

    /// As [`read`](Self::read), with the `json` member's content, `Null` where there is none.
    pub(super) fn from_members(
        sample: &RawSample,
        json: &Value,
        fields: &CaptionFields,
    ) -> Result<Self, Fault> {
        let concept = match &json[&fields.concept] {
            Value::String(concept) => Some(concept.clone()),
            Value::Number(concept) => Some(concept.to_string()),
            _ => None,
        };
        let captions = match sample.member(TEXT_MEMBER) {
            _ if !fields.weighted.is_empty() => weighted(sample, json, fields)?,
            Some(bytes) => Captions::Text(trimmed(bytes)),
            None => named(json, fields),
        };
        if captions.main().is_empty() {
            let name = &fields.name;
            let reason = format!(
                "it has no caption: give it a `txt` member, or a `json` member with `{name}`"
            );
            return Err(sample.fault(Cause::NoCaption, reason));
        }
        Ok(Self { captions, concept })
    }
}

/// The content of the `json` member, `Null` where there is none.
pub(super) fn json_member(sample: &RawSample) -> Result<Value, Fault> {
    sample.member("json").map_or(Ok(Value::Null), |bytes| {
        serde_json::from_slice(bytes)
            .map_err(|error| sample.fault(Cause::NoCaption, malformed_json(&error)))
    })
}

/// Why a `json` member can't be read.
pub(crate) fn malformed_json(error: &serde_json::Error) -> String {
    format!("its `json` member is malformed: {error}")
}

impl Captions {
    /// The whole text, the first field's first text, or the name.
    pub fn main(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Weighted(fields) => {
                fields.iter().flat_map(|field| &field.texts).next().map_or("", String::as_str)
            }
            Self::Named { name, .. } => name,
        }
    }
}

fn trimmed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The texts of the weighted fields that the sample has.
fn weighted(sample: &RawSample, json: &Value, fields: &CaptionFields) -> Result<Captions, Fault> {
    let mut found = Vec::new();
    for field in fields.weighted.iter().filter(|field| field.weight > 0.0) {
        let mut texts = match field.field.as_str() {
            TEXT_MEMBER => sample.member(TEXT_MEMBER).map(trimmed).into_iter().collect(),
            CLASS_MEMBER => class_captions(sample, fields)?,
            path => texts_at(json, path),
        };
        texts.retain(|text| !text.is_empty());
        if !texts.is_empty() {
            found.push(FieldTexts { weight: field.weight, texts });
        }
    }
    if found.is_empty() {
        let names: Vec<_> = fields.weighted.iter().map(|field| field.field.as_str()).collect();
        let reason = format!("it has no caption: give it one of the fields {}", names.join(", "));
        return Err(sample.fault(Cause::NoCaption, reason));
    }
    Ok(Captions::Weighted(found))
}

/// Every template with the class's name; nothing where there is no class.
fn class_captions(sample: &RawSample, fields: &CaptionFields) -> Result<Vec<String>, Fault> {
    let Some(class) = sample.member(CLASS_MEMBER).map(trimmed).filter(|class| !class.is_empty())
    else {
        return Ok(Vec::new());
    };
    let names = &fields.class_names;
    let name = if names.is_empty() {
        &class
    } else {
        class.parse().ok().and_then(|number: usize| names.get(number)).ok_or_else(|| {
            let most = names.len() - 1;
            let reason = format!("its `cls` member is `{class}`, not a number from 0 to {most}");
            sample.fault(Cause::NoCaption, reason)
        })?
    };
    if fields.class_templates.is_empty() {
        return Ok(vec![name.clone()]);
    }
    let filled = fields.class_templates.iter().map(|template| template.replacen("{}", name, 1));
    Ok(filled.collect())
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

    const WEIGHTED: &str = r#"{"weighted": [{"field": "txt", "weight": 2}, {"field": "alt"},
        {"field": "cls", "weight": 0.5}, {"field": "never", "weight": 0}],
        "class_names": ["cat", "red fox"], "class_templates": ["a {}", "the {}"]}"#;

    fn read_weighted(members: &[(&str, &str)]) -> Result<Vec<(f32, Vec<String>)>, String> {
        let fields: CaptionFields = serde_json::from_str(WEIGHTED).unwrap();
        assert_eq!(fields.problem(), None);
        match SampleText::read(&sample(members), &fields) {
            Ok(SampleText { captions: Captions::Weighted(fields), .. }) => {
                Ok(fields.into_iter().map(|field| (field.weight, field.texts)).collect())
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(fault) => Err(fault.to_string()),
        }
    }

    #[test]
    fn weighted_fields_are_members_json_texts_and_class_names() {
        let json = r#"{"alt": ["one", "two"], "never": "this"}"#;
        let texts = read_weighted(&[
            (
                "txt", " A fox.
",
            ),
            ("json", json),
            (
                "cls", "1
",
            ),
        ])
        .unwrap();
        let owned = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        let class = (0.5, owned(&["a red fox", "the red fox"]));
        assert_eq!(texts, [(2.0, owned(&["A fox."])), (1.0, owned(&["one", "two"])), class]);
        assert_eq!(read_weighted(&[("txt", "x")]).unwrap(), [(2.0, owned(&["x"]))]);
    }

    #[test]
    fn samples_without_any_weighted_field_are_named() {
        for members in [&[][..], &[("json", r#"{"never": "this", "alt": 3}"#)], &[("txt", " ")]] {
            let message = read_weighted(members).unwrap_err();
            assert!(message.contains("one of the fields txt, alt, cls, never"), "{message}");
        }
        let message = read_weighted(&[("txt", "x"), ("cls", "2")]).unwrap_err();
        assert!(message.contains("`2`, not a number from 0 to 1"), "{message}");
    }
}
