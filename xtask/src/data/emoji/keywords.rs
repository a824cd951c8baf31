//! One short keyword list from several sources.

/// Most keywords a concept keeps; the sources repeat themselves after that.
const MOST: usize = 12;

/// Joins keyword lists in the order of `sources`: lower-case, each once, without `name`.
pub fn merge(name: &str, sources: [&[String]; 3]) -> Vec<String> {
    let name = name.to_lowercase();
    let mut merged: Vec<String> = Vec::new();
    for keyword in sources.into_iter().flatten() {
        let keyword = keyword.to_lowercase().replace('_', " ");
        if is_word(&keyword) && keyword != name && !merged.contains(&keyword) {
            merged.push(keyword);
        }
    }
    merged.truncate(MOST);
    merged
}

/// Whether a text is made of words. Emoticons (`:D`) and single letters are not.
pub fn is_word(text: &str) -> bool {
    let allowed = |letter: char| letter.is_alphanumeric() || " -'’&.".contains(letter);
    text.chars().filter(|letter| letter.is_alphanumeric()).count() > 1 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn sources_are_joined_in_order_without_repeats_or_the_name() {
        let (cldr, emojilib, tags) = (
            list(&["face", "Grin"]),
            list(&["grinning_face", "grin", "big_smile", ":D"]),
            list(&["face", "joy", "x"]),
        );
        let merged = merge("Grinning face", [&cldr, &emojilib, &tags]);
        assert_eq!(merged, ["face", "grin", "big smile", "joy"]);
    }

    #[test]
    fn a_long_list_is_cut() {
        let many: Vec<_> = (10..40).map(|number| format!("word {number}")).collect();
        assert_eq!(merge("name", [&many, &[], &[]]), many[..MOST]);
    }
}
