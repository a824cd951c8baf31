//! `report.json` and `README.md`: what the corpus was made of and what came out.

use std::collections::{BTreeMap, BTreeSet};

use clip_data::IndexedShard;
use serde::Serialize;

use crate::data::deb::Deb;
use crate::data::near::{self, Overlap};

use super::catalog::{LICENCE, MOST_OF_TITLE, SEED};
use super::picture::{Failure, Picture, Split};
use super::select::LeftOut;

/// Everything needed to make the corpus again and to see that it is the same.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Longest side of the images in pixels.
    pub image_side: u32,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Training pictures, and different titles.
    pub train: [usize; 2],
    /// Test pictures, and different titles.
    pub test: [usize; 2],
    /// Pictures by category: training and test.
    pub classes: BTreeMap<String, [usize; 2]>,
    /// Pictures that were compared and left out.
    pub left_out: LeftOut,
    /// Pictures in folders that are no category.
    pub unfiled: usize,
    /// Pictures that could not be used, with the reason.
    pub failures: Vec<Failure>,
    /// Pixels of the largest picture in the package.
    pub largest_picture: u64,
    /// What the test has in common with training.
    pub overlap: Overlap,
    /// Packages it was made from.
    pub packages: Vec<PackageRecord>,
    /// Shard files.
    pub shards: Vec<IndexedShard>,
}

/// One package.
#[derive(Debug, Serialize)]
pub struct PackageRecord {
    name: &'static str,
    version: &'static str,
    licence: &'static str,
    bytes: u64,
}

impl PackageRecord {
    /// The record of a package.
    pub fn new(package: &Deb) -> Self {
        let (name, version) = (package.id.name, package.id.version);
        Self { name, version, licence: LICENCE, bytes: package.bytes }
    }
}

impl Report {
    /// A report of `pictures` alone.
    pub fn new(image_side: u32, pictures: &[Picture]) -> Self {
        let mut classes: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for picture in pictures {
            let counts = classes.entry(picture.label.class.clone()).or_default();
            counts[usize::from(picture.split == Split::Test)] += 1;
        }
        let count = |split: Split| {
            let of_split = || pictures.iter().filter(|picture| picture.split == split);
            let titles: BTreeSet<_> = of_split().map(|picture| &picture.seen.group).collect();
            [of_split().count(), titles.len()]
        };
        Self {
            image_side,
            seed: SEED,
            train: count(Split::Train),
            test: count(Split::Test),
            classes,
            left_out: LeftOut::default(),
            unfiled: 0,
            failures: Vec::new(),
            largest_picture: 0,
            overlap: Overlap::default(),
            packages: Vec::new(),
            shards: Vec::new(),
        }
    }

    /// Size of all shards in bytes.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }

    /// A Markdown table of the splits.
    pub fn split_table(&self) -> String {
        let [(train, train_titles), (test, test_titles)] =
            [self.train, self.test].map(|[pictures, titles]| (pictures, titles));
        format!(
            "| split | pictures | titles |
|---|---:|---:|
| train | {train} | {train_titles} |
| test | {test} | {test_titles} |
"
        )
    }

    /// The text of `README.md`.
    pub fn readme(&self) -> String {
        let classes = self
            .classes
            .iter()
            .map(|(class, [train, test])| format!("| {class} | {train} | {test} |\n"));
        let packages = self.packages.iter().map(|package| {
            format!("| `{}` | {} | {} |\n", package.name, package.version, package.licence)
        });
        format!(
            "# Open Clip Art

Clip art in the public domain with the titles, keywords and categories people gave it.

{splits}
A title is never in both splits. The shards are in
[webdataset](https://github.com/webdataset/webdataset) layout. A sample is `PATH.png`, `PATH.json`
with `concept` (the sorted words of the title), `name` (the title), `keywords`, `description`,
`class` (the category) and `artist`, and `PATH.cls`, the number of the class by its line in
`classnames.txt`.

The longest side of an image is at most {side} pixels; the largest picture of the package has
{largest} pixels and was shrunk row by row. Training images keep their transparency, for the
loader to put a colour behind; test images are on white.

Where the title is that of a collection, or of another picture, the words of the file name are
the title.

## Categories

| class | train | test |
|---|---:|---:|
{classes}
## What is not in it

- Pictures in folders that are no category (`special`, `unsorted`) or hold brand marks: {unfiled}.
- The same picture again under one title: {repeats}. Beyond {most} of one title, drawn by lot:
  {frequent}. Training pictures that look the same as a test picture: {in_test}.
- Links: the package files some pictures in several folders; only the first is used.
- Pictures that could not be read, in which nothing is visible on white, or whose title and file
  name hold no words: {failures}; `failures` in `report.json` names them.

## How far the test is from training

Each test picture, on white, was compared with every training picture, by 64-bit difference hash
(9 x 8 grey) and by mean absolute pixel difference of 16 x 16 copies. As titles are not shared,
all of these are pictures of other titles.

| of {tests} test pictures, those with a training picture | |
|---|---:|
{rows}
## How to make it again

```
cargo xtask data openclipart --size {side} --out DIR
```

fetches these packages with `apt-get download` (or takes them from `--from DIR`). The same
packages give the same bytes, whatever the number of threads. `report.json` is written last, with
the checksum of every shard: a folder without it is not complete.

| package | version | licence |
|---|---|---|
{packages}",
            splits = self.split_table(),
            side = self.image_side,
            largest = self.largest_picture,
            classes = classes.collect::<String>(),
            unfiled = self.unfiled,
            repeats = self.left_out.repeats,
            most = MOST_OF_TITLE,
            frequent = self.left_out.of_frequent_titles,
            in_test = self.left_out.in_test,
            failures = self.failures.len(),
            tests = self.overlap.pictures,
            rows = near::rows([&self.overlap.other_group]),
            packages = packages.collect::<String>(),
        )
    }
}
