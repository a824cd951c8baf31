//! Keywords of pictures, from the metadata of their drawings.

use std::collections::BTreeMap;

use anyhow::Result;
use roxmltree::{Document, ParsingOptions};

use crate::data::deb::Deb;
use crate::data::emoji::is_word;

use super::catalog::DRAWING_FOLDER;

/// Keywords that say nothing of the picture, `hash` being a slip of the program that wrote them.
const EMPTY: [&str; 9] = [
    "clip art",
    "clipart",
    "duplicates",
    "hash",
    "image",
    "openclipart",
    "special",
    "svg",
    "unsorted",
];
/// Most keywords of a picture.
const MOST: usize = 12;
/// Dublin Core, the vocabulary of the metadata.
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";

/// Keywords by path, relative to the folder of drawings and without ending. Drawings that can't
/// be parsed have none.
pub fn read(drawings: &Deb) -> Result<BTreeMap<String, Vec<String>>> {
    let mut keywords = BTreeMap::new();
    drawings.each_file(".svg", |path, bytes| {
        let stem = path.strip_prefix(DRAWING_FOLDER).unwrap_or(path).trim_end_matches(".svg");
        keywords.insert(stem.to_owned(), of_drawing(&String::from_utf8_lossy(&bytes)));
        Ok(())
    })?;
    Ok(keywords)
}

fn of_drawing(svg: &str) -> Vec<String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(svg, options) else {
        return Vec::new();
    };
    let subjects =
        document.descendants().filter(|node| node.has_tag_name((DUBLIN_CORE, "subject")));
    let items = subjects.flat_map(|subject| subject.descendants());
    let texts = items.filter(|node| node.tag_name().name() == "li").filter_map(|node| node.text());
    merge(texts)
}

/// Keywords in lower case, each once, without those that say nothing.
pub fn merge<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut keywords: Vec<String> = Vec::new();
    for text in texts {
        let keyword = text.replace(['_', '-'], " ").trim().to_lowercase();
        let empty = EMPTY.contains(&keyword.as_str()) || keyword.contains("theme");
        if is_word(&keyword) && !empty && !keywords.contains(&keyword) {
            keywords.push(keyword);
        }
    }
    keywords.truncate(MOST);
    keywords
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_the_items_of_the_subject() {
        let svg = r#"<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY ns "x">]>
            <svg xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:rdf="urn:rdf"><metadata>
            <dc:title>no</dc:title><dc:subject><rdf:Bag><rdf:li>Farm_Animal</rdf:li>
            <rdf:li>hash</rdf:li><rdf:li/><rdf:li>farm animal</rdf:li><rdf:li>cow</rdf:li>
            </rdf:Bag></dc:subject></metadata></svg>"#;
        assert_eq!(of_drawing(svg), ["farm animal", "cow"]);
    }

    #[test]
    fn a_damaged_drawing_has_no_keywords() {
        assert_eq!(of_drawing("<svg><a></svg>"), [""; 0]);
    }
}
