//! Shard specs to shard paths: files, folders, globs and brace ranges.

use std::fs;
use std::path::{Path, PathBuf};

use super::Location;
use crate::DataError;

/// More shards than any data set has: a typo in a range should not fill the memory.
const MAX_EXPANSION: usize = 1_000_000;

/// How deep lists of shards may name lists.
const MAX_LISTS: usize = 8;

const SHARD_ENDINGS: [&str; 4] = [".tar", ".tar.gz", ".tgz", ".tar.zst"];

/// The shards that the specs stand for, in order.
///
/// A spec is a file, a folder (its `*.tar`, `*.tar.gz`, `*.tgz` and `*.tar.zst`, sorted), a glob
/// (`data/*.tar`), an address (`https://host/data/000.tar`), a command (`pipe:cat a.tar`), a list
/// (`@FILE`: one spec a line, empty lines and those with `#` left out), or several of these joined
/// by `::`. Braces multiply: `{000..009}` counts up with zeros kept, `{a,b}` lists. A shard named
/// twice is read twice.
///
/// # Errors
///
/// When no spec is given, one is malformed, or one stands for a file that isn't there.
pub fn expand_shards(specs: &[String]) -> Result<Vec<Location>, DataError> {
    Ok(expand_sources(specs)?.into_iter().flatten().collect())
}

/// The shards of each source: of each spec, and of each part of a spec between `::`.
///
/// # Errors
///
/// As [`expand_shards`].
pub fn expand_sources(specs: &[String]) -> Result<Vec<Vec<Location>>, DataError> {
    let sources = specs.iter().flat_map(|spec| split_sources(spec));
    let sources = sources.map(|spec| expand(spec, 0)).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() { Err(DataError::NoShards) } else { Ok(sources) }
}

/// A command may hold `::` itself.
fn split_sources(spec: &str) -> Vec<&str> {
    if spec.starts_with("pipe:") { vec![spec] } else { spec.split("::").collect() }
}

/// The shards of one source, which lies in so many lists.
fn expand(spec: &str, depth: usize) -> Result<Vec<Location>, DataError> {
    if let Some(list) = spec.strip_prefix('@') {
        return expand_list(spec, Path::new(list), depth);
    }
    if Path::new(spec).is_file() {
        return Ok(vec![Location::File(PathBuf::from(spec))]);
    }
    let mut shards = Vec::new();
    for path in expand_braces(spec)? {
        match Location::parse(&path) {
            Location::File(file) => shards.extend(matching(spec, &file)?),
            elsewhere => shards.push(elsewhere),
        }
    }
    Ok(shards)
}

fn expand_list(spec: &str, list: &Path, depth: usize) -> Result<Vec<Location>, DataError> {
    if depth >= MAX_LISTS {
        return Err(bad_spec(spec, "lists name one another too deeply: name the shards"));
    }
    let text = fs::read_to_string(list).map_err(|source| DataError::io(list, source))?;
    let mut shards = Vec::new();
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        for part in split_sources(line) {
            shards.extend(expand(part, depth + 1)?);
        }
    }
    if shards.is_empty() {
        return Err(bad_spec(spec, "the list names no shards: write one spec a line"));
    }
    Ok(shards)
}

/// The image folder that `specs` stand for: exactly one folder, without shards in it.
pub fn image_folder(specs: &[String]) -> Option<&Path> {
    let [spec] = specs else { return None };
    let folder = Path::new(spec);
    let shards = shards_in(folder).ok()?; // not a folder
    shards.is_empty().then_some(folder)
}

/// The files that one path without braces stands for.
fn matching(spec: &str, path: &Path) -> Result<Vec<Location>, DataError> {
    let found = if path.is_dir() {
        shards_in(path)?
    } else if path.is_file() {
        vec![path.to_owned()]
    } else {
        glob_files(spec, &path.to_string_lossy())?
    };
    if found.is_empty() {
        let path = path.to_string_lossy().into_owned();
        return Err(DataError::NoSuchShard { spec: spec.to_owned(), path });
    }
    Ok(found.into_iter().map(Location::File).collect())
}

fn shards_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut shards = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| DataError::io(folder, source))? {
        let path = entry.map_err(|source| DataError::io(folder, source))?.path();
        let name = path.to_string_lossy().to_lowercase();
        if SHARD_ENDINGS.iter().any(|ending| name.ends_with(ending)) && path.is_file() {
            shards.push(path);
        }
    }
    shards.sort();
    Ok(shards)
}

fn glob_files(spec: &str, pattern: &str) -> Result<Vec<PathBuf>, DataError> {
    let paths = glob::glob(pattern)
        .map_err(|error| bad_spec(spec, format!("not a valid glob pattern: {error}")))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| DataError::io(error.path().to_owned(), error.into()))?;
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// Every path a spec's braces stand for, the last group counting fastest.
fn expand_braces(spec: &str) -> Result<Vec<String>, DataError> {
    let mut expanded = vec![String::new()];
    let mut rest = spec;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((group, after)) = after.split_once('}') else {
            return Err(bad_spec(spec, "a `{` has no `}`: write `{000..009}` or `{a,b}`"));
        };
        let choices = choices(group)
            .filter(|choices| expanded.len().saturating_mul(choices.len()) <= MAX_EXPANSION)
            .ok_or_else(|| {
                let form = "write a range as `{000..009}`, a list as `{a,b}`";
                bad_spec(spec, format!("`{{{group}}}` is no range or is too long: {form}"))
            })?;
        expanded = expanded
            .iter()
            .flat_map(|head| choices.iter().map(move |choice| format!("{head}{before}{choice}")))
            .collect();
        rest = after;
    }
    expanded.iter_mut().for_each(|path| path.push_str(rest));
    Ok(expanded)
}

