//! What the sample corpus is made of: package names, pinned versions and splits.

use anyhow::{Result, ensure};

use crate::data::emoji::Join;
use crate::data::npm::PackageId;

/// Seed of the order in which drawings are laid out in the shards.
pub const SEED: u64 = 2021;

/// Number of training shards; samples are spread evenly over them.
pub const TRAIN_SHARDS: usize = 8;

/// Largest total size of the shards, in bytes: they live in the repository.
pub const BYTE_BUDGET: u64 = 11_000_000;

/// Licences (SPDX) under which a drawing may be shipped again in this repository.
const IMAGE_LICENCES: [&str; 5] = ["MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0", "OFL-1.1"];

/// Refuses a set whose licence is not a permissive one.
pub fn check_licence(set: &str, licence: &str) -> Result<()> {
    ensure!(
        IMAGE_LICENCES.contains(&licence),
        "the drawings of {set} are under {licence} and cannot ship with this repository \
         (only {}); take the set out of the catalogue",
        IMAGE_LICENCES.join(", "),
    );
    Ok(())
}

/// The part of the corpus a set of drawings belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Transparent background; the training loader chooses the colour behind it.
    Train,
    /// Opaque, on white: evaluation must not depend on a random draw.
    Test,
}

impl Split {
    /// Prefix of the split's shard files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// One artist's drawings.
#[derive(Clone, Copy, Debug)]
pub struct Artist {
    /// Name of the set, as in the sample keys.
    pub name: &'static str,
    /// Where the drawings come from.
    pub package: PackageId,
    /// The part of the corpus they go to.
    pub split: Split,
    /// How they are tied to code points.
    pub join: Join,
}

const fn artist(
    name: &'static str,
    package: &'static str,
    version: &'static str,
    split: Split,
    join: Join,
) -> Artist {
    Artist { name, package: PackageId::new(package, version), split, join }
}

/// All artists. An earlier training artist keeps a drawing that a later one repeats.
///
/// `fluent-emoji` and `fluent-emoji-high-contrast` are left out on purpose: they are the
/// drawings of the held-out artist in other colours, and would leak the test set.
pub const ARTISTS: [Artist; 8] = [
    artist("noto", "@iconify-json/noto", "1.2.9", Split::Train, Join::CodePoint),
    artist("twemoji", "@iconify-json/twemoji", "1.2.5", Split::Train, Join::CodePoint),
    artist("emojione", "@iconify-json/emojione", "1.2.3", Split::Train, Join::Name),
    artist("noto-v1", "@iconify-json/noto-v1", "1.2.5", Split::Train, Join::Name),
    artist(
        "emojione-monotone",
        "@iconify-json/emojione-monotone",
        "1.2.1",
        Split::Train,
        Join::Name,
    ),
    artist("fxemoji", "@iconify-json/fxemoji", "1.2.2", Split::Train, Join::Name),
    artist(
        "streamline-emojis",
        "@iconify-json/streamline-emojis",
        "1.2.4",
        Split::Train,
        Join::NumberedName,
    ),
    artist(
        "fluent-emoji-flat",
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        Split::Test,
        Join::CodePoint,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::emoji::{CLDR, EMOJIBASE, EMOJILIB};

    #[test]
    fn share_alike_and_non_commercial_sets_are_refused() {
        for licence in ["CC-BY-SA-4.0", "CC-BY-NC-4.0", "GPL-3.0"] {
            let refusal = check_licence("openmoji", licence).err().map(|error| error.to_string());
            assert!(refusal.is_some_and(|text| text.contains(licence)));
        }
        assert!(check_licence("noto", "Apache-2.0").is_ok());
    }

    #[test]
    fn drawings_of_the_held_out_artist_are_not_in_training() {
        let leaks = ARTISTS
            .iter()
            .filter(|artist| artist.split == Split::Train && artist.name.starts_with("fluent"));
        assert_eq!(leaks.count(), 0);
    }

    #[test]
    fn the_notice_names_every_package() {
        let notice = include_str!("../../../../NOTICE.md");
        let drawn = ARTISTS.iter().map(|artist| artist.package);
        for package in drawn.chain([EMOJIBASE, CLDR, EMOJILIB]) {
            assert!(notice.contains(&format!("`{}`", package.name)), "{}", package.name);
        }
    }
}
