//! Files and folders of a corpus.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Makes sure that files can be made in `folder`, before any work is done for it.
pub fn check_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    tempfile::tempfile_in(folder).with_context(|| {
        format!("cannot write to {}; choose another folder with --out", folder.display())
    })?;
    Ok(())
}

/// Writes beside the target and renames in one step.
pub fn write_file(target: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = target.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, target))
        .with_context(|| format!("cannot write {}", target.display()))
}

/// Removes a file if it is there.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the old {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// End of the names of files that are not complete.
pub const PART: &str = ".part";

/// Removes the shards that an earlier run made for one of the splits `prefixes`, and what an
/// interrupted run left half-written.
pub fn remove_shards(folder: &Path, prefixes: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let left_over = name.starts_with('.') && name.ends_with(PART);
        if left_over || is_shard(&name, prefixes) {
            fs::remove_file(entry.path())
                .with_context(|| format!("cannot remove the old {name}"))?;
        }
    }
    Ok(())
}

/// Whether a file is named as [`ShardWriter`](super::ShardWriter) names shards.
fn is_shard(name: &str, prefixes: &[&str]) -> bool {
    let stem = name.strip_suffix(".tar").and_then(|stem| stem.rsplit_once('-'));
    stem.is_some_and(|(prefix, number)| {
        prefixes.contains(&prefix)
            && number.len() >= 3
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
        write_file(&target, b"old")?;
        write_file(&target, b"new")?;
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
    fn old_shards_and_left_overs_go_and_all_else_stays() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let kept = ["mine-000.tar", "train-mine.tar", "train-000.tar.gz"];
        for name in ["train-000.tar", "train-1000.tar", ".x.part"].into_iter().chain(kept) {
            fs::write(folder.path().join(name), b"")?;
        }
        remove_shards(folder.path(), &["train", "test"])?;
        assert_eq!(fs::read_dir(folder.path())?.count(), kept.len());
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
        Ok(())
    }
}
