//! Pictures: drawn from SVG, written as PNG.

pub mod png;
mod render;
mod shrink;

pub use render::render;
pub use shrink::shrink;
