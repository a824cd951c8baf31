//! `model.safetensors.index.json`: which of several files holds which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use serde::Deserialize;

use super::safetensors_file;
use super::state_dict::{Format, Found};
use crate::WeightsError;

/// Longest index that is read.
const MAX_INDEX: u64 = 8 << 20;

/// Most files that an index may name.
const MAX_FILES: usize = 1024;

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

pub(super) fn read(path: &Path, mut file: File) -> Result<Found, WeightsError> {
    let io = |source| WeightsError::Io { path: path.into(), source };
    let damaged = |reason: String| WeightsError::Damaged { path: path.into(), reason };
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut text = Vec::new();
    file.take(MAX_INDEX).read_to_end(&mut text).map_err(io)?;
    let index: Index =
        serde_json::from_slice(&text).map_err(|error| WeightsError::Unrecognised {
            path: path.into(),
            reason: format!("it is JSON, but no index of safetensors files: {error}"),
        })?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    if names.len() > MAX_FILES {
        return Err(damaged(format!(
            "it names {} files, above the limit {MAX_FILES}",
            names.len()
        )));
    }
    let mut found = Found { format: Format::Safetensors, tensors: BTreeMap::new(), files: vec![] };
    for name in names {
        if !matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
            return Err(damaged(format!("`{name}` is no file beside it")));
        }
        let shard = path.with_file_name(name);
        let file = File::open(&shard)
            .map_err(|source| WeightsError::Io { path: shard.clone(), source })?;
        let part = safetensors_file::read(&shard, file)?;
        let position = found.files.len();
        for (tensor, mut place) in part.tensors {
            // The index says which copy counts, where two files have a tensor of this name.
            if index.weight_map.get(&tensor) == Some(name) {
                place.file = position;
                found.tensors.insert(tensor, place);
            }
        }
        found.files.extend(part.files);
    }
    match index.weight_map.iter().find(|(tensor, _)| !found.tensors.contains_key(*tensor)) {
        Some((tensor, name)) => Err(damaged(format!("{name} lacks tensor {tensor}"))),
        None => Ok(found),
    }
}
