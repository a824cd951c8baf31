//! Conditions on a sample's numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lookup::values_at;

/// A condition on a number of the `json` member or of a table's column: `similarity >= 0.28`.
///
/// Written as field, comparison (`>=`, `<=`, `>` or `<`) and number; a field may be dotted. A sample
/// without the number doesn't meet the condition. A number may be written as a string.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Threshold {
    field: String,
    comparison: Comparison,
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Above,
    Below,
}

impl Comparison {
    /// In the order in which they are looked for: `>` is the start of `>=`.
    const ALL: [Self; 4] = [Self::AtLeast, Self::AtMost, Self::Above, Self::Below];

    fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        }
    }

    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::AtLeast => number >= limit,
            Self::AtMost => number <= limit,
            Self::Above => number > limit,
            Self::Below => number < limit,
        }
    }
}

impl Threshold {
    /// The field whose number is compared.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Checks a sample's `json` member; the error says why it doesn't meet the condition.
    pub(super) fn check_json(&self, json: &Value) -> Result<(), String> {
        match values_at(json, &self.field).first() {
            Some(Value::Number(number)) => self.check(number.as_f64()),
            Some(Value::String(text)) => self.check_text(text),
            _ => self.check(None),
        }
    }

    /// Checks a number in a text.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), String> {
        self.check(text.trim().parse().ok())
    }

    /// Comparison and limit.
    fn bound(&self) -> String {
        format!("{} {}", self.comparison.sign(), self.limit)
    }

    fn check(&self, number: Option<f64>) -> Result<(), String> {
        match number {
            Some(number) if self.comparison.holds(number, self.limit) => Ok(()),
            Some(number) => Err(format!("its `{}` is {number}, not {}", self.field, self.bound())),
            None => {
                Err(format!("it has no number `{}`, which must be {}", self.field, self.bound()))
            }
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let explain = || {
            format!(
                "`{text}` is no condition: write one as `similarity >= 0.28`, with >=, <=, > or <"
            )
        };
        let found = Comparison::ALL
            .into_iter()
            .find_map(|comparison| Some((comparison, text.split_once(comparison.sign())?)));
        let (comparison, (field, limit)) = found.ok_or_else(explain)?;
        let limit: f64 = limit.trim().parse().map_err(|_| explain())?;
        let field = field.trim();
        if field.is_empty() || !limit.is_finite() {
            return Err(explain());
        }
        Ok(Self { field: field.to_owned(), comparison, limit })
    }
}

impl TryFrom<String> for Threshold {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Threshold> for String {
    fn from(threshold: Threshold) -> Self {
        threshold.to_string()
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.bound())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meets(condition: &str) -> bool {
        let json = json!({"similarity": 0.3, "width": "64", "clip": {"score": 1}, "punsafe": null});
        condition.parse::<Threshold>().unwrap().check_json(&json).is_ok()
    }

    #[test]
    fn numbers_are_compared() {
        for condition in
            ["similarity>=0.3", "similarity <= 0.3", "width > 63", "clip.score < 1.5", "width<=64"]
        {
            assert!(meets(condition), "{condition}");
        }
        for condition in
            ["similarity > 0.3", "width >= 65", "clip.score < 1", "punsafe <= 1", "height >= 0"]
        {
            assert!(!meets(condition), "{condition}");
        }
    }

    #[test]
    fn a_failed_condition_says_what_was_found() {
        let threshold: Threshold = "similarity >= 0.28".parse().unwrap();
        let message = threshold.check_json(&json!({"similarity": 0.1})).unwrap_err();
        assert_eq!(message, "its `similarity` is 0.1, not >= 0.28");
        let message = threshold.check_text("much").unwrap_err();
        assert_eq!(message, "it has no number `similarity`, which must be >= 0.28");
    }

    #[test]
    fn conditions_are_text_in_settings() {
        let threshold: Threshold = serde_json::from_str(r#""a.b>=2""#).unwrap();
        assert_eq!(serde_json::to_string(&threshold).unwrap(), r#""a.b >= 2""#);
        assert_eq!(threshold.field(), "a.b");
        for bad in ["a", "a == 2", ">= 2", "a >= x", "a >= nan", "", "a > = 2"] {
            let message = bad.parse::<Threshold>().unwrap_err();
            assert!(message.contains("write one as"), "{message}");
        }
    }
}
