//! Training-time augmentation: what is drawn for a sample, and how it is applied.
//!
//! ```text
//! image's size --plan, random numbers--> View --render, pixels--> [size, size, 3] bytes
//! ```
//!
//! The view is drawn before the image is decoded, so that a JPEG of which the crop is much larger
//! than the result can be decoded at a reduced size.

mod adjust;
mod crop;
mod maker;
#[cfg(feature = "turbojpeg")]
mod planes;
#[cfg(test)]
mod tests;
mod transform;
mod view;

pub use maker::ViewMaker;
pub use transform::{CropKind, TrainTransform};
