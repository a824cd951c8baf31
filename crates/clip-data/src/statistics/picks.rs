//! Samples picked at random, to be looked at.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use image::ImageFormat;
use rand::RngCore;

use super::config::StatisticsConfig;
use super::start_of;
use crate::{Stream, decode_image, sample_rng};

/// Encoded images above this are shrunk when picked, so that picks take little memory.
const MAX_BYTES: usize = 1 << 20;

/// What a large image is shrunk to fit into, in pixels.
const SHRUNK_SIDE: u32 = 512;

/// A caption may be of any length; more isn't read on a page.
const MAX_CHARACTERS: usize = 400;

/// A sample picked at random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The sample's key.
    pub key: String,
    /// The shard or folder it came from.
    pub shard: Arc<str>,
    /// The start of its caption; `None` when it has none.
    pub caption: Option<String>,
    /// Its encoded image, shrunk where it was large; empty when that failed.
    pub image: Vec<u8>,
}

/// The samples with the lowest random numbers, which depend on seed and place alone: a fair choice
/// that is the same whatever the threads.
pub(super) struct Picks {
    picked: BTreeMap<[u64; 3], Pick>,
    limit: usize,
    seed: u64,
    max_pixels: u64,
}

impl Picks {
    pub fn new(config: &StatisticsConfig) -> Self {
        let (limit, seed, max_pixels) = (config.picks, config.seed, config.max_pixels);
        Self { picked: BTreeMap::new(), limit, seed, max_pixels }
    }

    /// Offers the sample at a place: part and number in it.
    pub fn offer(&mut self, [part, number]: [u64; 2], pick: impl FnOnce() -> Pick) {
        let rank = sample_rng(self.seed, part, number, Stream::Pick).next_u64();
        let place = [rank, part, number];
        let full = self.picked.len() >= self.limit;
        if full && self.picked.last_key_value().is_none_or(|(last, _)| place > *last) {
            return;
        }
        self.picked.insert(place, self.small(pick()));
        self.keep_limit();
    }

    pub fn merge(&mut self, other: Self) {
        self.picked.extend(other.picked);
        self.keep_limit();
    }

    pub fn finish(self) -> Vec<Pick> {
        self.picked.into_values().collect()
    }

    fn keep_limit(&mut self) {
        while self.picked.len() > self.limit {
            self.picked.pop_last();
        }
    }

    fn small(&self, mut pick: Pick) -> Pick {
        pick.key = start_of(&pick.key, MAX_CHARACTERS);
        pick.caption = pick.caption.map(|caption| start_of(&caption, MAX_CHARACTERS));
        if pick.image.len() > MAX_BYTES {
            pick.image = shrunk(&pick.image, self.max_pixels).unwrap_or_default();
        }
        pick
    }
}

fn shrunk(bytes: &[u8], max_pixels: u64) -> Option<Vec<u8>> {
    let image = decode_image(bytes, max_pixels).ok()?.thumbnail(SHRUNK_SIDE, SHRUNK_SIDE);
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(png.into_inner())
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;

    use super::*;
    use crate::DEFAULT_MAX_PIXELS;

    fn pick(number: u64) -> Pick {
        let caption = Some("c".repeat(10_000));
        Pick { key: number.to_string(), shard: "a.tar".into(), caption, image: vec![] }
    }

    fn picks(parts: impl IntoIterator<Item = u64>, each: u64) -> Picks {
        let config = StatisticsConfig { picks: 10, ..StatisticsConfig::default() };
        let mut all = Picks::new(&config);
        for part in parts {
            let mut picks = Picks::new(&config);
            (0..each).for_each(|number| picks.offer([part, number], || pick(part * each + number)));
            all.merge(picks);
        }
        all
    }

    #[test]
    fn picks_are_fair_and_the_same_in_any_order() {
        let forwards = picks(0..20, 50).finish();
        assert_eq!((forwards.len(), &forwards), (10, &picks((0..20).rev(), 50).finish()));
        let later = forwards.iter().filter(|pick| pick.key.parse::<u64>().unwrap() >= 500).count();
        assert!((2..=8).contains(&later), "{later} of 10 from the later half");
        assert!(forwards[0].caption.as_ref().unwrap().chars().count() <= MAX_CHARACTERS + 1);
        assert_eq!(picks(0..1, 3).finish().len(), 3);
    }

    #[test]
    fn large_images_are_shrunk() {
        let large = DynamicImage::new_rgb8(2000, 1000);
        let mut bmp = Cursor::new(Vec::new());
        large.write_to(&mut bmp, ImageFormat::Bmp).unwrap();
        let small = shrunk(bmp.get_ref(), DEFAULT_MAX_PIXELS).unwrap();
        let image = decode_image(&small, DEFAULT_MAX_PIXELS).unwrap();
        assert_eq!((image.width(), image.height()), (512, 256));
        assert_eq!(shrunk(&[0; 10], DEFAULT_MAX_PIXELS), None);
    }
}
