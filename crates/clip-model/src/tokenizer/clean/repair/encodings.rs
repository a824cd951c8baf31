//! The single-byte encodings that text is most often misread in.

use std::sync::LazyLock;

/// One of [`ENCODINGS`], by its place there.
pub type Encoding = usize;

/// The encoding whose bytes are the first 256 code points.
pub const LATIN_1: Encoding = 0;
/// Where a space after a lead byte is more likely a space.
pub const MACROMAN: Encoding = 8;

/// Characters of the bytes 0x80 to 0xff, in the order in which the encodings are tried. `.` stands
/// for the C1 control or Latin-1 character of the same number: what Windows leaves unassigned.
const ENCODINGS: [(&str, &str); 10] = [
    ("latin-1", ""),
    (
        "windows-1252",
        "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ................................\
         ................................................................",
    ),
    (
        "windows-1251",
        "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—.™љ›њќћџ.ЎўЈ.Ґ..Ё.Є....Ї..Ііґ...ё№є.јЅѕї\
         АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
    ),
    (
        "windows-1250",
        "€.‚.„…†‡.‰Š‹ŚŤŽŹ.‘’“”•–—.™š›śťžź.ˇ˘Ł.Ą....Ş....Ż..˛ł.....ąş.Ľ˝ľż\
         Ŕ..Ă.ĹĆ.Č.Ę.Ě..ĎĐŃŇ..Ő..ŘŮ.Ű..Ţ.ŕ..ă.ĺć.č.ę.ě..ďđńň..ő..řů.ű..ţ˙",
    ),
    (
        "windows-1253",
        "€.‚ƒ„…†‡.‰.‹.....‘’“”•–—.™.›.....΅Ά............―....΄...ΈΉΊ.Ό.ΎΏ\
         ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ.ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ.",
    ),
    (
        "windows-1254",
        "€.‚ƒ„…†‡ˆ‰Š‹Œ....‘’“”•–—˜™š›œ..Ÿ................................\
         ................Ğ............İŞ.................ğ............ış.",
    ),
    (
        "windows-1257",
        "€.‚.„…†‡.‰.‹.¨ˇ¸.‘’“”•–—.™.›.¯˛.........Ø.Ŗ....Æ........ø.ŗ....æ\
         ĄĮĀĆ..ĘĒČ.ŹĖĢĶĪĻŠŃŅ.Ō...ŲŁŚŪ.ŻŽ.ąįāć..ęēč.źėģķīļšńņ.ō...ųłśū.żž˙",
    ),
    (
        "iso-8859-2",
        ".................................Ą˘Ł.ĽŚ..ŠŞŤŹ.ŽŻ.ą˛ł.ľśˇ.šşťź˝žż\
         Ŕ..Ă.ĹĆ.Č.Ę.Ě..ĎĐŃŇ..Ő..ŘŮ.Ű..Ţ.ŕ..ă.ĺć.č.ę.ě..ďđńň..ő..řů.ű..ţ˙",
    ),
    (
        "macroman",
        "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø\
         ¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ",
    ),
    (
        "cp437",
        "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
         └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
    ),
];

/// For each encoding, its characters with their bytes, sorted.
static BYTES: LazyLock<Vec<Vec<(char, u8)>>> = LazyLock::new(|| {
    let encodings = 0..ENCODINGS.len();
    encodings
        .map(|encoding| {
            let mut bytes: Vec<(char, u8)> =
                upper_half(encoding).into_iter().zip(0x80_u8..=0xff).collect();
            bytes.sort_unstable();
            bytes
        })
        .collect()
});

/// Characters of the bytes 0x80 to 0xff.
pub(super) fn upper_half(encoding: Encoding) -> Vec<char> {
    let same = (0x80_u8..=0xff).map(char::from);
    let mut named = ENCODINGS[encoding].1.chars();
    same.map(|same| named.next().filter(|named| *named != '.').unwrap_or(same)).collect()
}

/// All encodings, in the order in which they are tried.
pub fn all() -> std::ops::Range<Encoding> {
    0..ENCODINGS.len()
}

/// Whether unassigned bytes stand for the code points of the same number, and the replacement
/// character for the byte 0x1a: Windows encodings as they are found in the wild.
pub fn is_sloppy(encoding: Encoding) -> bool {
    ENCODINGS[encoding].0.starts_with("windows")
}

/// The text's bytes, if the encoding has them all.
pub fn encode(text: &[char], encoding: Encoding) -> Option<Vec<u8>> {
    text.iter().map(|character| byte(*character, encoding)).collect()
}

fn byte(character: char, encoding: Encoding) -> Option<u8> {
    match character {
        '\u{1a}' if is_sloppy(encoding) => None,
        '\u{fffd}' if is_sloppy(encoding) => Some(0x1a),
        _ if character.is_ascii() => Some(character as u8),
        _ if encoding == LATIN_1 => u8::try_from(character).ok(),
        _ => {
            let bytes = &BYTES[encoding];
            let at = bytes.binary_search_by_key(&character, |(character, _)| *character).ok()?;
            Some(bytes[at].1)
        }
    }
}

/// The character of a byte in sloppy Windows-1252.
pub fn windows_1252(byte: u8) -> char {
    let named = match byte {
        0x80..=0x9f => ENCODINGS[1].1.chars().nth(usize::from(byte - 0x80)),
        _ => None,
    };
    named.filter(|named| *named != '.').unwrap_or(char::from(byte))
}
