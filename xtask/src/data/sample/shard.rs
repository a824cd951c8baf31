//! webdataset shards that are the same bytes whenever and wherever they are made.

use anyhow::{Context, Result};
use flate2::{Compression, Crc, GzBuilder};
use image::DynamicImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::data::emoji::{Concept, Concepts};
use crate::data::output;
use crate::data::picture::png;

use super::catalog::{SEED, Split};
use super::drawing::Drawing;

/// What the recipe says about a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShardRecord {
    /// File name.
    pub file: String,
    /// Number of samples.
    pub samples: usize,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// CRC-32 of the file, in hexadecimal.
    pub crc32: String,
}

/// A finished shard, in memory.
pub struct Shard {
    /// What the recipe says about it.
    pub record: ShardRecord,
    /// The `.tar.gz` file.
    pub bytes: Vec<u8>,
}

/// What a sample says about its image, in the order of the JSON file.
#[derive(Serialize)]
struct Label<'a> {
    concept: &'a str,
    name: &'a str,
    keywords: &'a [String],
    artist: &'a str,
    group: &'a str,
}

/// Packs drawings, in an order drawn from the fixed seed, into `count` shards.
pub fn pack(
    split: Split,
    count: usize,
    drawings: &[Drawing],
    concepts: &Concepts,
) -> Result<Vec<Shard>> {
    let mut order: Vec<&Drawing> = drawings.iter().collect();
    order.sort_by(|left, right| left.key.cmp(&right.key));
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let per_shard = order.len().div_ceil(count).max(1);
    let shards = order.chunks(per_shard).enumerate().map(|(number, drawings)| {
        let file = format!("{}-{number:03}.tar.gz", split.name());
        shard(file, split, drawings, concepts)
    });
    shards.collect()
}

fn shard(file: String, split: Split, drawings: &[&Drawing], concepts: &Concepts) -> Result<Shard> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    for drawing in drawings {
        let concept = concepts
            .get(&drawing.concept)
            .with_context(|| format!("{} shows an unknown concept", drawing.key))?;
        let image = png::encode(&picture(drawing, split))?;
        output::append(&mut archive, &format!("{}.{}", drawing.key, png::EXTENSION), &image)?;
        output::append(&mut archive, &format!("{}.json", drawing.key), &label(drawing, concept)?)?;
    }
    let bytes = archive.into_inner()?.finish()?;
    let mut crc = Crc::new();
    crc.update(&bytes);
    let record = ShardRecord {
        file,
        samples: drawings.len(),
        bytes: bytes.len() as u64,
        crc32: format!("{:08x}", crc.sum()),
    };
    Ok(Shard { record, bytes })
}

fn picture(drawing: &Drawing, split: Split) -> DynamicImage {
    match split {
        Split::Train => drawing.image.clone().into(),
        Split::Test => drawing.on_white.clone().into(),
    }
}

fn label(drawing: &Drawing, concept: &Concept) -> Result<Vec<u8>> {
    let label = Label {
        concept: &drawing.concept,
        name: &concept.name,
        keywords: &concept.keywords,
        artist: drawing.artist.name,
        group: &concept.group,
    };
    Ok(serde_json::to_vec(&label)?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use image::{Rgba, RgbaImage};

    use super::super::catalog::ARTISTS;
    use super::*;

    fn corpus() -> (Vec<Drawing>, Concepts) {
        let concept =
            Concept { name: "sun".into(), keywords: vec!["day".into()], group: "sky".into() };
        let concepts = Concepts::from([("2600".to_owned(), concept)]);
        let image = RgbaImage::from_pixel(4, 4, Rgba([200, 100, 0, 128]));
        let drawings = (0..5)
            .map(|number| Drawing::new(format!("a-{number}"), "2600", ARTISTS[0], image.clone()))
            .collect();
        (drawings, concepts)
    }

    fn members(shard: &Shard) -> Result<Vec<(String, u64, Vec<u8>)>> {
        let mut archive = tar::Archive::new(GzDecoder::new(shard.bytes.as_slice()));
        let mut members = Vec::new();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            let name = entry.path()?.to_string_lossy().into_owned();
            members.push((name, entry.header().mtime()?, bytes));
        }
        Ok(members)
    }

    #[test]
    fn every_drawing_is_in_one_shard_with_image_before_label() -> Result<()> {
        let (drawings, concepts) = corpus();
        let shards = pack(Split::Train, 2, &drawings, &concepts)?;
        assert_eq!(shards.iter().map(|shard| shard.record.samples).collect::<Vec<_>>(), [3, 2]);
        let mut seen = Vec::new();
        for shard in &shards {
            for pair in members(shard)?.chunks(2) {
                let stem = pair[0].0.trim_end_matches(".png");
                assert_eq!(pair[1].0, format!("{stem}.json"));
                assert_eq!(pair[0].1, 0);
                seen.push(stem.to_owned());
            }
        }
        seen.sort();
        assert_eq!(seen, ["a-0", "a-1", "a-2", "a-3", "a-4"]);
        Ok(())
    }

    #[test]
    fn only_training_images_are_transparent() -> Result<()> {
        let (drawings, concepts) = corpus();
        for (split, transparent) in [(Split::Train, true), (Split::Test, false)] {
            let shards = pack(split, 1, &drawings, &concepts)?;
            let image = image::load_from_memory(&members(&shards[0])?[0].2)?;
            assert_eq!(image.color().has_alpha(), transparent);
        }
        Ok(())
    }

    #[test]
    fn the_order_of_the_input_does_not_matter() -> Result<()> {
        let (mut drawings, concepts) = corpus();
        let first = pack(Split::Train, 1, &drawings, &concepts)?;
        drawings.reverse();
        let second = pack(Split::Train, 1, &drawings, &concepts)?;
        assert_eq!(first[0].bytes, second[0].bytes);
        Ok(())
    }
}
