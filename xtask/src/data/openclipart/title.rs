//! What a picture is called, from the title and the file name that people gave it.

use crate::data::words;

/// The title to caption a picture with: the picture's own if it has one, else the words of its
/// file name, if there are any.
///
/// Many pictures carry the title of their collection, or of another picture of its maker's. A
/// title is the picture's own if at least half of its words are in the file name, of which the
/// end is often cut off.
pub fn title(path: &str, written: &str, author: &str) -> Option<String> {
    let (folders, file) = path.rsplit_once('/').unwrap_or_default();
    let file = of_file(file, author);
    let own = spoken(written);
    let shared = own.iter().filter(|word| file.contains(word)).count();
    let words = if shared > 0 && 2 * shared >= own.len() { own } else { file };
    // A folder of white cards has files such as `white_d_j`.
    let mut folders = folders.rsplit('/');
    let repeats_folder = folders.next().is_some_and(|folder| spoken(folder) == words);
    let of_folder = repeats_folder.then(|| folders.next().map(spoken)).flatten();
    let words = [words, of_folder.unwrap_or_default()].concat();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The words of a file name such as `chemistry_flask_matthew__01`, without the author's name, of
/// which the end is often cut off.
fn of_file(file: &str, author: &str) -> Vec<String> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let author = words::words(author);
    let mut words = spoken(stem);
    while words.len() > 1
        && words.last().is_some_and(|last| author.iter().any(|name| name.starts_with(last)))
    {
        words.pop();
    }
    words
}

/// The words of a text that can be spoken: no numbers, no `bw`, no `01r`, no single letters.
fn spoken(text: &str) -> Vec<String> {
    let lone_digits = |word: &String| {
        let stem = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        stem.to_owned()
    };
    let mut words: Vec<String> =
        words::words(text).iter().map(lone_digits).filter(|word| is_spoken(word)).collect();
    // What `(B and W)` leaves, and names cut off.
    while words.last().is_some_and(|word| DANGLING.contains(&word.as_str())) {
        words.pop();
    }
    words
}

/// Words that end no title.
const DANGLING: [&str; 6] = ["a", "and", "in", "of", "the", "with"];

fn is_spoken(word: &str) -> bool {
    let letters = word.chars().count();
    let vowel = |letter: char| "aeiouy".contains(letter) || !letter.is_ascii();
    letters > 1 && word.chars().all(char::is_alphabetic) && word.chars().any(vowel)
}

/// An author without address.
pub fn without_address(author: &str) -> String {
    let words = author.split(' ').filter(|word| !word.contains('@'));
    words.collect::<Vec<_>>().join(" ")
}

/// Text without the escapes of XML, which some titles were copied with.
pub fn unescape(text: &str) -> String {
    let plain = [("&quot;", "\""), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let text = plain.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title_of(path: &str, written: &str, author: &str) -> String {
        title(path, written, author).unwrap_or_default()
    }

    #[test]
    fn a_pictures_own_title_is_taken() {
        let path = "science/chemistry_flask_matthew__01.png";
        assert_eq!(title_of(path, "Chemistry Flask", "Matthew Wardrop"), "chemistry flask");
        assert_eq!(title_of("food/perogies_bw.png", "Perogies (B and W)", ""), "perogies");
    }

    #[test]
    fn the_title_of_a_collection_is_not() {
        let author = "Nicu Buculei";
        assert_eq!(title_of("animals/fish/dolphin.png", "Etiquette Icons", ""), "dolphin");
        let other = "Clipart by Nicu Buculei - jigsaw_red_10";
        assert_eq!(title_of("people/arrow_green_nicu_buc_05.png", other, author), "arrow green");
        assert_eq!(title_of("shapes/stars/star_97pt37step.png", "gramastar", ""), "star");
        assert_eq!(
            title_of("signs/aiga_waiting_room_.png", "AIGA symbol signs", ""),
            "aiga waiting room"
        );
    }

    #[test]
    fn a_title_that_is_the_folders_name_says_what_the_folder_is_in() {
        assert_eq!(title_of("games/cards/white/white_d_j.png", "card", ""), "white cards");
    }

    #[test]
    fn without_words_there_is_no_title() {
        assert_eq!(title("people/stickmen/sm_008.png", "Stick Man", ""), None);
        assert_eq!(title("signs_and_symbols/01.png", "", ""), None);
    }

    #[test]
    fn an_address_is_no_part_of_a_name() {
        assert_eq!(without_address("zazou (shock@example.org)"), "zazou");
    }

    #[test]
    fn escapes_and_line_breaks_go() {
        assert_eq!(unescape("the &quot;required&quot;\n  bubbles"), "the \"required\" bubbles");
        assert_eq!(unescape("&amp;lt;"), "&lt;");
    }
}
