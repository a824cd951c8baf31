//! The whole command on small packages in the true formats.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clip_data::ShardIndex;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::*;
use crate::data::npm::PackageId;
use crate::data::output::append;

/// The artists of the small packages.
const FEW_ARTISTS: [Artist; 6] = [
    Artist { set: "noto", join: Join::CodePoint, held_out: false },
    Artist { set: "twemoji", join: Join::CodePoint, held_out: false },
    Artist { set: "emojione", join: Join::Name, held_out: false },
    Artist { set: "noto-v1", join: Join::Name, held_out: false },
    Artist { set: "emojione-monotone", join: Join::Name, held_out: false },
    Artist { set: "fluent-emoji-flat", join: Join::CodePoint, held_out: true },
];

/// Emoji of the small packages: code points, name, keyword. The nut is the only one that is a thing
/// and no variant of another, and so the one that is held out.
const EMOJI: [(&str, &str, &str); 6] = [
    ("1f98a", "fox", "sly"),
    ("1f9ca", "ice", "cold"),
    ("1f95c", "nut", "seed"),
    ("1f330", "old nut", "shell"),
    ("1f6d2", "cart", "shop"),
    ("1f388", "balloon", "party"),
];

/// A drawing that no other number draws.
fn body(number: usize) -> String {
    let (x, y) = (number * 5 % 16, number * 3 % 13);
    format!("<path d='M{x} {y}h4v3h-4z' fill='#{:03x}'/>", number * 397 % 4096)
}

/// The file of a set, as in `@iconify/json`.
fn set(prefix: &str, licence: &str, category: &str, icons: &[(String, String)]) -> Value {
    let icons: Value =
        icons.iter().map(|(name, body)| (name.clone(), json!({ "body": body }))).collect();
    json!({
        "prefix": prefix,
        "info": {
            "name": prefix.to_uppercase(),
            "author": { "name": "A. Artist", "url": "https://example.org" },
            "license": { "title": "Licence", "spdx": licence },
            "category": category,
            "palette": true,
        },
        "icons": icons,
        "width": 16,
        "height": 16,
    })
}

fn emoji_set(number: usize, artist: &Artist) -> Value {
    let name = |name: &str| name.replace(' ', "-");
    let icons: Vec<_> = EMOJI
        .iter()
        .enumerate()
        .map(|(index, (_, text, _))| (name(text), body(number * 11 + index)))
        .collect();
    let mut set = set(artist.set, "Apache-2.0", "Emoji", &icons);
    if artist.join == Join::CodePoint {
        set["chars"] =
            EMOJI.iter().map(|(id, text, _)| ((*id).to_owned(), json!(name(text)))).collect();
    }
    set
}

fn icon_sets() -> Vec<(&'static str, Value)> {
    let icons = |names: &[&str]| -> Vec<(String, String)> {
        let numbered = names.iter().enumerate();
        numbered.map(|(index, name)| ((*name).to_owned(), body(90 + index))).collect()
    };
    let mut mdi = set(
        "mdi",
        "Apache-2.0",
        "Material",
        &icons(&[
            "home",
            "home-outline",
            "home-outline-thin",
            "home-filled",
            "nut-bowl",
            "github",
            "cart",
            "lamp-1",
            "lamp-2",
            "fox",
            "two-foxes",
            "a",
            "acme-logo",
            "ice",
            "balloon-off",
        ]),
    );
    mdi["icons"]["old"] = json!({ "body": body(1), "hidden": true });
    mdi["icons"]["spin"] = json!({ "body": "<path d='M0 0h1v1z'><animate/></path>" });
    mdi["aliases"] =
        json!({ "house": { "parent": "home" }, "home-left": { "parent": "home", "hFlip": true } });
    mdi["categories"] = json!({ "HomeLife": ["home", "lamp-1"] });
    mdi["suffixes"] = json!({ "": "Filled", "outline": "Outline", "thin": "Thin" });
    vec![
        ("mdi", mdi),
        ("ps", set("ps", "CC-BY-NC-4.0", "UI", &icons(&["saw"]))),
        ("gala", set("gala", "GPL-3.0", "UI", &icons(&["saw"]))),
        ("bxl", set("bxl", "MIT", "Logos", &icons(&["saw"]))),
        ("fluent-emoji", set("fluent-emoji", "MIT", "Emoji", &icons(&["saw"]))),
        ("simple-icons", set("simple-icons", "CC0-1.0", "Logos", &icons(&["github", "nut"]))),
    ]
}

