//! The whole command on small packages in the true formats.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::data::deb::tests::{tar_of, write_deb};

/// A PNG file with a title, in a colour drawn from `number`.
fn png_file(number: u32, title: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, 40, 30);
    encoder.set_color(::png::ColorType::Rgba);
    encoder.add_text_chunk("Title".to_owned(), title.to_owned())?;
    encoder.add_text_chunk("Author".to_owned(), "Ann Artist".to_owned())?;
    let mut writer = encoder.write_header()?;
    let pixel = |x: u32, y: u32| {
        let inside = (x / 5 + number).is_multiple_of(4) || (y / 5) % 3 == number % 3;
        [(number * 37) as u8, (number * 11) as u8, 90, if inside { 255 } else { 0 }]
    };
    let data: Vec<u8> = (0..30).flat_map(|y| (0..40).flat_map(move |x| pixel(x, y))).collect();
    writer.write_image_data(&data)?;
    writer.finish()?;
    Ok(bytes)
}

fn svg(keyword: &str) -> Vec<u8> {
    format!(
        r#"<svg xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><li>{keyword}</li></dc:subject></svg>"#
    )
    .into_bytes()
}

/// Names of the pictures, one a title.
const NAMES: [&str; 24] = [
    "ant", "bat", "cow", "dog", "eel", "fox", "goat", "hen", "ibis", "jay", "koala", "lion",
    "mole", "newt", "owl", "pig", "quail", "rat", "seal", "toad", "urial", "vole", "wolf", "yak",
];

fn write_packages(folder: &Path) -> Result<()> {
    let (mut pictures, mut drawings) = (Vec::new(), Vec::new());
    for (number, name) in (0..).zip(NAMES) {
        let folder = if number % 2 == 0 { "animals" } else { "food/meat" };
        pictures.push((
            format!("./{}{folder}/{name}_ann_art_01.png", catalog::PICTURE_FOLDER),
            png_file(number, if number % 3 == 0 { "Collection" } else { name })?,
        ));
        drawings.push((
            format!("./{}{folder}/{name}_ann_art_01.svg", catalog::DRAWING_FOLDER),
            svg("Pet_Shop"),
        ));
    }
    let mut more = |path: &str, bytes: Vec<u8>| {
        pictures.push((format!("./{}{path}", catalog::PICTURE_FOLDER), bytes));
    };
    more("unsorted/thing_01.png", png_file(50, "thing")?);
    more("animals/broken_01.png", b"no picture".to_vec());
    let refs = |files: &[(String, Vec<u8>)]| -> Result<Vec<u8>> {
        let files: Vec<(&str, Vec<u8>)> =
            files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        tar_of(&files)
    };
    write_deb(folder, PICTURES, "data.tar", &refs(&pictures)?)?;
    write_deb(folder, DRAWINGS, "data.tar", &refs(&drawings)?)
}

fn build_small(packages: &Path, out: &Path, threads: usize) -> Result<()> {
    let args = OpenclipartArgs {
        out: out.to_path_buf(),
        from: Some(packages.to_path_buf()),
        size: 20,
        threads: NonZeroUsize::new(threads),
    };
    build_until(&args, &Stop::default())
}

fn small_corpus() -> Result<(tempfile::TempDir, tempfile::TempDir)> {
    let (packages, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    write_packages(packages.path())?;
    build_small(packages.path(), out.path(), 2)?;
    Ok((packages, out))
}

/// Image, label and class number of every sample of a split.
fn samples(folder: &Path, split: Split) -> Result<Vec<(image::DynamicImage, Value, String)>> {
    let path = folder.join(format!("{}-000.tar", split.name()));
    let mut archive = tar::Archive::new(fs::File::open(path)?);
    let mut members = Vec::new();
    for entry in archive.entries()? {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry?, &mut bytes)?;
        members.push(bytes);
    }
    let sample = |members: &[Vec<u8>]| {
        let class = String::from_utf8_lossy(&members[2]).into_owned();
        Ok((image::load_from_memory(&members[0])?, serde_json::from_slice(&members[1])?, class))
    };
    members.chunks(3).map(sample).collect()
}

fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}

#[test]
fn no_title_is_in_both_splits_and_none_is_lost() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let titles = |split| -> Result<BTreeSet<String>> {
        let samples = samples(out.path(), split)?;
        Ok(samples.iter().map(|(_, label, _)| label["name"].to_string()).collect())
    };
    let (train, test) = (titles(Split::Train)?, titles(Split::Test)?);
    assert!(!test.is_empty() && train.is_disjoint(&test));
    assert_eq!(train.len() + test.len(), NAMES.len());
    Ok(())
}

#[test]
fn a_sample_has_title_keywords_and_the_number_of_its_class() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    assert_eq!(fs::read_to_string(out.path().join("classnames.txt"))?, "animals\nfood\n");
    let samples = samples(out.path(), Split::Train)?;
    for (image, label, class) in &samples {
        assert_eq!((image.width(), image.height()), (20, 15));
        assert_eq!(label["artist"], json!("Ann Artist"));
        let (number, keywords) = match label["class"].as_str() {
            Some("animals") => ("0", json!(["pet shop", "animals"])),
            _ => ("1", json!(["pet shop", "meat", "food"])),
        };
        assert_eq!((class.as_str(), &label["keywords"]), (number, &keywords));
    }
    assert!(samples.iter().any(|(_, label, _)| label["name"] == json!("cow")));
    Ok(())
}

#[test]
fn only_training_images_are_transparent() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    for (split, transparent) in [(Split::Train, true), (Split::Test, false)] {
        let samples = samples(out.path(), split)?;
        assert!(samples.iter().all(|(image, ..)| image.color().has_alpha() == transparent));
    }
    Ok(())
}

#[test]
fn what_cannot_be_read_or_is_unfiled_is_counted_and_named() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("report.json"))?)?;
    assert_eq!(report["unfiled"], json!(1));
    assert_eq!(report["failures"][0]["path"], json!("animals/broken_01.png"));
    assert_eq!(report["largest_picture"], json!(1200));
    let reason = report["failures"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("it can't be read as PNG"), "{reason}");
    Ok(())
}

#[test]
fn the_same_packages_give_the_same_bytes_with_any_number_of_threads() -> Result<()> {
    let (packages, out) = small_corpus()?;
    let expected = files(out.path())?;
    for threads in [1, 3, 8] {
        let again = tempfile::tempdir()?;
        build_small(packages.path(), again.path(), threads)?;
        assert!(files(again.path())? == expected, "{threads} threads");
    }
    Ok(())
}
