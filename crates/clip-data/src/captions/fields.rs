//! Where a sample's captions are.

use serde::{Deserialize, Serialize};

/// The field that stands for the `txt` member.
pub(super) const TEXT_MEMBER: &str = "txt";

/// The field that stands for the class in the `cls` member.
pub(super) const CLASS_MEMBER: &str = "cls";

/// A place where captions are, and how often one is drawn from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionField {
    /// `txt` for that member, `cls` for the name of the class whose number (or name) that member
    /// holds, or else a field of the `json` member, dotted where it is nested (`blip.caption`). The
    /// field holds a string or a list of strings, each of which is as likely as the others.
    pub field: String,
    /// Share of the draws. The weights of several fields needn't sum to one, and a sample without
    /// one of the fields divides its weight among the others in proportion to theirs.
    #[serde(default = "default_weight")]
    pub weight: f32,
}

fn default_weight() -> f32 {
    1.0
}

impl CaptionField {
    /// A field with weight one.
    pub fn new(field: impl Into<String>) -> Self {
        Self { field: field.into(), weight: default_weight() }
    }

    /// Says why one caption can't be drawn from these fields, if so.
    pub(crate) fn problem(fields: &[Self]) -> Option<String> {
        let bad = |field: &&Self| !field.weight.is_finite() || field.weight < 0.0;
        if let Some(bad) = fields.iter().find(bad) {
            let CaptionField { field, weight } = bad;
            return Some(format!("the weight of `{field}` is {weight}: give it zero or more"));
        }
        if fields.iter().any(|field| field.field.is_empty()) {
            return Some("a caption field has an empty name".to_owned());
        }
        let named = |name: &str| fields.iter().filter(|field| field.field == name).count();
        if let Some(twice) = fields.iter().find(|field| named(&field.field) > 1) {
            let field = &twice.field;
            return Some(format!("the caption field `{field}` is there twice: add up its weights"));
        }
        (!fields.is_empty() && fields.iter().all(|field| field.weight == 0.0))
            .then(|| "every caption field has weight 0: give one more".to_owned())
    }
}

/// Which members of a sample, and which fields of its `json` member, hold what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The names of the classes that the `cls` members number, for the weighted field `cls`. Without
    /// any, the member holds the class's name itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// Sentences with one `{}` each for the class's name, equally likely; without any, the caption
    /// is the bare name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_templates: Vec<String>,
    /// Where captions are drawn from. While it is empty, they come from the `txt` member or else
    /// from `name` and `keywords`; otherwise from these fields alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weighted: Vec<CaptionField>,
}

impl Default for CaptionFields {
    fn default() -> Self {
        let [name, keywords, frames, concept] =
            ["name", "keywords", "frames", "concept"].map(str::to_owned);
        Self {
            name,
            keywords,
            frames,
            concept,
            class_names: Vec::new(),
            class_templates: Vec::new(),
            weighted: Vec::new(),
        }
    }
}

impl CaptionFields {
    /// Says what is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        let uses_class = self.weighted.iter().any(|field| field.field == CLASS_MEMBER);
        let has_classes = !(self.class_names.is_empty() && self.class_templates.is_empty());
        if has_classes && !uses_class {
            return Some(
                "class_names and class_templates do nothing unless `cls` is a weighted field"
                    .to_owned(),
            );
        }
        if self.class_names.iter().any(|name| name.trim().is_empty()) {
            return Some("one of class_names is empty: name every class".to_owned());
        }
        if let Some(bad) = self.class_templates.iter().find(|template| !template.contains("{}")) {
            return Some(format!("the template `{bad}` has no `{{}}` for the class's name"));
        }
        CaptionField::problem(&self.weighted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Option<String> {
        serde_json::from_str::<CaptionFields>(json).unwrap().problem()
    }

    #[test]
    fn possible_settings_have_no_problem() {
        assert_eq!(CaptionFields::default().problem(), None);
        let json = r#"{"class_names": ["cat"], "class_templates": ["a {}"],
            "weighted": [{"field": "cls"}, {"field": "blip.caption", "weight": 0.0}]}"#;
        assert_eq!(problem(json), None);
    }

    #[test]
    fn impossible_settings_are_explained() {
        for (json, part) in [
            (r#"{"weighted": [{"field": "a", "weight": -1}]}"#, "weight of `a` is -1"),
            (r#"{"weighted": [{"field": "a", "weight": 0}]}"#, "every caption field has weight 0"),
            (r#"{"weighted": [{"field": ""}]}"#, "empty name"),
            (r#"{"weighted": [{"field": "a"}, {"field": "a"}]}"#, "`a` is there twice"),
            (r#"{"class_names": ["cat"]}"#, "unless `cls` is a weighted field"),
            (r#"{"weighted": [{"field": "cls"}], "class_names": [" "]}"#, "name every class"),
            (r#"{"weighted": [{"field": "cls"}], "class_templates": ["a"]}"#, "`a` has no `{}`"),
        ] {
            let message = problem(json).unwrap();
            assert!(message.contains(part), "{message}");
        }
        let unknown = r#"{"weighted": [{"field": "a", "share": 1}]}"#;
        assert!(serde_json::from_str::<CaptionFields>(unknown).is_err());
    }

    #[test]
    fn settings_without_weighted_fields_are_written_as_before() {
        let json = serde_json::to_string(&CaptionFields::default()).unwrap();
        let before =
            r#"{"name":"name","keywords":"keywords","frames":"frames","concept":"concept"}"#;
        assert_eq!(json, before);
    }
}
