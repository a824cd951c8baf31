//! Pairs that aren't in shards, as samples.

use std::io::Cursor;
use std::sync::Arc;

use image::ImageFormat;
use serde_json::json;

use crate::{Fault, PairImage, PairSource, RawPair, RawSample};

/// The sample that a pair of a source would be in a shard: its image, its main caption and its
/// concept.
pub(super) fn sample_of_pair(pairs: &dyn PairSource, index: usize) -> Result<RawSample, Fault> {
    let RawPair { key, image, captions, concept } = pairs.get(index)?;
    let mut members =
        vec![image_member(image), ("txt".to_owned(), captions.main().as_bytes().to_vec())];
    if let Some(concept) = concept {
        members.push(("json".to_owned(), json!({ "concept": concept }).to_string().into_bytes()));
    }
    Ok(RawSample { key, shard: Arc::from(pairs.name()), members })
}

/// Bytes of no known format are left to be found out as such.
fn image_member(image: PairImage) -> (String, Vec<u8>) {
    let bytes = match image {
        PairImage::Encoded(bytes) => bytes,
        PairImage::Decoded(image) => {
            let mut png = Cursor::new(Vec::new());
            // Memory doesn't fail, and what were no image would be counted as undecodable.
            let _ = image.write_to(&mut png, ImageFormat::Png);
            png.into_inner()
        }
    };
    let format = image::guess_format(&bytes).unwrap_or(ImageFormat::Png);
    (format.extensions_str().first().copied().unwrap_or("png").to_owned(), bytes)
}
