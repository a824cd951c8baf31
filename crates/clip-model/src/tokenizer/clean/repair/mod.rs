//! Repair of what is wrong with a text before anyone looks at its words.

mod bytes;
mod characters;
mod compose;
mod effort;
mod encodings;
mod entities;
mod fix;
mod mojibake;
mod recode;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::unicode::is_python_space;
use fix::fix_text;

/// What both tokenizers call `basic_clean`: ftfy's `fix_text`, then HTML references twice.
pub fn repair(text: &str) -> Cow<'_, str> {
    match fix_text(text) {
        // A text without references, which fixing does not add to.
        Cow::Borrowed(fixed) => fixed.trim_matches(is_python_space).into(),
        Cow::Owned(fixed) => {
            let once = entities::unescape(&fixed);
            entities::unescape(&once).trim_matches(is_python_space).to_owned().into()
        }
    }
}