fn write_package(
    folder: &Path,
    id: PackageId,
    licence: &str,
    files: &[(String, Value)],
) -> Result<()> {
    let file = fs::File::create(folder.join(id.file_name()))?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
    let manifest = json!({ "name": id.name, "version": id.version, "license": licence });
    for (name, value) in files.iter().chain([&("package.json".to_owned(), manifest)]) {
        append(&mut archive, &format!("package/{name}"), value.to_string().as_bytes())?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}

/// Writes all packages as `npm pack` would.
fn write_packages(folder: &Path) -> Result<()> {
    let mut sets: Vec<(String, Value)> = Vec::new();
    for (number, artist) in FEW_ARTISTS.iter().enumerate() {
        sets.push((format!("json/{}.json", artist.set), emoji_set(number, artist)));
    }
    sets.extend(icon_sets().into_iter().map(|(name, set)| (format!("json/{name}.json"), set)));
    write_package(folder, ICONIFY, "MIT", &sets)?;
    let listed: Value = EMOJI
        .iter()
        .map(|(id, name, _)| {
            let group = if name.ends_with("nut") { 7 } else { 8 };
            json!({ "label": name, "hexcode": id, "group": group, "subgroup": 1 })
        })
        .collect();
    let no_names = json!({});
    let lists = ["cldr", "emojibase", "github", "iamcal", "joypixels"];
    let mut emojibase: Vec<(String, Value)> =
        lists.iter().map(|list| (format!("en/shortcodes/{list}.json"), no_names.clone())).collect();
    emojibase.extend([
        ("en/data.json".to_owned(), listed),
        ("meta/unicode-names.json".to_owned(), no_names.clone()),
        (
            "meta/groups.json".to_owned(),
            json!({ "groups": { "7": "objects", "8": "symbols" }, "subgroups": { "1": "tool" } }),
        ),
    ]);
    write_package(folder, EMOJIBASE, "MIT", &emojibase)?;
    let text = |id: &str| -> Result<String> {
        let point = u32::from_str_radix(id, 16)?;
        Ok(char::from_u32(point).context("no character")?.to_string())
    };
    let mut annotations = serde_json::Map::new();
    for (id, name, keyword) in EMOJI {
        annotations.insert(text(id)?, json!({ "default": [keyword], "tts": [name] }));
    }
    let cldr = json!({ "annotations": { "annotations": annotations } });
    write_package(
        folder,
        CLDR,
        "Unicode-3.0",
        &[("annotations/en/annotations.json".into(), cldr)],
    )?;
    write_package(folder, EMOJILIB, "MIT", &[("dist/emoji-en-US.json".into(), no_names)])
}

/// Builds from the small packages.
fn build_small(packages: &Path, out: &Path, tier: Tier, threads: usize, stop: &Stop) -> Result<()> {
    let args = IconPairsArgs {
        tier,
        out: out.to_path_buf(),
        from: Some(packages.to_path_buf()),
        size: 16,
        threads: NonZeroUsize::new(threads),
    };
    build_from(&args, &FEW_ARTISTS, 1, stop)
}

/// Builds tier L in new folders.
fn small_corpus() -> Result<(tempfile::TempDir, tempfile::TempDir)> {
    let (packages, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    write_packages(packages.path())?;
    build_small(packages.path(), out.path(), Tier::L, 2, &Stop::default())?;
    Ok((packages, out))
}

/// Key, whether the image has alpha, and label of every sample of a split.
fn samples(folder: &Path, split: Split) -> Result<Vec<(String, bool, Value)>> {
    let mut samples = Vec::new();
    let path = folder.join(format!("{}-000.tar", split.name()));
    if !path.exists() {
        return Ok(samples);
    }
    let (mut archive, mut alpha) = (tar::Archive::new(fs::File::open(path)?), false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes)?;
        match name.strip_suffix(".json") {
            Some(key) => samples.push((key.to_owned(), alpha, serde_json::from_slice(&bytes)?)),
            None => alpha = image::load_from_memory(&bytes)?.color().has_alpha(),
        }
    }
    Ok(samples)
}

fn keys(folder: &Path, split: Split) -> Result<BTreeSet<String>> {
    Ok(samples(folder, split)?.into_iter().map(|(key, ..)| key).collect())
}

fn report(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&fs::read(folder.join("report.json"))?)?)
}

/// All files with their bytes.
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
fn training_has_neither_the_held_out_artist_nor_a_held_out_concept() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let report = report(out.path())?;
    let held_out = report["held_out"].as_object().context("no list")?;
    assert_eq!(held_out.iter().collect::<Vec<_>>(), [(&"1f95c".to_owned(), &json!("nut"))]);
    let train = samples(out.path(), Split::Train)?;
    assert!(train.iter().all(|(key, alpha, _)| *alpha && !key.starts_with("fluent")));
    for (_, _, label) in &train {
        let concept = label["concept"].as_str().unwrap_or_default();
        assert!(!held_out.contains_key(concept) && concept != "1f330", "old nut is a variant");
    }
    let concepts = samples(out.path(), Split::TestConcepts)?;
    assert_eq!(concepts.len(), FEW_ARTISTS.len());
    for (_, alpha, label) in concepts {
        assert!(!alpha);
        assert!(held_out.contains_key(label["concept"].as_str().unwrap_or_default()));
    }
    let artist = keys(out.path(), Split::TestArtist)?;
    assert!(!artist.is_empty() && artist.iter().all(|key| key.starts_with("fluent-emoji-flat/")));
    Ok(())
}

#[test]
fn no_key_is_in_two_splits() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let mut seen = BTreeSet::new();
    let mut count = 0;
    for split in Split::ALL {
        let keys = keys(out.path(), split)?;
        count += keys.len();
        seen.extend(keys);
    }
    assert_eq!(seen.len(), count);
    Ok(())
}

