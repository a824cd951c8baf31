//! Pixels in the modes that Pillow opens files in, and Pillow's conversions of them to RGB.

use super::alpha::{multiply, premultiplied, straight};
use super::resample::Resize;

/// The 256 colours of a palette; those that a file doesn't give are black.
pub(super) type Palette = Box<[[u8; 3]; 256]>;

/// A palette from the colours that a file gives, of which at most 256 count.
pub(super) fn palette(colours: &[[u8; 3]]) -> Palette {
    let mut palette = Box::new([[0; 3]; 256]);
    for (colour, given) in palette.iter_mut().zip(colours) {
        *colour = *given;
    }
    palette
}

/// Whether each colour is the grey of its index, so that the indices need no palette.
pub(super) fn is_grey_ramp(colours: &[[u8; 3]]) -> bool {
    (0..=255).zip(colours).all(|(index, colour)| *colour == [index; 3])
}

/// An image's samples, row by row, in one of Pillow's modes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pixels {
    /// Mode 1: black and white, one byte of 0 or 255 a pixel.
    Bilevel(Vec<u8>),
    /// Mode L.
    Grey(Vec<u8>),
    /// Mode I;16.
    Grey16(Vec<u16>),
    /// Mode LA.
    GreyAlpha(Vec<u8>),
    /// Mode P: indices of colours.
    Indexed(Vec<u8>, Palette),
    /// Mode RGB.
    Rgb(Vec<u8>),
    /// Mode RGBA.
    Rgba(Vec<u8>),
    /// Mode CMYK, 255 being full ink.
    Cmyk(Vec<u8>),
}

impl Pixels {
    /// How many samples a pixel has.
    pub fn channels(&self) -> usize {
        match self {
            Self::Bilevel(_) | Self::Grey(_) | Self::Grey16(_) | Self::Indexed(..) => 1,
            Self::GreyAlpha(_) => 2,
            Self::Rgb(_) => 3,
            Self::Rgba(_) | Self::Cmyk(_) => 4,
        }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Grey16(samples) => samples.len(),
            Self::Bilevel(samples)
            | Self::Grey(samples)
            | Self::GreyAlpha(samples)
            | Self::Indexed(samples, _)
            | Self::Rgb(samples)
            | Self::Rgba(samples)
            | Self::Cmyk(samples) => samples.len(),
        }
    }

    /// Resized as Pillow's `Image.resize`: palettes and black and white always to the nearest
    /// neighbour, colours weighed by alpha.
    pub fn resized(&self, resize: &Resize) -> Self {
        match self {
            Self::Bilevel(samples) => Self::Bilevel(resize.nearest(samples)),
            Self::Indexed(samples, palette) => {
                Self::Indexed(resize.nearest(samples), palette.clone())
            }
            Self::Grey(samples) => Self::Grey(resize.convolve::<1>(samples)),
            Self::Grey16(samples) => Self::Grey16(resize.convolve_words(samples)),
            Self::Rgb(samples) => Self::Rgb(resize.convolve::<3>(samples)),
            Self::Cmyk(samples) => Self::Cmyk(resize.convolve::<4>(samples)),
            Self::GreyAlpha(samples) => Self::GreyAlpha(convolve_weighed::<2>(resize, samples)),
            Self::Rgba(samples) => Self::Rgba(convolve_weighed::<4>(resize, samples)),
        }
    }

    /// Pillow's `convert("RGB")`: alpha is dropped, 16-bit grey is clipped at 255.
    pub fn to_rgb(&self) -> Vec<u8> {
        match self {
            Self::Bilevel(samples) | Self::Grey(samples) => {
                samples.iter().flat_map(|&grey| [grey; 3]).collect()
            }
            Self::Grey16(samples) => {
                samples.iter().flat_map(|&grey| [grey.min(255) as u8; 3]).collect()
            }
            Self::GreyAlpha(samples) => {
                samples.as_chunks().0.iter().flat_map(|&[grey, _alpha]| [grey; 3]).collect()
            }
            Self::Indexed(samples, palette) => {
                samples.iter().flat_map(|&index| palette[usize::from(index)]).collect()
            }
            Self::Rgb(samples) => samples.clone(),
            Self::Rgba(samples) => {
                samples.as_chunks().0.iter().flat_map(|&[r, g, b, _alpha]| [r, g, b]).collect()
            }
            Self::Cmyk(samples) => samples.as_chunks().0.iter().flat_map(cmyk_to_rgb).collect(),
        }
    }

    /// The colour of a pixel of this mode whose samples all are `value`: what a padding with
    /// `value` looks like.
    pub fn colour_of(&self, value: u8) -> [u8; 3] {
        match self {
            Self::Bilevel(_) => [if value == 0 { 0 } else { 255 }; 3],
            Self::Indexed(_, palette) => palette[usize::from(value)],
            Self::Cmyk(_) => cmyk_to_rgb(&[value; 4]),
            _ => [value; 3],
        }
    }
}

/// Resizes colours weighed by alpha, which is the last of `C` samples. Pillow returns an image of
/// the right size untouched: no trip through premultiplied alpha then.
fn convolve_weighed<const C: usize>(resize: &Resize, samples: &[u8]) -> Vec<u8> {
    if resize.from == (resize.to.0.into(), resize.to.1.into()) {
        return resize.convolve::<C>(samples);
    }
    straight::<C>(resize.convolve::<C>(&premultiplied::<C>(samples)))
}

/// Pillow's conversion: ink takes its share of what black leaves.
fn cmyk_to_rgb(&[cyan, magenta, yellow, black]: &[u8; 4]) -> [u8; 3] {
    let light = 255 - black;
    [cyan, magenta, yellow].map(|ink| light.saturating_sub(multiply(ink, light)))
}
