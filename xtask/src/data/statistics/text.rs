//! Text and numbers as the page shows them.

/// Makes text safe both between tags and inside a double-quoted attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // HTML forbids other control characters, even as character references.
            other if other.is_control() && !matches!(other, '\n' | '\t') => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// Foreign text as an element that keeps its direction to itself.
pub fn foreign(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// A whole number with thousands separated: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 image`, `2 images`.
pub fn things(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `part` of `whole` in per cent, of which only all reads as 100% and only none as 0%.
pub fn percent(part: u64, whole: u64) -> String {
    match part as f64 / whole as f64 * 100.0 {
        value if !value.is_finite() => "—".to_owned(),
        value if value == 0.0 || value == 100.0 => format!("{value}%"),
        value if value > 99.9 => ">99.9%".to_owned(),
        value if value < 0.01 => "<0.01%".to_owned(),
        value if value < 1.0 => format!("{value:.2}%"),
        value => format!("{value:.1}%"),
    }
}

/// About three significant digits: `1,234`, `12.3`, `1.23`, `0.00123`.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => count(value.round() as u64),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => trimmed(format!("{value:.1}")),
        size if size >= 0.1 => trimmed(format!("{value:.2}")),
        size if size > 0.0 => trimmed(format!("{value:.5}")),
        _ => "0".to_owned(),
    }
}

/// Bytes in decimal units: `812 B`, `1.2 kB`, `3.4 GB`.
pub fn bytes(number: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = number;
    for unit in units {
        if value < 999.5 || unit == "PB" {
            return format!("{} {unit}", short(value));
        }
        value /= 1000.0;
    }
    String::new()
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_controls_become_text() {
        assert_eq!(
            escape("<b a=\"1\">R&D's</b>\0"),
            "&lt;b a=&quot;1&quot;&gt;R&amp;D&#39;s&lt;/b&gt;\u{fffd}"
        );
        assert_eq!(foreign("größe 猫\n"), "<bdi>größe 猫\n</bdi>");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([things(1, "image"), things(1200, "image")], ["1 image", "1,200 images"]);
        let shares = [(0, 5), (5, 5), (9999, 10_000), (1, 100_000), (1, 300), (1, 3), (0, 0)];
        let texts = ["0%", "100%", ">99.9%", "<0.01%", "0.33%", "33.3%", "—"];
        assert_eq!(shares.map(|(part, whole)| percent(part, whole)), texts);
        assert_eq!(
            [0.0, 0.0016, 1.5, 12.34, 100.4, 2040.0].map(short),
            ["0", "0.0016", "1.5", "12.3", "100", "2,040"]
        );
        assert_eq!(
            [812.0, 1234.0, 999_700.0, 3.4e9].map(bytes),
            ["812 B", "1.23 kB", "1 MB", "3.4 GB"]
        );
    }
}
