//! Sentences from reviews of movies, drawn: the task of Rendered SST2 (Radford et al. 2021, appendix
//! A.2), from VADER's rated snippets (Hutto and Gilbert 2014) and fonts of Debian.

mod snippets;
#[cfg(test)]
mod tests;
mod typeset;

use std::path::{Path, PathBuf};

use ab_glyph::FontVec;
use anyhow::{Context, Result};
use rayon::prelude::*;

use super::pypi::PypiId;
use super::shards::{Labelled, grey_png, write};
use crate::data::deb::DebId;
use snippets::Chosen;

pub use snippets::PerClass;

/// The one release whose file holds the snippets; wheels hold none.
const SNIPPETS: PypiId =
    PypiId { requirement: "vaderSentiment==0.5", prefix: "vaderSentiment-0.5", suffix: ".zip" };
/// Where they are in it.
const ARCHIVE: &str = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz";

/// A font, and the package that it is in.
struct FontId {
    package: DebId,
    /// How its path ends.
    file: &'static str,
}

/// Two without serifs and two with.
const FONTS: [FontId; 4] = [
    FontId {
        package: DebId { name: "fonts-open-sans", version: "1.11-2" },
        file: "/OpenSans-Regular.ttf",
    },
    FontId {
        package: DebId { name: "fonts-linuxlibertine", version: "5.3.0-6" },
        file: "/LinLibertine_R.otf",
    },
    FontId {
        package: DebId { name: "fonts-roboto-unhinted", version: "2:0~20170802-3" },
        file: "/Roboto-Regular.ttf",
    },
    FontId {
        package: DebId { name: "fonts-dejavu-core", version: "2.37-6" },
        file: "/DejaVuSerif.ttf",
    },
];

/// How many sentences of each class are drawn.
pub const SENTENCES: PerClass = PerClass { train: 1000, test: 500 };

/// Writes shards.
pub fn fetch(out: &Path, from: Option<&Path>, sentences: PerClass) -> Result<(PathBuf, String)> {
    let rated = snippets::read(&SNIPPETS.read(from, ARCHIVE)?)?;
    let chosen = snippets::choose(&rated, sentences)?;
    let fonts: Vec<FontVec> = FONTS.iter().map(|font| font.load(from)).collect::<Result<_>>()?;
    let images: Vec<_> =
        chosen.par_iter().map(|sentence| draw(sentence, &fonts)).collect::<Result<_>>()?;
    write(&super::folder(out, "rendered_sentiment"), &snippets::CLASSES, &images)
}

/// Fonts take turns within each class, so that none tells the class.
fn draw(sentence: &Chosen, fonts: &[FontVec]) -> Result<Labelled> {
    let font = fonts.get(sentence.number % fonts.len()).context("there are no fonts")?;
    let image = typeset::picture(sentence.text, font)?;
    Ok(Labelled { png: grey_png(&image)?, label: sentence.label, is_test: sentence.is_test })
}

impl FontId {
    fn load(&self, from: Option<&Path>) -> Result<FontVec> {
        let fetched = tempfile::tempdir().context("cannot make a folder for the download")?;
        let package = self.package.find(from.unwrap_or(fetched.path()), from.is_none())?;
        let mut found = None;
        package.each_file(self.file, |_, bytes| {
            found = Some(bytes);
            Ok(())
        })?;
        let named = || format!("{} in {}", self.file, self.package.file_name());
        let bytes = found.with_context(|| format!("there is no {}", named()))?;
        FontVec::try_from_vec(bytes).with_context(|| format!("{} is no font", named()))
    }
}
