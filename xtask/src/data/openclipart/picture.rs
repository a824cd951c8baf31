//! The pictures: shrunk, titled, compared.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use clip_data::{Print, on_white};
use image::{DynamicImage, RgbaImage};
use rayon::prelude::*;
use serde::Serialize;

use crate::data::deb::Deb;
use crate::data::lot::lot;
use crate::data::near::Seen;
use crate::data::output::{Span, Spool};
use crate::data::picture::{self, png};
use crate::data::progress::Progress;
use crate::data::stop::Stop;
use crate::data::words;

use super::catalog::{PICTURE_FOLDER, TEST_SHARE, UNFILED};
use super::keywords;
use super::title;

/// Pictures decoded between two looks at Ctrl-C.
const AT_ONCE: usize = 64;

/// The part of the corpus a picture belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// With the transparency of the file.
    Train,
    /// On white.
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

/// What a sample says about its image, in the order of the file.
#[derive(Clone, Debug, Serialize)]
pub struct Label {
    /// What pictures of the same thing share: the sorted words of the title.
    pub concept: String,
    /// The title.
    pub name: String,
    /// More words for it.
    pub keywords: Vec<String>,
    /// A sentence about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The category.
    pub class: String,
    /// Who drew it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub artist: String,
}

/// A picture that was read.
pub struct Picture {
    /// Path without ending: unique.
    pub key: String,
    /// Where it goes.
    pub split: Split,
    /// Title and looks.
    pub seen: Seen,
    /// What the sample says.
    pub label: Label,
    /// The PNG file.
    pub image: Span,
    /// Pixels in the package.
    pub pixels: u64,
}

/// A picture that was not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Path in the package.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Where pictures are read.
pub struct Reader<'a> {
    /// Longest side of the images in pixels.
    pub side: u32,
    /// Threads.
    pub pool: &'a rayon::ThreadPool,
    /// How far it is.
    pub progress: &'a Progress,
    /// Whether to go on.
    pub stop: &'a Stop,
    /// Keywords by path.
    pub keywords: &'a BTreeMap<String, Vec<String>>,
}

/// What came of reading.
#[derive(Default)]
pub struct Read {
    /// Pictures in the order of the package.
    pub pictures: Vec<Picture>,
    /// Those that can't be read.
    pub failures: Vec<Failure>,
    /// Pictures in folders that are no category.
    pub unfiled: usize,
}

impl Reader<'_> {
    /// Reads all pictures of a package.
    pub fn read(&self, package: &Deb, spool: &mut Spool) -> Result<Read> {
        let mut read = Read::default();
        let mut some: Vec<(String, Vec<u8>)> = Vec::new();
        package.each_file(".png", |path, bytes| {
            let path = path.strip_prefix(PICTURE_FOLDER).unwrap_or(path).to_owned();
            if path.split('/').next().is_none_or(|folder| UNFILED.contains(&folder)) {
                read.unfiled += 1;
                return Ok(());
            }
            some.push((path, bytes));
            if some.len() == AT_ONCE {
                self.read_some(&mut some, spool, &mut read)?;
            }
            Ok(())
        })?;
        self.read_some(&mut some, spool, &mut read)?;
        Ok(read)
    }

    fn read_some(
        &self,
        some: &mut Vec<(String, Vec<u8>)>,
        spool: &mut Spool,
        read: &mut Read,
    ) -> Result<()> {
        self.stop.check()?;
        let made: Vec<_> = self
            .pool
            .install(|| some.par_iter().map(|(path, bytes)| self.read_one(path, bytes)).collect());
        for ((path, _), made) in some.drain(..).zip(made) {
            match made {
                Ok((file, mut picture)) => {
                    picture.image = spool.push(&file)?;
                    read.pictures.push(picture);
                }
                Err(error) => {
                    read.failures.push(Failure { path, reason: format!("{error:#}") });
                }
            }
        }
        Ok(())
    }

    fn read_one(&self, path: &str, bytes: &[u8]) -> Result<(Vec<u8>, Picture)> {
        let shrunk = picture::shrink(bytes, self.side)?;
        let label =
            self.label(path, &shrunk.texts).context("its title and file name hold no words")?;
        let on_white = on_white(&shrunk.image);
        ensure!(on_white.pixels().any(|pixel| pixel.0 != [255; 3]), "nothing is visible");
        let seen = Seen { group: label.concept.clone(), print: Print::of(&on_white) };
        let split =
            if lot(&label.concept).is_multiple_of(TEST_SHARE) { Split::Test } else { Split::Train };
        let image = match split {
            Split::Train => opaque_if_it_is(shrunk.image),
            Split::Test => on_white.into(),
        };
        let file = png::encode(&image)?;
        let key = path.trim_end_matches(".png").replace('.', "-");
        let (width, height) = shrunk.original;
        let pixels = u64::from(width) * u64::from(height);
        self.progress.step();
        Ok((file, Picture { key, split, seen, label, image: Span::default(), pixels }))
    }

    fn label(&self, path: &str, texts: &[(String, String)]) -> Option<Label> {
        let text = |keyword: &str| {
            let found = texts.iter().find(|(name, _)| name == keyword);
            found.map(|(_, text)| title::unescape(text)).unwrap_or_default()
        };
        let artist = title::without_address(&text("Author"));
        let name = title::title(path, &text("Title"), &artist)?;
        let mut description = text("Description");
        if description.contains('@') || description.contains("http") {
            description.clear();
        }
        let folders: Vec<&str> = path.split('/').rev().skip(1).collect();
        let given = self.keywords.get(path.trim_end_matches(".png"));
        let given = given.into_iter().flatten().map(String::as_str);
        let mut keywords = keywords::merge(given.chain(folders.iter().copied()));
        let author = artist.to_lowercase();
        keywords.retain(|keyword| *keyword != name && *keyword != author);
        Some(Label {
            concept: words::concept(&words::words(&name)),
            keywords,
            description,
            class: folders.last().copied().unwrap_or_default().replace('_', " "),
            artist,
            name,
        })
    }
}

/// The image without its alpha channel if no pixel needs it.
fn opaque_if_it_is(image: RgbaImage) -> DynamicImage {
    if image.pixels().all(|pixel| pixel[3] == 255) {
        DynamicImage::from(image).into_rgb8().into()
    } else {
        image.into()
    }
}
