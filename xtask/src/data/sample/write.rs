//! Writing the corpus: a reader never sees half a file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::catalog::Split;
use super::readme;
use super::recipe::Recipe;
use super::shard::Shard;

/// Makes sure that files can be made in `folder`, before any work is done for it.
pub fn check_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    tempfile::tempfile_in(folder).with_context(|| {
        format!("cannot write to {}; choose another folder with --out", folder.display())
    })?;
    Ok(())
}

/// Writes shards, recipe and description, and removes the shards of an earlier corpus.
pub fn corpus(folder: &Path, shards: &[Shard], recipe: &Recipe) -> Result<()> {
    for shard in shards {
        file(&folder.join(&shard.record.file), &shard.bytes)?;
    }
    let mut json = serde_json::to_vec_pretty(recipe)?;
    json.push(b'\n');
    file(&folder.join("recipe.json"), &json)?;
    file(&folder.join("README.md"), readme::text(recipe).as_bytes())?;
    remove_old_shards(folder, shards)
}

/// Writes beside the target and renames in one step.
fn file(target: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = target.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, target))
        .with_context(|| format!("cannot write {}", target.display()))
}

fn remove_old_shards(folder: &Path, shards: &[Shard]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_shard(&name) && shards.iter().all(|shard| shard.record.file != name) {
            fs::remove_file(entry.path())
                .with_context(|| format!("cannot remove the old shard {name}"))?;
        }
    }
    Ok(())
}

/// Whether a file is named as this command names shards.
fn is_shard(name: &str) -> bool {
    let stem = name.strip_suffix(".tar.gz").and_then(|stem| stem.rsplit_once('-'));
    stem.is_some_and(|(split, number)| {
        [Split::Train, Split::Test].iter().any(|known| known.name() == split)
            && number.len() == 3
            && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("recipe.json");
        file(&target, b"old")?;
        file(&target, b"new")?;
        assert_eq!(fs::read(&target)?, b"new");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn an_output_folder_that_is_a_file_is_an_error_that_names_it() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let message = check_folder(file.path()).err().map(|error| error.to_string());
        let name = file.path().display().to_string();
        assert!(message.is_some_and(|text| text.contains(&name)));
        Ok(())
    }

    #[test]
    fn only_our_own_shards_are_removed() {
        assert!(is_shard("train-012.tar.gz"));
        assert!(!is_shard("train-mine.tar.gz"));
        assert!(!is_shard("README.md"));
    }
}
