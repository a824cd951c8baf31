//! What a sample says about its image, and the caption drawn from it.

mod draw;
mod fields;
mod filter;
mod lookup;
mod text;
mod threshold;

pub use draw::CaptionDraw;
pub use fields::{CaptionField, CaptionFields};
pub use filter::CaptionFilter;
pub(crate) use lookup::texts_at;
pub(crate) use text::malformed_json;
pub use text::{Captions, FieldTexts, SampleText};
pub use threshold::Threshold;
