//! The words of a caption.

use unicode_segmentation::UnicodeSegmentation;

/// English words that say little about an image, and would fill every ranking; sorted.
const STOP_WORDS: [&str; 97] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "around", "as", "at", "be",
    "been", "before", "behind", "being", "between", "but", "by", "can", "could", "do", "does",
    "down", "each", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "if",
    "in", "into", "is", "it", "it's", "its", "just", "like", "me", "more", "my", "near", "next",
    "no", "not", "of", "off", "on", "one", "or", "other", "our", "out", "over", "she", "so",
    "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "through", "to", "two", "under", "up", "very", "was", "we", "were", "what", "when",
    "where", "which", "while", "who", "will", "with", "would", "you", "your", "yours", "yourself",
];

/// Calls `each` for the words of a text in lower case, by Unicode's rules (UAX 29): punctuation is
/// left out, and each Han character is a word of its own. Returns how many there were.
pub(super) fn for_each_word(text: &str, mut each: impl FnMut(&str)) -> u64 {
    let mut count = 0;
    let mut lower = String::new();
    for word in text.unicode_words() {
        lower.clear();
        lower.extend(word.chars().flat_map(char::to_lowercase));
        each(&lower);
        count += 1;
    }
    count
}

/// Whether a word in lower case is one that every text has.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_by_unicodes_rules() {
        let mut words = Vec::new();
        let count = for_each_word("The cat's HAT, größe-42 猫犬! <b>", |word| {
            words.push(word.to_owned());
        });
        assert_eq!(words, ["the", "cat's", "hat", "größe", "42", "猫", "犬", "b"]);
        assert_eq!(count, 8);
        assert_eq!(for_each_word(" …!? ", |_| ()), 0);
    }

    #[test]
    fn stop_words_can_be_found_by_halving() {
        assert!(STOP_WORDS.is_sorted());
        assert!(is_stop_word("the") && is_stop_word("it's") && !is_stop_word("cat"));
    }
}
