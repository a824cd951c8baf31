//! What stands out, in sentences.

use clip_data::{CaptionStatistics, Cause, ConceptStatistics, ImageStatistics, Statistics};

use super::text::{count, percent, short, things};

/// Captions with more words rarely fit into CLIP's 77 tokens.
const LONG_CAPTION: u64 = 50;

/// The pixels of CLIP's smallest usual input, 224 x 224.
const INPUT_PIXELS: u64 = 224 * 224;

/// Images more than three times as wide as high, or as high as wide; in thousandths.
const FLAT: (u64, u64) = (3000, 333);

/// What a person should know before training on this corpus.
pub fn findings(statistics: &Statistics) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(lost_shards(statistics));
    found.extend(unusable(statistics));
    images(&statistics.images, &mut found);
    captions(&statistics.captions, &mut found);
    found.extend(concepts(&statistics.concepts));
    found
}

fn lost_shards(statistics: &Statistics) -> Option<String> {
    let lost = [Cause::BrokenShard, Cause::SourceFailed];
    let faults = statistics.faults.iter().filter(|fault| lost.contains(&fault.cause));
    let count: u64 = faults.map(|fault| fault.count).sum();
    (count > 0).then(|| {
        let what = if count == 1 { "A shard or file" } else { "Several shards or files" };
        format!("{what} could not be read to the end: what followed is missing here.")
    })
}

fn unusable(statistics: &Statistics) -> Option<String> {
    let unusable = statistics.samples - statistics.usable;
    (unusable > 0).then(|| {
        let share = percent(unusable, statistics.samples);
        format!("{} ({share}) cannot be used: see the faults.", things(unusable, "sample"))
    })
}

fn images(images: &ImageStatistics, found: &mut Vec<String>) {
    let all = images.widths.count();
    let repeats = images.distinct.repeats();
    if repeats > 0 {
        let share = percent(repeats, all);
        found.push(format!(
            "{} ({share}) repeat an earlier one to the byte.",
            things(repeats, "image file")
        ));
    }
    if images.with_alpha > 0 {
        let share = percent(images.with_alpha, all);
        found.push(format!(
            "{share} of the images have an alpha channel: decide what they are put on."
        ));
    }
    let small = images.pixels.within(0..INPUT_PIXELS);
    if small * 5 > all {
        let share = percent(small, all);
        found.push(format!("{share} of the images have fewer pixels than 224 × 224: an input of that size enlarges them."));
    }
    let flat =
        images.aspect_ratios.within(FLAT.0..u64::MAX) + images.aspect_ratios.within(0..FLAT.1);
    if flat * 100 > all {
        let share = percent(flat, all);
        found.push(format!("{share} of the images are more than three times as long as wide: a square crop loses most of them."));
    }
}

fn captions(captions: &CaptionStatistics, found: &mut Vec<String>) {
    let all = captions.words.count();
    let repeats = captions.distinct.repeats();
    if repeats * 10 > all {
        let share = percent(repeats, all);
        found.push(format!(
            "{share} of the captions repeat an earlier one; in one batch, such pairs are each other's wrong answers."
        ));
    }
    let long = captions.words.within(LONG_CAPTION + 1..u64::MAX);
    if long * 100 > all {
        let share = percent(long, all);
        found.push(format!("{share} of the captions have more than {LONG_CAPTION} words: few of those fit into 77 tokens."));
    }
    let single = captions.words.within(0..2);
    if single * 4 > all {
        found.push(format!("{} of the captions are a single word.", percent(single, all)));
    }
    let latin = captions.scripts.entries.iter().find(|entry| entry.0 == "Latin");
    let other = all - latin.map_or(0, |entry| entry.1);
    if other * 20 > all {
        let share = percent(other, all);
        found.push(format!("{share} of the captions are not in Latin script: CLIP's vocabulary was made for English."));
    }
}

fn concepts(concepts: &ConceptStatistics) -> Option<String> {
    let distinct = &concepts.distinct;
    let mean = distinct.occurrences.mean()?;
    (distinct.shared * 2 > distinct.seen).then(|| {
        format!(
            "{} share {}, {} each on average: in one batch, they are each other's wrong answers.",
            things(distinct.seen, "sample"),
            things(distinct.distinct, "concept"),
            short(mean),
        )
    })
}

/// The outcome in one sentence, and the figures behind it.
pub fn verdict(statistics: &Statistics, shards: bool) -> (String, String) {
    let headline = match (statistics.samples, statistics.usable) {
        (0, _) => "No sample was found.".to_owned(),
        (1, 1) => "One pair of image and caption, and it is usable.".to_owned(),
        (samples, usable) if samples == usable => {
            format!("{} pairs of image and caption, all of them usable.", count(samples))
        }
        (samples, usable) => format!(
            "{} of {} are usable: {}.",
            count(usable),
            things(samples, "sample"),
            percent(usable, samples)
        ),
    };
    let bytes = super::text::bytes(statistics.bytes as f64);
    let parts = things(statistics.parts.samples.count(), "shard");
    let place = if shards { format!("{parts}, {bytes}") } else { bytes };
    let median = |of: &clip_data::Distribution| of.quantile(0.5).map(count).unwrap_or("—".into());
    let images = format!(
        "{} × {} pixels",
        median(&statistics.images.widths),
        median(&statistics.images.heights)
    );
    let words = median(&statistics.captions.words);
    (headline, format!("{place}. The median image has {images}, the median caption {words} words."))
}
