//! The script a text is written in.

use unicode_script::{Script, UnicodeScript};

/// The script of most letters, by its English name; `None` for a text without letters.
pub(super) fn main_script(text: &str) -> Option<&'static str> {
    let mut counts: Vec<(Script, u64)> = Vec::new();
    let letters = text.chars().filter(|character| character.is_alphabetic());
    for script in letters.map(script_of) {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    // Of equals the last wins, so the first in the text comes last.
    counts.iter().rev().max_by_key(|(_, count)| *count).map(|(script, _)| script.full_name())
}

fn script_of(letter: char) -> Script {
    if letter.is_ascii() { Script::Latin } else { letter.script() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_most_letters_wins() {
        for (text, script) in [
            ("a cat", Some("Latin")),
            ("größe", Some("Latin")),
            ("кот cat котик", Some("Cyrillic")),
            ("猫", Some("Han")),
            ("ねこと猫", Some("Hiragana")),
            ("قط", Some("Arabic")),
            ("ab кт", Some("Latin")),
            ("1, 2 🐈", None),
        ] {
            assert_eq!(main_script(text), script, "{text}");
        }
    }
}
