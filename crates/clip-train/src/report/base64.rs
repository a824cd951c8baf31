const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648, section 4), as data URIs want it.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            text.push(if digit <= group.len() { symbol(bits, digit) } else { '=' });
        }
    }
    text
}

/// The symbol of one of the four sextets, the first being the most significant.
fn symbol(bits: u32, digit: usize) -> char {
    let sextet = bits >> (18 - 6 * digit) & 63;
    char::from(ALPHABET[sextet as usize])
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn the_vectors_of_the_rfc_encode() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in vectors {
            assert_eq!(encode(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn high_bytes_reach_the_last_symbols() {
        assert_eq!(encode(&[0xff, 0xef, 0xbe, 0xfb]), "/+++".to_owned() + "+w==");
    }
}
