//! What follows the members of a tar.

use std::io::{self, BufRead};

/// The end mark is two blocks of so many zeros.
const BLOCK: usize = 512;

/// Reads what follows the first block of zeros: another one at least, and nothing but zeros.
///
/// For a compressed shard this also reads the check sum at its end.
pub(super) fn problem(rest: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut zeros = 0;
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.is_empty() {
            let cut = zeros < BLOCK;
            return Ok(cut.then(|| "the end mark is cut: fetch or write it again".to_owned()));
        }
        if bytes.iter().any(|byte| *byte != 0) {
            let reason = "readers pass over the bytes behind the end mark: repair the shard";
            return Ok(Some(reason.to_owned()));
        }
        zeros += bytes.len();
        let read = bytes.len();
        rest.consume(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zeros_may_follow_and_a_block_of_them_must() {
        let said = |bytes: &[u8]| problem(&mut &*bytes).unwrap().unwrap_or_default();
        assert_eq!(said(&[0; 512]), "");
        assert_eq!(said(&[0; 9_728]), "");
        for length in [0, 1, 511] {
            assert!(said(&[0; 511][..length]).contains("end mark is cut"));
        }
        let mut more = vec![0; 1024];
        more.extend([7; 512]);
        assert!(said(&more).contains("behind the end mark"));
    }
}
