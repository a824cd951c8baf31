//! Emoji: what they show, the words for it, and which icons of a set show which.

mod concept;
mod corrections;
mod iconset;
mod join;
mod keywords;
mod names;

pub use concept::{Concept, Concepts, read_concepts};
pub use iconset::{Credit, IconFile, IconSet};
pub use join::{Join, Joined, join};
pub use keywords::is_word;
pub use names::NameIndex;

use super::npm::PackageId;

/// Emoji list, groups, labels, tags, shortcodes and Unicode names.
pub const EMOJIBASE: PackageId = PackageId::new("emojibase-data", "17.0.0");
/// Unicode's own English names and keywords.
pub const CLDR: PackageId = PackageId::new("cldr-annotations-full", "48.2.0");
/// More English keywords.
pub const EMOJILIB: PackageId = PackageId::new("emojilib", "4.0.3");
