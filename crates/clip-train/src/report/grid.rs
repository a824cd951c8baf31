//! Test images beside the captions the model ranks best.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::data::Example;
use super::markup::escape;
use super::number;

/// Side of the box an image is shown in, in CSS pixels; `style.css` says the same.
const SHOWN: u32 = 96;

/// One card an image.
pub(super) fn render(examples: &[Example]) -> String {
    if examples.is_empty() {
        return "<p class=\"empty\">No test image was kept.</p>\n".to_owned();
    }
    let cards: String = examples.iter().map(card).collect();
    format!("<p>{}</p>\n<div class=\"grid\">\n{cards}</div>\n", escape(&summary(examples)))
}

fn summary(examples: &[Example]) -> String {
    let within = |k: usize| examples.iter().filter(|e| (1..=k).contains(&e.rank)).count() as u64;
    let (first, five) = (number::count(within(1)), number::count(within(5)));
    let all = number::count(examples.len() as u64);
    format!("True caption ranked first: {first} of {all}. Among the first five: {five} of {all}.")
}

fn card(example: &Example) -> String {
    let right = example.rank == 1;
    let (class, symbol) = if right { ("right", "✓") } else { ("wrong", "✗") };
    let guesses: String = (1..).zip(&example.guesses).map(|(i, g)| guess(i, g, example)).collect();
    format!(
        "<article class=\"card {class}\">\n{}<div>\n<h3>{}</h3>\n\
         <p class=\"rank\">{symbol} ranked {}</p>\n<ol>\n{guesses}{}</ol>\n</div>\n</article>\n",
        image(example),
        escape(&example.truth),
        number::ordinal(example.rank),
        missed(example),
    )
}

fn image(example: &Example) -> String {
    let class = if shown_enlarged(&example.png) { " class=\"pixels\"" } else { "" };
    format!(
        "<img{class} alt=\"{}\" src=\"data:image/png;base64,{}\">\n",
        escape(&example.truth),
        BASE64_STANDARD.encode(&example.png),
    )
}

/// Blown up three times or more, pixels look better as squares than as a blur.
fn shown_enlarged(png: &[u8]) -> bool {
    png_size(png).is_some_and(|(w, h)| w.max(h) > 0 && w.max(h) * 3 <= SHOWN)
}

/// Width and height from the header, which must be a PNG file's first chunk.
fn png_size(png: &[u8]) -> Option<(u32, u32)> {
    let header = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(4..16)?.strip_prefix(b"IHDR")?;
    let (width, height) = header.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height.first_chunk::<4>()?)))
}

fn guess(place: usize, (caption, probability): &(String, f32), example: &Example) -> String {
    let probability = f64::from(*probability);
    let (class, mark) = if place == example.rank {
        (" class=\"true\"", "<b title=\"the true caption\">✓</b> ")
    } else {
        ("", "")
    };
    // A width that is not a number would break the style; no bar is the honest drawing of it.
    let width = if probability.is_finite() { probability.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    format!(
        "<li{class}><span>{mark}{}</span><small>{}</small>\
         <i class=\"bar\"><i style=\"width:{width:.1}%\"></i></i></li>\n",
        escape(caption),
        number::percent(probability),
    )
}

/// Where the true caption went if it is not among the guesses.
fn missed(example: &Example) -> String {
    if (1..=example.guesses.len()).contains(&example.rank) {
        return String::new();
    }
    format!(
        "<li class=\"true missed\"><span><b title=\"the true caption\">✓</b> {}</span>\
         <small>{}</small></li>\n",
        escape(&example.truth),
        number::ordinal(example.rank),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(rank: usize) -> Example {
        let guesses = ["cat", "dog", "<cow>"].map(|c| (c.to_owned(), 0.25)).to_vec();
        Example { png: vec![1, 2, 3], truth: "dog".into(), guesses, rank }
    }

    #[test]
    fn the_true_caption_carries_a_symbol() {
        let html = card(&example(2));
        assert!(html.contains("<li class=\"true\"><span><b title=\"the true caption\">✓</b> dog<"));
        assert!(html.contains("✗ ranked 2nd") && !html.contains("missed"));
        assert!(html.contains("&lt;cow&gt;") && html.contains("width:25.0%"));
    }

    #[test]
    fn a_caption_beyond_the_guesses_is_listed_with_its_rank() {
        let html = card(&example(37));
        assert!(html.contains("missed") && html.contains("<small>37th</small>"));
    }

    #[test]
    fn a_probability_that_is_no_number_has_no_bar() {
        let mut odd = example(1);
        odd.guesses[0].1 = f32::NAN;
        assert!(card(&odd).contains("<small>—</small>") && !card(&odd).contains("NaN"));
    }

    #[test]
    fn only_small_images_are_shown_as_pixels() {
        let png = |side: u8| {
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
            bytes.extend([0, 0, 0, side, 0, 0, 0, side]);
            bytes
        };
        assert_eq!(png_size(&png(64)), Some((64, 64)));
        assert!(shown_enlarged(&png(32)) && !shown_enlarged(&png(33)));
        assert!(!shown_enlarged(b"not a png") && !shown_enlarged(b""));
    }

    #[test]
    fn the_summary_counts_firsts_and_fives() {
        let text = summary(&[1, 1, 4, 6].map(example));
        assert_eq!(text, "True caption ranked first: 2 of 4. Among the first five: 3 of 4.");
    }
}
