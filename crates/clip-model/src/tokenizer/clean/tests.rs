use super::*;

#[test]
fn sigma_at_the_end_of_a_word_is_final() {
    assert_eq!(lower("ΟΔΟΣ ΟΔΟΣ'Α Σ"), "οδος οδοσ'α σ");
}

#[test]
fn characters_newer_than_unicode_14_keep_their_case() {
    // LATIN CAPITAL LETTER S WITH DIAGONAL STROKE came with Unicode 16.
    assert_eq!(lower("\u{a7cc}A\u{a7cc}Σ"), "\u{a7cc}a\u{a7cc}σ");
    assert_eq!(lower("A\u{295}Σ \u{1171e}İ"), "a\u{295}ς \u{1171e}i\u{307}");
}

#[test]
fn cleanings_are_open_clip_s() {
    let text = " The_dog’s\u{a0} <b>\n";
    assert_eq!(Cleaning::None.clean(text), text);
    assert_eq!(Cleaning::Whitespace.clean(text), "The_dog's <b>");
    assert_eq!(Cleaning::Lower.clean(text), "the_dog's <b>");
    assert_eq!(Cleaning::Canonicalize.clean(text), "the dogs b");
}
