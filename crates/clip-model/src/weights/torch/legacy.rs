//! `torch.save` before PyTorch 1.6: four pickles, the keys of the storages, then the storages.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::pickle::{Pickle, unpickle};
use super::value::{Node, Tensor};
use super::{MAX_PICKLE, element, names, stored};
use crate::WeightsError;
use crate::weights::state_dict::{Format, Found};

pub(in crate::weights) fn read(path: &Path, mut file: File) -> Result<Found, WeightsError> {
    let damaged = |reason: String| WeightsError::Damaged { path: path.into(), reason };
    let io = |source| WeightsError::Io { path: path.into(), source };
    let size = file.metadata().map_err(io)?.len();
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_PICKLE).read_to_end(&mut bytes).map_err(io)?;

    let mut position = 0;
    let mut next = |what: &str| -> Result<Pickle, WeightsError> {
        let rest = bytes.get(position..).unwrap_or_default();
        let pickle = unpickle(rest).map_err(|why| damaged(format!("its {what}, {why}")))?;
        position += pickle.len;
        Ok(pickle)
    };
    let magic = next("magic number")?;
    if !matches!(magic.nodes[magic.root], Node::Number) {
        let reason = "it is a pickle, but not one of torch.save".into();
        return Err(WeightsError::Unrecognised { path: path.into(), reason });
    }
    next("version")?;
    next("system")?;
    let object = next("object")?;
    let keys = storage_keys(&next("list of storages")?).map_err(damaged)?;

    let found = names::of_state_dict(&object).map_err(damaged)?;
    let sizes = element_sizes(&object, &found).map_err(damaged)?;
    let places = places(&mut file, position as u64, size, &keys, &sizes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in found {
        let place = places.get(tensor.storage.key.as_str());
        let place = place.ok_or_else(|| format!("its storage {} is missing", tensor.storage.key));
        let place = place.and_then(|(start, bytes)| stored(tensor, *start, *bytes));
        let fail = |reason| WeightsError::Tensor { path: path.into(), name: name.clone(), reason };
        tensors.insert(name.clone(), place.map_err(fail)?);
    }
    Ok(Found { format: Format::Torch, tensors, files: vec![file] })
}

fn storage_keys(pickle: &Pickle) -> Result<Vec<String>, String> {
    let text = |id: &usize| match &pickle.nodes[*id] {
        Node::Text(key) => Ok(key.clone()),
        _ => Err("the key of a storage is no text".to_string()),
    };
    match &pickle.nodes[pickle.root] {
        Node::List(keys) => keys.iter().map(text).collect(),
        _ => Err("the keys of its storages are no list".into()),
    }
}

/// Bytes of an element of each storage, of those beside the weights too.
fn element_sizes(
    object: &Pickle,
    weights: &BTreeMap<String, &Tensor>,
) -> Result<HashMap<String, usize>, String> {
    let others = object.nodes.iter().filter_map(|node| match node {
        Node::Tensor(tensor) => Some(tensor),
        _ => None,
    });
    let mut sizes = HashMap::new();
    for tensor in weights.values().copied().chain(others) {
        sizes.insert(tensor.storage.key.clone(), element(tensor)?.size());
    }
    Ok(sizes)
}

/// Start and bytes of each storage: each is preceded by its number of elements.
fn places<'a>(
    file: &mut File,
    mut position: u64,
    size: u64,
    keys: &'a [String],
    sizes: &HashMap<String, usize>,
) -> Result<HashMap<&'a str, (u64, u64)>, String> {
    let mut places = HashMap::new();
    for key in keys {
        let element = *sizes.get(key).ok_or_else(|| format!("storage {key} has no tensor"))?;
        let mut count = [0; 8];
        let ends = |_| format!("the file ends before storage {key}");
        file.seek(SeekFrom::Start(position)).map_err(ends)?;
        file.read_exact(&mut count).map_err(ends)?;
        let bytes = u64::from_le_bytes(count).checked_mul(element as u64);
        let start = position + 8;
        let end = bytes.and_then(|bytes| start.checked_add(bytes)).filter(|end| *end <= size);
        let end = end.ok_or_else(|| format!("storage {key} reaches beyond the file"))?;
        places.insert(key.as_str(), (start, end - start));
        position = end;
    }
    Ok(places)
}
