/// Makes text safe both between tags and inside a double-quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // HTML forbids other control characters, even as character references.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Escapes a heading and keeps its hyphenated words, such as names of data sets, on one line
/// unless they could be wider than a telephone.
pub(super) fn unbroken(text: &str) -> String {
    let word = |word: &str| match escape(word) {
        safe if word.contains('-') && word.chars().count() <= 24 => {
            format!("<span class=\"word\">{safe}</span>")
        }
        safe => safe,
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyphenated_words_stay_whole() {
        let html = unbroken("of fluent-emoji <right>");
        assert_eq!(html, "of <span class=\"word\">fluent-emoji</span> &lt;right&gt;");
    }

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape(r#"<b a="1">R&D's</b>"#),
            "&lt;b a=&quot;1&quot;&gt;R&amp;D&#39;s&lt;/b&gt;"
        );
    }

    #[test]
    fn other_scripts_and_emoji_pass_and_controls_do_not() {
        assert_eq!(escape("größe 猫 🐈\0"), "größe 猫 🐈\u{fffd}");
    }
}
