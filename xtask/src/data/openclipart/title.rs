//! What a picture is called, from the title and the file name that people gave it.

use crate::data::words;

/// The title to caption a picture with: the picture's own if it has one, else the words of its
/// file name, else the name of its folder.
///
/// Many pictures carry the title of their collection, or of another picture of its maker's. A
/// title is the picture's own if it shares a word with the file name.
pub fn title(path: &str, written: &str, author: &str) -> String {
    let (folders, file) = path.rsplit_once('/').unwrap_or_default();
    let file = of_file(file, author);
    let own: Vec<String> = spoken(written);
    if own.iter().any(|word| file.contains(word)) {
        return own.join(" ");
    }
    if !file.is_empty() {
        return file.join(" ");
    }
    let folder = folders.rsplit('/').next().unwrap_or_default();
    spoken(folder).join(" ")
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
    words::words(text).iter().map(lone_digits).filter(|word| is_spoken(word)).collect()
}

fn is_spoken(word: &str) -> bool {
    let letters = word.chars().count();
    let vowel = |letter: char| "aeiouy".contains(letter) || !letter.is_ascii();
    letters > 1 && word.chars().all(char::is_alphabetic) && word.chars().any(vowel)
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

    #[test]
    fn a_pictures_own_title_is_taken() {
        let path = "science/chemistry_flask_matthew__01.png";
        assert_eq!(title(path, "Chemistry Flask", "Matthew Wardrop"), "chemistry flask");
    }

    #[test]
    fn the_title_of_a_collection_is_not() {
        let author = "Nicu Buculei";
        assert_eq!(title("animals/fish/dolphin.png", "Etiquette Icons", ""), "dolphin");
        let other = "Clipart by Nicu Buculei - jigsaw_red_10";
        assert_eq!(title("people/arrow_green_nicu_buc_05.png", other, author), "arrow green");
        assert_eq!(title("shapes/stars/star_97pt37step.png", "gramastar", ""), "star");
    }

    #[test]
    fn a_file_name_without_words_leaves_the_folder() {
        assert_eq!(title("people/stickmen/sm_008.png", "", ""), "stickmen");
        assert_eq!(title("signs_and_symbols/01.png", "", ""), "signs and symbols");
    }

    #[test]
    fn escapes_and_line_breaks_go() {
        assert_eq!(unescape("the &quot;required&quot;\n  bubbles"), "the \"required\" bubbles");
        assert_eq!(unescape("&amp;lt;"), "&lt;");
    }
}
