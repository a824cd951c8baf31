//! From a folder to labelled images.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clip_data::{
    CifarSet, DataError, LabelledFiles, LabelledImages, LabelledPixels, ShardOpener, Split,
    VocImages,
};
use md5::{Digest, Md5};
use thiserror::Error;

use super::{Dataset, Layout, Provenance};

/// How many bytes are hashed at once.
const CHUNK: usize = 1 << 18;

/// Why a data set can't be measured on.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no folder for it.
    #[error("not there: put it into {put} (get it from {home})")]
    Absent {
        /// Where it is looked for.
        put: PathBuf,
        /// Where it is published, and what else must be known.
        home: String,
    },
    /// It has no such part.
    #[error("it has no images to learn from")]
    NoTrain,
    /// Its images are not read here in its authors' layout.
    #[error("it is read from shards only: put them into {put}, as CLIP_benchmark lays them out")]
    ShardsOnly {
        /// Where they are looked for.
        put: PathBuf,
    },
    /// What is measured on it is something else than classes.
    #[error("{0} is not a set of images with one class each")]
    Task(String),
    /// It can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file is another than the published one.
    #[error("{path} is not the published file: its MD5 is {found}, not {expected}; get it again")]
    Hash {
        /// The file.
        path: PathBuf,
        /// Its sum.
        found: String,
        /// The published one's.
        expected: String,
    },
    /// It has more or fewer images, or examples of images with captions, than were published.
    #[error(
        "it has {found} {what} and not {expected}: something is missing or it is another version; \
         --any-count measures on it all the same"
    )]
    Count {
        /// Images or examples.
        found: usize,
        /// Which of the two they are.
        what: &'static str,
        /// The published numbers.
        expected: String,
    },
    /// It has more or fewer classes than were published.
    #[error("{path} has {found} classes and not {expected}: is it another data set?")]
    Classes {
        /// The folder.
        path: PathBuf,
        /// Classes.
        found: usize,
        /// The published number.
        expected: usize,
    },
}

/// A part of a data set, to be measured on.
pub struct Opened {
    /// Its images and labels.
    pub images: Box<dyn LabelledImages>,
    /// Each class's names.
    pub names: Vec<Vec<String>>,
    /// What names are put into.
    pub templates: Vec<String>,
}

impl Dataset {
    /// The folder below `root` that it is in: its name, or CLIP_benchmark's, `wds_` and the name with
    /// dashes for slashes; SugarCrepe's parts are in one.
    pub(super) fn folder(&self, root: &Path) -> Result<PathBuf, OpenError> {
        let theirs = |alias: &String| format!("wds_{}", alias.replace('/', "-"));
        let own = match &self.layout {
            Layout::SugarCrepe { .. } => "sugar_crepe",
            _ => &self.name,
        };
        let names = [own.to_owned(), theirs(&self.name)].into_iter();
        let names =
            names.chain(self.aliases.iter().cloned()).chain(self.aliases.iter().map(theirs));
        let found = names.map(|name| root.join(name)).find(|folder| folder.is_dir());
        found.ok_or_else(|| OpenError::Absent {
            put: root.join(own),
            home: match &self.note {
                Some(note) => format!("{}; {note}", self.home),
                None => self.home.clone(),
            },
        })
    }

