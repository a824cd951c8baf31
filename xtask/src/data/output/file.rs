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
}
