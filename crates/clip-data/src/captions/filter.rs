//! Which captions and samples are left out on purpose.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Captions, Threshold};

/// What a caption and the numbers beside it must be. The default lets everything pass.
///
/// Of several captions those that pass are kept; a sample with none left is passed over as
/// [`Cause::Filtered`](crate::Cause::Filtered). A name with keywords is judged by the name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionFilter {
    /// The fewest words, which white space parts.
    pub min_words: usize,
    /// The most words.
    pub max_words: Option<usize>,
    /// The fewest characters (Unicode scalar values).
    pub min_chars: usize,
    /// The most characters.
    pub max_chars: Option<usize>,
    /// The least share of ASCII among the characters, from 0 to 1: a crude sieve for other scripts.
    pub min_ascii_share: f64,
    /// Conditions on the `json` member's numbers, or a table's, all of which a sample must meet.
    pub thresholds: Vec<Threshold>,
}

impl CaptionFilter {
    /// Says what is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        let ranges =
            [("words", self.min_words, self.max_words), ("chars", self.min_chars, self.max_chars)];
        for (unit, min, max) in ranges {
            if let Some(max) = max.filter(|max| *max < min.max(1)) {
                let reason = format!("max_{unit} is {max}, which with min_{unit} {min} leaves");
                return Some(format!("{reason} no caption: raise it"));
            }
        }
        let share = self.min_ascii_share;
        (!(0.0..=1.0).contains(&share))
            .then(|| format!("min_ascii_share is {share}, not between 0 and 1"))
    }

    /// The captions that pass.
    ///
    /// # Errors
    ///
    /// Why none does: what is wrong with the first.
    pub fn keep(&self, captions: Captions) -> Result<Captions, String> {
        let Captions::Weighted(mut fields) = captions else {
            self.check(captions.main())?;
            return Ok(captions);
        };
        let mut first = None;
        fields.retain_mut(|field| {
            field.texts.retain(|text| match self.check(text) {
                Ok(()) => true,
                Err(reason) => {
                    first.get_or_insert(reason);
                    false
                }
            });
            !field.texts.is_empty()
        });
        match first {
            Some(reason) if fields.is_empty() => Err(reason),
            _ => Ok(Captions::Weighted(fields)),
        }
    }

    /// Checks the numbers in a sample's `json` member.
    pub(super) fn check_numbers(&self, json: &Value) -> Result<(), String> {
        self.thresholds.iter().try_for_each(|threshold| threshold.check_json(json))
    }

    fn check(&self, caption: &str) -> Result<(), String> {
        let (words, chars) = (caption.split_whitespace().count(), caption.chars().count());
        let counts = [
            ("words", words, self.min_words..=self.max_words.unwrap_or(usize::MAX)),
            ("characters", chars, self.min_chars..=self.max_chars.unwrap_or(usize::MAX)),
        ];
        counts.into_iter().try_for_each(|(unit, count, range)| within(unit, count, &range))?;
        let ascii = caption.chars().filter(char::is_ascii).count();
        let share = ascii as f64 / chars.max(1) as f64;
        if share < self.min_ascii_share {
            return Err(format!("only {share:.2} of its caption's characters are ASCII"));
        }
        Ok(())
    }
}

fn within(unit: &str, count: usize, range: &RangeInclusive<usize>) -> Result<(), String> {
    if range.contains(&count) {
        return Ok(());
    }
    let which = if count < *range.start() { "few" } else { "many" };
    Err(format!("its caption has {count} {unit}, too {which}"))
}

#[cfg(test)]
mod tests {
    use super::super::FieldTexts;
    use super::*;

    fn filter(json: &str) -> CaptionFilter {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_default_lets_everything_pass() {
        let text = Captions::Text("x".into());
        assert_eq!(CaptionFilter::default().keep(text.clone()), Ok(text));
        assert_eq!(CaptionFilter::default().problem(), None);
    }

    #[test]
    fn each_limit_is_kept() {
        for (settings, passes, fails, reason) in [
            (r#"{"min_words": 2}"#, "a cat", "cat", "has 1 words, too few"),
            (r#"{"max_words": 2}"#, "a cat", "a cat sleeps", "has 3 words, too many"),
            (r#"{"min_chars": 3}"#, "äöü", "äö", "has 2 characters, too few"),
            (r#"{"max_chars": 3}"#, "äöü", "äöüß", "has 4 characters, too many"),
            (r#"{"min_ascii_share": 0.5}"#, "Fuß", "кот c", "0.40 of its"),
        ] {
            let filter = filter(settings);
            assert!(filter.keep(Captions::Text(passes.into())).is_ok(), "{settings}");
            let message = filter.keep(Captions::Text(fails.into())).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }

    #[test]
    fn of_several_captions_those_that_pass_are_kept() {
        let field = |texts: &[&str]| FieldTexts {
            weight: 1.0,
            texts: texts.iter().map(|text| text.to_string()).collect(),
        };
        let captions = Captions::Weighted(vec![field(&["cat", "a cat"]), field(&["pet"])]);
        let kept = filter(r#"{"min_words": 2}"#).keep(captions.clone()).unwrap();
        assert_eq!(kept, Captions::Weighted(vec![field(&["a cat"])]));
        let reason = filter(r#"{"min_words": 3}"#).keep(captions).unwrap_err();
        assert!(reason.contains("1 words"), "{reason}");
    }

    #[test]
    fn impossible_settings_are_explained() {
        for (settings, part) in [
            (r#"{"min_words": 3, "max_words": 2}"#, "max_words is 2"),
            (r#"{"max_chars": 0}"#, "max_chars is 0"),
            (r#"{"min_ascii_share": 1.5}"#, "min_ascii_share is 1.5"),
        ] {
            let message = filter(settings).problem().unwrap();
            assert!(message.contains(part), "{message}");
        }
        assert!(serde_json::from_str::<CaptionFilter>(r#"{"min_letters": 3}"#).is_err());
    }
}