/// What the text between two braces stands for; `None` when it is neither range nor list.
fn choices(group: &str) -> Option<Vec<String>> {
    let Some((first, last)) = group.split_once("..") else {
        return group.contains(',').then(|| group.split(',').map(str::to_owned).collect());
    };
    let (start, end): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    if end < start || end - start >= MAX_EXPANSION {
        return None;
    }
    let zeros = if first.starts_with('0') { first.len() } else { 0 };
    Some((start..=end).map(|number| format!("{number:0zeros$}")).collect())
}

fn bad_spec(spec: &str, reason: impl Into<String>) -> DataError {
    DataError::BadSpec { spec: spec.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(spec: &str) -> Vec<String> {
        expand_braces(spec).unwrap()
    }

    #[test]
    fn ranges_keep_their_zeros() {
        assert_eq!(
            expand("a-{008..011}.tar"),
            ["a-008.tar", "a-009.tar", "a-010.tar", "a-011.tar"]
        );
        assert_eq!(expand("{9..11}"), ["9", "10", "11"]);
    }

    #[test]
    fn lists_and_several_groups_multiply() {
        assert_eq!(expand("{a,b}/{0..1}.tar"), ["a/0.tar", "a/1.tar", "b/0.tar", "b/1.tar"]);
    }

    #[test]
    fn malformed_braces_are_explained() {
        for spec in ["a{0..3", "a{3..0}", "a{x}", "a{0..99999999999}", "{0..99999}{0..99999}"] {
            let message = expand_braces(spec).unwrap_err().to_string();
            assert!(message.contains(spec) && message.contains("write"), "{message}");
        }
    }

    #[test]
    fn a_folder_a_glob_and_a_range_find_the_same_shards() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_string_lossy().into_owned();
        for name in ["s-01.tar", "s-00.tar", "s-02.tgz", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let whole = expand_shards(std::slice::from_ref(&root)).unwrap();
        let name = |shard: &Location| shard.file().unwrap().file_name().unwrap().to_owned();
        let names: Vec<_> = whole.iter().map(name).collect();
        assert_eq!(names, ["s-00.tar", "s-01.tar", "s-02.tgz"]);
        assert_eq!(expand_shards(&[format!("{root}/s-*.t*")]).unwrap(), whole);
        let pieces = [format!("{root}/s-{{00..01}}.tar"), format!("{root}/s-02.tgz")];
        assert_eq!(expand_shards(&pieces).unwrap(), whole);
    }

    #[test]
    fn lists_addresses_commands_and_joined_sources_are_expanded() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_string_lossy().into_owned();
        for name in ["a.tar", "b.tar"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let list = format!("# two\n{root}/{{a,b}}.tar\n\nhttps://host/{{0..1}}.tar\npipe:x a::b\n");
        fs::write(folder.path().join("list"), list).unwrap();
        let shown = |spec: String| -> Vec<Vec<String>> {
            let sources = expand_sources(&[spec]).unwrap();
            let shown = |source: Vec<Location>| source.iter().map(Location::to_string).collect();
            sources.into_iter().map(shown).collect()
        };
        let (a, b) = (format!("{root}/a.tar"), format!("{root}/b.tar"));
        let listed = [&a, &b, "https://host/0.tar", "https://host/1.tar", "pipe:x a::b"];
        assert_eq!(shown(format!("@{root}/list")), [listed.map(str::to_owned)]);
        assert_eq!(shown(format!("{a}::{b}")), [[a], [b]]);
        fs::write(folder.path().join("list"), format!("@{root}/list")).unwrap();
        let message = expand_sources(&[format!("@{root}/list")]).unwrap_err().to_string();
        assert!(message.contains("too deeply"), "{message}");
    }

    #[test]
    fn a_spec_that_matches_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_string_lossy().into_owned();
        for spec in [root.clone(), format!("{root}/*.tar"), format!("{root}/{{0..2}}.tar")] {
            let message = expand_shards(std::slice::from_ref(&spec)).unwrap_err().to_string();
            assert!(message.contains(&spec) && message.contains("check the path"), "{message}");
        }
        assert!(matches!(expand_shards(&[]), Err(DataError::NoShards)));
    }

    #[test]
    fn a_folder_without_shards_is_an_image_folder() {
        let folder = tempfile::tempdir().unwrap();
        let spec = [folder.path().to_string_lossy().into_owned()];
        assert_eq!(image_folder(&spec), Some(folder.path()));
        std::fs::write(folder.path().join("a.tar"), "").unwrap();
        assert_eq!(image_folder(&spec), None);
        assert_eq!(image_folder(&["nowhere".to_string()]), None);
    }
}
