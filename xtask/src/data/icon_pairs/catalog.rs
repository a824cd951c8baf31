//! What IconPairs is made of, and what is left out of it and why.

use clap::ValueEnum;

use crate::data::emoji::Join;
use crate::data::npm::PackageId;

/// All icon sets in one package.
pub const ICONIFY: PackageId = PackageId::new("@iconify/json", "2.2.535");

/// Seed of the order of samples and of the choice of held-out concepts.
pub const SEED: u64 = 2021;

/// Concepts held out of training in all tiers.
pub const HELD_OUT_CONCEPTS: usize = 150;

/// Of the drawings for training, one in this many is for validation...
pub const VALIDATION_SHARE: usize = 50;
/// ...but no more than this.
pub const MOST_VALIDATION: usize = 2000;

/// How much is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Tier {
    /// Emoji only.
    S,
    /// Emoji and a dozen icon families.
    M,
    /// Emoji and all icon sets under a permissive licence.
    L,
}

impl Tier {
    /// The tier as written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::M => "m",
            Self::L => "l",
        }
    }
}

/// One emoji artist.
#[derive(Clone, Copy, Debug)]
pub struct Artist {
    /// Name of the set.
    pub set: &'static str,
    /// How its drawings are tied to code points.
    pub join: Join,
    /// Whether all of them are kept from training.
    pub held_out: bool,
}

const fn artist(set: &'static str, join: Join) -> Artist {
    Artist { set, join, held_out: false }
}

/// Emoji artists. An earlier one keeps a drawing that a later one repeats.
pub const ARTISTS: [Artist; 8] = [
    artist("noto", Join::CodePoint),
    artist("twemoji", Join::CodePoint),
    artist("emojione", Join::Name),
    artist("noto-v1", Join::Name),
    artist("emojione-monotone", Join::Name),
    artist("fxemoji", Join::Name),
    artist("streamline-emojis", Join::NumberedName),
    Artist { set: "fluent-emoji-flat", join: Join::CodePoint, held_out: true },
];

/// The icon families of tier M.
const FAMILIES: [&str; 12] = [
    "carbon",
    "fa7-solid",
    "game-icons",
    "healthicons",
    "icon-park",
    "lucide",
    "mdi",
    "ph",
    "pinhead",
    "solar",
    "streamline-color",
    "tabler",
];

/// Licences (SPDX) that let anybody use, change and pass on a drawing, for attribution at most.
pub const LICENCES: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "BSD-3-Clause",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC0-1.0",
    "ISC",
    "OFL-1.1",
    "Unlicense",
];

/// Iconify's category of sets that hold only logos.
pub const LOGOS: &str = "Logos";

/// The set whose names are brand names.
pub const BRANDS: &str = "simple-icons";

/// A set that draws things and no brands: the words in its names are no brand's alone.
pub const THINGS: &str = "game-icons";

/// Sets left out whatever their licence: name and reason.
const LEFT_OUT: [(&str, &str); 22] = [
    ("fluent-emoji", SAME_ARTIST),
    ("fluent-emoji-high-contrast", SAME_ARTIST),
    ("circle-flags", FLAGS),
    ("cif", FLAGS),
    ("flag", FLAGS),
    ("flagpack", FLAGS),
    ("academicons", BRAND_MARKS),
    ("catppuccin", BRAND_MARKS),
    ("devicon", BRAND_MARKS),
    ("devicon-line", BRAND_MARKS),
    ("devicon-original", BRAND_MARKS),
    ("devicon-plain", BRAND_MARKS),
    ("fa-brands", BRAND_MARKS),
    ("fa6-brands", BRAND_MARKS),
    ("file-icons", BRAND_MARKS),
    ("gcp", BRAND_MARKS),
    ("material-icon-theme", BRAND_MARKS),
    ("skill-icons", BRAND_MARKS),
    ("unjs", BRAND_MARKS),
    ("vscode-icons", BRAND_MARKS),
    ("simple-icons", BRAND_MARKS),
    ("fa7-brands", BRAND_MARKS),
];
const SAME_ARTIST: &str = "the held-out artist's drawings in other colours";
const FLAGS: &str = "country flags named by code";
const BRAND_MARKS: &str = "brand marks";

/// Why the set `name` is not used at all, if it is not.
pub fn reason_against(name: &str, licence: &str, category: &str) -> Option<String> {
    if !LICENCES.contains(&licence) {
        return Some(format!("licence {licence}"));
    }
    if category == LOGOS {
        return Some(BRAND_MARKS.to_owned());
    }
    let left_out = LEFT_OUT.iter().find(|(set, _)| *set == name);
    left_out.map(|(_, reason)| (*reason).to_owned())
}

/// Whether a tier draws the icons of a set that nothing speaks against.
pub fn draws(tier: Tier, set: &str) -> bool {
    match tier {
        Tier::S => false,
        Tier::M => FAMILIES.contains(&set),
        Tier::L => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restricting_licences_and_logos_are_refused_with_the_reason() {
        for licence in ["CC-BY-NC-4.0", "CC-BY-SA-4.0", "GPL-3.0", "MPL-2.0", "none"] {
            let reason = reason_against("ps", licence, "");
            assert!(reason.is_some_and(|reason| reason.contains(licence)));
        }
        assert!(reason_against("bxl", "MIT", LOGOS).is_some());
        assert!(reason_against("devicon", "MIT", "Programming").is_some());
        assert_eq!(reason_against("mdi", "Apache-2.0", "Material"), None);
    }

    #[test]
    fn no_drawing_of_the_held_out_artist_is_used_for_training() {
        for set in ["fluent-emoji", "fluent-emoji-high-contrast"] {
            assert!(reason_against(set, "MIT", "").is_some());
        }
        let leaks = ARTISTS.iter().filter(|artist| artist.set.starts_with("fluent"));
        assert!(leaks.into_iter().all(|artist| artist.held_out));
    }

    #[test]
    fn a_larger_tier_draws_all_that_a_smaller_one_draws() {
        assert!(FAMILIES.iter().all(|set| draws(Tier::L, set) && !draws(Tier::S, set)));
        assert!(FAMILIES.iter().all(|set| reason_against(set, "MIT", "").is_none()));
    }
}
