//! Values in nested JSON, by dotted path.

use serde_json::Value;

/// The values at a dotted path: `a.b` is field `b` of object `a`. A name that itself has dots is
/// found too. A list on the way stands for each of its elements, and so does one at the end.
pub(super) fn values_at<'a>(json: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    gather(json, Some(path), &mut found);
    found
}

/// The strings at a dotted path, trimmed, without empty ones.
pub(crate) fn texts_at(json: &Value, path: &str) -> Vec<String> {
    let texts = values_at(json, path).into_iter().filter_map(Value::as_str).map(str::trim);
    texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// No deeper than the parser allows JSON to be.
fn gather<'a>(json: &'a Value, path: Option<&str>, found: &mut Vec<&'a Value>) {
    match (json, path) {
        (Value::Array(elements), _) => {
            elements.iter().for_each(|element| gather(element, path, found));
        }
        (_, None) => found.push(json),
        (Value::Object(fields), Some(path)) => match (fields.get(path), path.split_once('.')) {
            (Some(value), _) => gather(value, None, found),
            (None, Some((first, rest))) => {
                if let Some(value) = fields.get(first) {
                    gather(value, Some(rest), found);
                }
            }
            (None, None) => {}
        },
        (_, Some(_)) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_go_through_objects_and_lists() {
        let json = json!({
            "title": " A cat. ",
            "alt": ["one", "", 3, ["two"]],
            "deep": {"er": {"caption": "down here"}},
            "sentences": [{"raw": "first"}, {"raw": "second"}, {"tokens": []}],
            "a.b": "dotted name",
        });
        let cases: [(&str, &[&str]); 8] = [
            ("title", &["A cat."]),
            ("alt", &["one", "two"]),
            ("deep.er.caption", &["down here"]),
            ("sentences.raw", &["first", "second"]),
            ("a.b", &["dotted name"]),
            ("deep.er", &[]),
            ("title.more", &[]),
            ("", &[]),
        ];
        for (path, texts) in cases {
            assert_eq!(texts_at(&json, path), texts, "{path}");
        }
    }
}
