//! Rendering, in parallel and in order.

use anyhow::Result;
use clip_data::{Print, on_white};
use image::DynamicImage;
use rayon::prelude::*;

use crate::data::near::Seen;
use crate::data::output::{Span, Spool};
use crate::data::picture::{self, png};
use crate::data::progress::Progress;
use crate::data::stop::Stop;

use super::wanted::{Split, Wanted};

/// Drawings rendered between two looks at Ctrl-C and two writes.
const AT_ONCE: usize = 512;

/// A drawing that was made.
pub struct Drawing {
    /// Unique name of the sample.
    pub key: String,
    /// Name of the set.
    pub set: String,
    /// Where it goes.
    pub split: Split,
    /// What it shows and how it looks on white.
    pub seen: Seen,
    /// The PNG file.
    pub image: Span,
    /// The `json` member.
    pub label: Span,
}

/// A drawing that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// The sample's key.
    pub key: String,
    /// What went wrong.
    pub reason: String,
}

/// Where drawings are made.
pub struct Studio<'a> {
    /// Side of the square images in pixels.
    pub side: u32,
    /// Threads.
    pub pool: &'a rayon::ThreadPool,
    /// How far it is.
    pub progress: &'a Progress,
    /// Whether to go on.
    pub stop: &'a Stop,
}

impl Studio<'_> {
    /// Makes drawings, in order. Those that can't be made are told apart.
    pub fn draw(
        &self,
        wanted: &[Wanted],
        spool: &mut Spool,
    ) -> Result<(Vec<Drawing>, Vec<Failure>)> {
        let (mut drawings, mut failures) = (Vec::new(), Vec::new());
        for some in wanted.chunks(AT_ONCE) {
            self.stop.check()?;
            let made: Vec<_> =
                self.pool.install(|| some.par_iter().map(|wanted| self.make(wanted)).collect());
            for (wanted, made) in some.iter().zip(made) {
                match made {
                    Ok((file, print)) => drawings.push(Drawing {
                        key: wanted.key.clone(),
                        set: wanted.label.artist.clone(),
                        split: wanted.split,
                        seen: Seen { group: wanted.label.concept.clone(), print },
                        image: spool.push(&file)?,
                        label: spool.push(&wanted.label.json()?)?,
                    }),
                    Err(error) => failures
                        .push(Failure { key: wanted.key.clone(), reason: format!("{error:#}") }),
                }
            }
        }
        Ok((drawings, failures))
    }

    fn make(&self, wanted: &Wanted) -> Result<(Vec<u8>, Print)> {
        let image = picture::render(&wanted.svg, self.side)?;
        let on_white = on_white(&image);
        let print = Print::of(&on_white);
        let image = match wanted.split {
            Split::Train => DynamicImage::from(image),
            _ => on_white.into(),
        };
        let file = png::encode(&image)?;
        self.progress.step();
        Ok((file, print))
    }
}
