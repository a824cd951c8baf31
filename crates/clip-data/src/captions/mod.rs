//! What a sample says about its image, and the caption drawn from it.

mod draw;
mod text;

pub use draw::CaptionDraw;
pub use text::{CaptionFields, Captions, SampleText};
