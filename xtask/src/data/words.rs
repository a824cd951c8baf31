//! Words in the names that makers of pictures gave.

use std::collections::BTreeSet;

/// The words of a name such as `arrow-left-2`: lower-case, without numbers at the end, which
/// only tell drawings of one thing apart.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    while words.len() > 1 && words.last().is_some_and(|word| is_number(word)) {
        words.pop();
    }
    words
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether words can caption a picture: some word has more than one letter.
pub fn speak(words: &[String]) -> bool {
    let letters = |word: &String| word.chars().filter(|letter| letter.is_alphabetic()).count();
    words.iter().any(|word| letters(word) > 1)
}

/// What drawings of these words share: `left-arrow` and `arrow-left` are one concept. The
/// beginning keeps it apart from code points, which can look like words (`face`).
pub fn concept(words: &[String]) -> String {
    let sorted: BTreeSet<&str> = words.iter().map(String::as_str).collect();
    let joined: Vec<&str> = sorted.into_iter().collect();
    format!("name:{}", joined.join("-"))
}

/// A category as text: `FoodDrink` and `Food / Drink` are `food drink`.
pub fn category(name: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            text.push(' ');
        }
        text.push(if letter.is_alphanumeric() { letter } else { ' ' });
        before = letter;
    }
    words(&text).join(" ")
}

/// Whether the words `part` stand in `whole` one after another, in singular or plural.
pub fn contains(whole: &[String], part: &[String]) -> bool {
    let same = |(left, right): (&String, &String)| singular(left) == singular(right);
    whole.windows(part.len().max(1)).any(|window| window.iter().zip(part).all(same))
}

/// A word without the `s` of most plurals: good enough to compare, not to show.
fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn numbers_at_the_end_are_no_words_unless_alone() {
        assert_eq!(words("arrow-left-2"), ["arrow", "left"]);
        assert_eq!(words("Grid_3x3"), ["grid", "3x3"]);
        assert_eq!(words("24-hours"), ["24", "hours"]);
        assert_eq!(words("360"), ["360"]);
    }

    #[test]
    fn numbers_and_single_letters_caption_nothing() {
        assert!(speak(&words("tv-2")));
        assert!(!speak(&words("a-1")));
        assert!(!speak(&words("360")));
        assert!(!speak(&words("---")));
    }

    #[test]
    fn the_order_of_words_does_not_make_a_concept() {
        assert_eq!(concept(&words("left-arrow")), concept(&words("arrow-left-03")));
        assert_eq!(concept(&words("face")), "name:face");
    }

    #[test]
    fn a_category_is_split_at_capitals_and_signs() {
        assert_eq!(category("FoodDrink"), "food drink");
        assert_eq!(category("Account / User"), "account user");
        assert_eq!(category("AV"), "av");
    }

    #[test]
    fn whole_words_are_found_in_singular_and_plural() {
        assert!(contains(&list("beach umbrellas off"), &list("umbrella")));
        assert!(contains(&list("hot air balloon"), &list("air balloon")));
        assert!(!contains(&list("keyboard"), &list("key")));
        assert!(!contains(&list("balloon air"), &list("air balloon")));
        assert!(!contains(&list("glass"), &list("glas")));
        assert!(!contains(&list("key"), &list("key ring")));
    }
}
