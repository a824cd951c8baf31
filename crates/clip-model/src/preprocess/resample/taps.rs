//! Which source positions an output position reads, and how much each counts.

use std::ops::Range;

use super::Span;
use crate::preprocess::Interpolation;

/// The weights of every output position, one after the other.
pub(super) struct Taps<W> {
    /// For each output position, the first source position it reads, and where its weights lie.
    spans: Vec<(usize, Range<usize>)>,
    weights: Vec<W>,
}

impl Taps<f64> {
    /// The taps of the output positions in `wanted`, when `from` is resized to `to` positions; the
    /// weights of each sum to one.
    pub fn new(from: Span, to: u32, wanted: Range<u32>, interpolation: Interpolation) -> Self {
        if from == Span::from(to) {
            let spans = wanted.enumerate().map(|(index, at)| (at as usize, index..index + 1));
            let spans: Vec<_> = spans.collect();
            return Self { weights: vec![1.0; spans.len()], spans };
        }
        match interpolation {
            Interpolation::Bicubic => Self::weighed(from, to, wanted, bicubic, 2.0),
            Interpolation::Bilinear => Self::weighed(from, to, wanted, triangle, 1.0),
        }
    }

    /// The taps of a kernel that is zero farther than `support` from its centre.
    fn weighed(
        from: Span,
        to: u32,
        wanted: Range<u32>,
        kernel: impl Fn(f64) -> f64,
        support: f64,
    ) -> Self {
        let scale = from.length / f64::from(to);
        let widening = scale.max(1.0);
        let (support, narrowing) = (support * widening, 1.0 / widening);
        let mut taps = Self { spans: Vec::with_capacity(wanted.len()), weights: Vec::new() };
        for position in wanted {
            let centre = from.start + (f64::from(position) + 0.5) * scale;
            let start = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(from.size as usize);
            let first = taps.weights.len();
            // Pillow's order of operations: the last bit of a weight depends on it.
            let weight = |source: usize| kernel((source as f64 - centre + 0.5) * narrowing);
            taps.weights.extend((start..end).map(weight));
            normalise(&mut taps.weights[first..]);
            taps.spans.push((start, first..taps.weights.len()));
        }
        taps
    }
}

impl<W> Taps<W> {
    /// How many output positions there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Each output position's first source position and weights.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[W])> {
        self.spans.iter().map(|(start, span)| (*start, &self.weights[span.clone()]))
    }

    /// The source positions that are read.
    pub fn reach(&self) -> Range<usize> {
        let start = self.spans.first().map_or(0, |(start, _)| *start);
        start..self.spans.last().map_or(start, |(start, span)| start + span.len())
    }

    /// The same taps of a source that begins at position `origin`, with other weights.
    pub fn map<V>(self, origin: usize, weight: impl Fn(W) -> V) -> Taps<V> {
        let spans = self.spans.into_iter().map(|(start, span)| (start - origin, span)).collect();
        Taps { spans, weights: self.weights.into_iter().map(weight).collect() }
    }
}

/// Keys' cubic convolution kernel with a = -0.5.
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// The kernel of linear interpolation.
fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Makes the weights shares of their sum.
fn normalise(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    if sum != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}