    /// The images of a split below `root`.
    ///
    /// Shards (`test/*.tar` and `train/*.tar` with `classnames.txt`) come before the authors' own
    /// layout; their class names and templates, where they have them, before those of the registry.
    /// Numbers of images are compared with the published ones unless `any_count` is set.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&self, root: &Path, split: Split, any_count: bool) -> Result<Opened, OpenError> {
        let folder = self.folder(root)?;
        let opened = match self.shards(&folder, split)? {
            Some(opened) => opened,
            None => self.original(folder, split)?,
        };
        self.check_count(opened.images.len(), split, any_count)?;
        Ok(opened)
    }

    pub(super) fn check_count(
        &self,
        found: usize,
        split: Split,
        any_count: bool,
    ) -> Result<(), OpenError> {
        self.check_number((found, "images"), split, any_count)
    }

    pub(super) fn check_number(
        &self,
        (found, what): (usize, &'static str),
        split: Split,
        any_count: bool,
    ) -> Result<(), OpenError> {
        let expected = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        if any_count || expected.is_empty() || expected.contains(&found) {
            return Ok(());
        }
        let expected: Vec<String> = expected.iter().map(usize::to_string).collect();
        Err(OpenError::Count { found, what, expected: expected.join(" or ") })
    }

    pub(super) fn check_classes(&self, path: PathBuf, found: usize) -> Result<(), OpenError> {
        match found == self.classes {
            true => Ok(()),
            false => Err(OpenError::Classes { path, found, expected: self.classes }),
        }
    }

    /// From CLIP_benchmark's layout, or from shards of all splits in one folder.
    fn shards(&self, folder: &Path, split: Split) -> Result<Option<Opened>, OpenError> {
        let (own, together) = (folder.join(part(split)), format!("{}-", part(split)));
        let shards = if holds_shards(&own, "") {
            own.to_string_lossy().into_owned()
        } else if holds_shards(folder, &together) {
            folder.join(format!("{together}*.tar")).to_string_lossy().into_owned()
        } else {
            return Ok(None);
        };
        let images = LabelledFiles::shards(&[shards], &ShardOpener::default())?;
        let names = images.class_names().iter().map(|name| vec![name.clone()]).collect();
        let lines = fs::read_to_string(folder.join("zeroshot_classification_templates.txt"));
        let lines = lines.unwrap_or_default();
        let lines = lines.lines().filter(|line| !line.trim().is_empty());
        let mut templates: Vec<String> = lines.map(|line| line.replace("{c}", "{}")).collect();
        if templates.is_empty() {
            templates = self.templates().0.to_vec();
        }
        Ok(Some(Opened { images: Box::new(images), names, templates }))
    }

    /// From the authors' layout.
    fn original(&self, folder: PathBuf, split: Split) -> Result<Opened, OpenError> {
        self.check_files(&folder)?;
        let main = self.main_names();
        let images: Box<dyn LabelledImages> = match &self.layout {
            _ if self.has_videos() => Box::new(self.videos(&folder, split)?),
            Layout::Cifar => {
                let set = if self.classes == 10 { CifarSet::Cifar10 } else { CifarSet::Cifar100 };
                Box::new(LabelledPixels::cifar(&folder, set, split)?)
            }
            Layout::Idx { train, test } => {
                let [images, labels] = if split == Split::Train { train } else { test };
                Box::new(LabelledPixels::idx(folder.join(images), folder.join(labels), main)?)
            }
            Layout::Stl10 => Box::new(LabelledPixels::stl10(&folder, split)?),
            Layout::Svhn => Box::new(LabelledPixels::svhn(&folder, split, main)?),
            Layout::Fer2013 => Box::new(LabelledPixels::fer2013(&folder, split, main)?),
            Layout::Cars => Box::new(LabelledFiles::cars(&folder, split, main)?),
            Layout::Flowers => Box::new(LabelledFiles::flowers(&folder, split, main)?),
            Layout::Folder(layout) => {
                let part = match split {
                    Split::Train => layout.train.as_ref().ok_or(OpenError::NoTrain)?,
                    Split::Test => &layout.test,
                };
                Box::new(LabelledFiles::folder(folder.join(part))?)
            }
            Layout::List { train, test } => {
                let list = if split == Split::Train { train } else { test };
                Box::new(LabelledFiles::listed(&folder, list, main)?)
            }
            Layout::Shards => return Err(OpenError::ShardsOnly { put: folder.join(part(split)) }),
            Layout::Voc
            | Layout::Pairs
            | Layout::RareAct
            | Layout::Places
            | Layout::Winoground
            | Layout::SugarCrepe { .. }
            | Layout::Iiit5k => return Err(OpenError::Task(self.title.clone())),
        };
        self.check_classes(folder, images.class_names().len())?;
        let names = match self.names() {
            (_, Provenance::WithTheData) => {
                images.class_names().iter().map(|name| vec![name.clone()]).collect()
            }
            (names, _) => names.iter().map(|names| names.all().to_vec()).collect(),
        };
        Ok(Opened { images, names, templates: self.templates().0.to_vec() })
    }

    /// The images of VOC 2007's split below `root`; see [`open`](Self::open) on their number.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_multilabel(
        &self,
        root: &Path,
        split: Split,
        any_count: bool,
    ) -> Result<VocImages, OpenError> {
        let images = VocImages::open(self.folder(root)?, split, &self.main_names())?;
        self.check_count(images.truth().len(), split, any_count)?;
        Ok(images)
    }

    /// Files that are there must be the published ones.
    fn check_files(&self, folder: &Path) -> Result<(), OpenError> {
        for (name, expected) in &self.files {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            let found =
                md5(&path).map_err(|source| DataError::Io { path: path.clone(), source })?;
            if !expected.contains(&found) {
                return Err(OpenError::Hash { path, found, expected: expected.join(" or ") });
            }
        }
        Ok(())
    }
}

/// Whether there are `.tar` files whose names start so.
pub(super) fn holds_shards(folder: &Path, start: &str) -> bool {
    let is_shard = |entry: io::Result<fs::DirEntry>| {
        let name = entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        name.is_ok_and(|name| name.starts_with(start) && name.ends_with(".tar"))
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.any(is_shard))
}

fn part(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Test => "test",
    }
}

fn md5(path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(CHUNK, fs::File::open(path)?);
    let mut hash = Md5::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(bytes);
        let count = bytes.len();
        file.consume(count);
    }
}
