//! GIF's first frame.

use std::fmt::Display;
use std::io::Cursor;
use std::num::NonZeroU64;

use ::gif::{ColorOutput, DecodeOptions, Frame, MemoryLimit};

use super::PixelLimit;
use crate::preprocess::pixels::{Pixels, is_grey_ramp, palette};
use crate::preprocess::{SourceError, SourceImage};

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("GIF", reason)
}

/// Decodes the first frame, on the canvas that Pillow puts it on: of the transparent index, else of
/// index zero, and grown where the frame reaches beyond it. A palette whose colours are the greys
/// of their indices makes the image grey, as in Pillow's `GifImagePlugin`.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    if let Some(bytes) = NonZeroU64::new(limit.bytes()) {
        options.set_memory_limit(MemoryLimit::Bytes(bytes));
    }
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(broken)?;
    let canvas = (u32::from(decoder.width()), u32::from(decoder.height()));
    let global = decoder.global_palette().unwrap_or_default().to_vec();
    let frame = decoder.next_frame_info().map_err(broken)?.ok_or_else(|| broken("no frame"))?;
    let width = canvas.0.max(u32::from(frame.left) + u32::from(frame.width));
    let height = canvas.1.max(u32::from(frame.top) + u32::from(frame.height));
    limit.check(width, height)?;
    let frame = frame.clone();
    let mut indices = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut indices).map_err(broken)?;
    let samples = on_canvas(&frame, &indices, (width, height));
    let (colours, _) = frame.palette.as_deref().unwrap_or(&global).as_chunks();
    let pixels = match is_grey_ramp(colours) {
        true => Pixels::Grey(samples),
        false => Pixels::Indexed(samples, palette(colours)),
    };
    SourceImage::new(width, height, pixels).ok_or_else(|| broken("it has no pixels"))
}

fn on_canvas(frame: &Frame, indices: &[u8], (width, height): (u32, u32)) -> Vec<u8> {
    let mut samples = vec![frame.transparent.unwrap_or(0); width as usize * height as usize];
    let (left, frame_width) = (usize::from(frame.left), usize::from(frame.width));
    let lines = samples.chunks_exact_mut((width as usize).max(1)).skip(usize::from(frame.top));
    for (line, row) in lines.zip(indices.chunks_exact(frame_width.max(1))) {
        line[left..left + frame_width].copy_from_slice(row);
    }
    samples
}
