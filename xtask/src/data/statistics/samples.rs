//! The picked samples as a contact sheet.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbaImage;

use super::text::{escape, foreign};
use super::thumbnail::{Thumbnail, encode, is_icon, is_transparent};

/// A card a sample: image, caption and key.
pub fn section(thumbnails: &[Thumbnail<'_>]) -> String {
    if thumbnails.is_empty() {
        return "<p class=\"empty\">No sample was picked.</p>\n".to_owned();
    }
    let cards: String = thumbnails.iter().map(card).collect();
    format!("<div class=\"sheet\">\n{cards}</div>\n")
}

fn card(thumbnail: &Thumbnail<'_>) -> String {
    let pick = thumbnail.pick;
    let caption = match &pick.caption {
        Some(caption) => format!("<p dir=\"auto\">{}</p>", foreign(caption)),
        None => "<p class=\"empty\">no caption</p>".to_owned(),
    };
    let place = escape(&format!("{} in {}", pick.key, pick.shard));
    format!(
        "<figure title=\"{place}\">{}<figcaption>{caption}<small>{}</small></figcaption></figure>\n",
        picture(thumbnail.image.as_ref()),
        foreign(&pick.key),
    )
}

fn picture(image: Option<&RgbaImage>) -> String {
    let encoded = image.and_then(|image| Some((image, encode(image).ok()?)));
    let Some((image, (kind, bytes))) = encoded else {
        return "<div class=\"missing\">cannot be decoded</div>".to_owned();
    };
    let clear = if is_transparent(image) { "clear" } else { "" };
    let icon = if is_icon(image) { "icon" } else { "" };
    // The caption beside it says what it shows, as far as anyone knows.
    format!(
        "<div class=\"box\"><img class=\"{clear} {icon}\" alt=\"\" width=\"{}\" height=\"{}\" \
         src=\"data:{kind};base64,{}\"></div>",
        image.width(),
        image.height(),
        STANDARD.encode(bytes),
    )
}
