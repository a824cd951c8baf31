//! What the clip-art corpus is made of.

use crate::data::deb::DebId;

/// The pictures.
pub const PICTURES: DebId = DebId { name: "openclipart-png", version: "1:0.18+dfsg-19" };
/// The same as vector graphics, which carry the keywords.
pub const DRAWINGS: DebId = DebId { name: "openclipart-svg", version: "1:0.18+dfsg-19" };
/// What Debian says of both.
pub const LICENCE: &str = "Creative Commons Public Domain Dedication";

/// Seed of the order of the samples.
pub const SEED: u64 = 2021;

/// One title in this many is for the test.
pub const TEST_SHARE: u64 = 10;

/// Most pictures of one title: 1,375 polygons are called star.
pub const MOST_OF_TITLE: usize = 32;

/// Folders that are no category, and the one with brand marks.
pub const UNFILED: [&str; 3] = ["logos", "special", "unsorted"];

/// Where pictures lie in the package of pictures.
pub const PICTURE_FOLDER: &str = "usr/share/openclipart/png/";
/// Where they lie in the package of drawings.
pub const DRAWING_FOLDER: &str = "usr/share/openclipart/svg/";