#[test]
fn sets_under_restricting_licences_and_logos_are_left_out_with_the_reason() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let report = report(out.path())?;
    for (set, word) in
        [("ps", "NC"), ("gala", "GPL"), ("bxl", "brand"), ("fluent-emoji", "held-out")]
    {
        let reason = report["sets_left_out"][set].as_str().unwrap_or_default();
        assert!(reason.contains(word), "{set}: {reason}");
    }
    let readme = fs::read_to_string(out.path().join("README.md"))?;
    assert!(readme.contains("| `mdi`: MDI | [A. Artist](https://example.org) | Apache-2.0 |"));
    assert!(!readme.contains("`gala`"));
    Ok(())
}

#[test]
fn of_an_icon_one_drawing_in_each_look_stays_and_what_cannot_be_captioned_goes() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let train = samples(out.path(), Split::Train)?;
    let mdi: BTreeSet<&str> =
        train.iter().filter_map(|(key, ..)| key.strip_prefix("mdi/")).collect();
    let homes = mdi.iter().filter(|name| name.starts_with("home")).count();
    assert_eq!(homes, 2, "{mdi:?}");
    for gone in ["github", "acme-logo", "a", "old", "spin", "home-left", "nut-bowl"] {
        assert!(!mdi.contains(gone), "{gone}");
    }
    for kept in ["lamp-1", "lamp-2", "fox", "two-foxes"] {
        assert!(mdi.contains(kept), "{kept} of {mdi:?}");
    }
    Ok(())
}

#[test]
fn an_icon_is_captioned_with_its_names_its_category_and_the_words_of_its_emoji() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let train = samples(out.path(), Split::Train)?;
    let label = |start: &str| {
        let found = train.iter().find(|(key, ..)| key.starts_with(start));
        found.map(|(_, _, label)| label.clone()).context(start.to_owned())
    };
    let lamp = label("mdi/lamp-1")?;
    assert_eq!((&lamp["name"], &lamp["concept"]), (&json!("lamp"), &json!("name:lamp")));
    assert_eq!(lamp["keywords"], json!(["home life"]));
    assert_eq!((&lamp["artist"], &lamp["style"]), (&json!("mdi"), &json!("filled")));
    let cart = label("mdi/cart")?;
    assert_eq!((&cart["concept"], &cart["keywords"]), (&json!("1f6d2"), &json!(["shop"])));
    Ok(())
}

#[test]
fn the_same_packages_give_the_same_bytes_with_any_number_of_threads() -> Result<()> {
    let (packages, out) = small_corpus()?;
    let expected = files(out.path())?;
    for threads in [1, 3, 8] {
        let again = tempfile::tempdir()?;
        build_small(packages.path(), again.path(), Tier::L, threads, &Stop::default())?;
        assert!(files(again.path())? == expected, "{threads} threads");
    }
    Ok(())
}

#[test]
fn the_tests_are_the_same_in_all_tiers_and_a_smaller_tier_replaces_a_larger() -> Result<()> {
    let (packages, out) = small_corpus()?;
    let tests = |folder: &Path| -> Result<Vec<_>> {
        Ok(files(folder)?.into_iter().filter(|(name, _)| name.starts_with("test-")).collect())
    };
    let large = tests(out.path())?;
    build_small(packages.path(), out.path(), Tier::S, 1, &Stop::default())?;
    assert!(tests(out.path())? == large && large.len() == 2);
    assert!(keys(out.path(), Split::Train)?.iter().all(|key| !key.starts_with("mdi/")));
    Ok(())
}

#[test]
fn a_stopped_run_leaves_no_report_and_no_half_shard() -> Result<()> {
    let (packages, out) = small_corpus()?;
    let fresh = tempfile::tempdir()?;
    let stop = Stop::default();
    stop.ask();
    let error = build_small(packages.path(), fresh.path(), Tier::S, 1, &stop).err();
    assert!(error.is_some_and(|error| error.is::<crate::data::Stopped>()));
    assert_eq!(files(fresh.path())?.len(), 0);
    // What was complete before is not touched until there is something to replace it.
    let before = files(out.path())?;
    assert!(build_small(packages.path(), out.path(), Tier::S, 1, &stop).is_err());
    assert!(files(out.path())? == before);
    Ok(())
}

#[test]
fn every_shard_is_in_the_report_with_its_checksum() -> Result<()> {
    let (_packages, out) = small_corpus()?;
    let report = report(out.path())?;
    let shards = report["shards"].as_array().context("no list")?;
    assert_eq!(shards.len(), 3);
    for shard in shards {
        let file = shard["file"].as_str().unwrap_or_default();
        let bytes = fs::read(out.path().join(file))?;
        let index = ShardIndex::read(out.path())?.context("no index")?;
        assert_eq!(shard["sha256"], index.shard(file).context("not in the index")?.sha256);
        assert_eq!(shard["bytes"], json!(bytes.len()));
    }
    Ok(())
}
