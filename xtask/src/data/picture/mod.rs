//! Pictures: drawn from SVG, written as PNG, compared.

pub mod png;
mod print;
mod render;
mod shrink;
mod similar;

pub use print::Print;
pub use render::{on_white, render};
pub use shrink::shrink;
pub use similar::{Hash, mean_difference};
