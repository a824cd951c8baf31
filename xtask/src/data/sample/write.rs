//! Writing the corpus: a reader never sees half a file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::data::output;

use super::catalog::Split;
use super::readme;
use super::recipe::Recipe;
use super::shard::Shard;

/// Writes shards, recipe and description, and removes the shards of an earlier corpus.
pub fn corpus(folder: &Path, shards: &[Shard], recipe: &Recipe) -> Result<()> {
    for shard in shards {
        output::write_file(&folder.join(&shard.record.file), &shard.bytes)?;
    }
    let mut json = serde_json::to_vec_pretty(recipe)?;
    json.push(b'\n');
    output::write_file(&folder.join("recipe.json"), &json)?;
    output::write_file(&folder.join("README.md"), readme::text(recipe).as_bytes())?;
    remove_old_shards(folder, shards)
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
    fn only_our_own_shards_are_removed() {
        assert!(is_shard("train-012.tar.gz"));
        assert!(!is_shard("train-mine.tar.gz"));
        assert!(!is_shard("README.md"));
    }
}
