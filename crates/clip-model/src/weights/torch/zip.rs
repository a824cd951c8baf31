//! Zip archives: `data.pkl` and one stored record a storage; TorchScript's have code beside them.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::value::Tensor;
use super::{MAX_PICKLE, names, pickle, stored};
use crate::WeightsError;
use crate::weights::state_dict::{Format, Found, StoredTensor};

/// Most entries that an archive may list; the largest CLIP has some 1,200.
const MAX_ENTRIES: usize = 65_536;

/// Where an entry's bytes lie.
#[derive(Clone, Copy)]
struct Record {
    start: u64,
    bytes: u64,
}

pub(in crate::weights) fn read(path: &Path, mut file: File) -> Result<Found, WeightsError> {
    let damaged = |reason: String| WeightsError::Damaged { path: path.into(), reason };
    let records = records(&mut file).map_err(damaged)?;
    let root = root(&records).map_err(damaged)?;
    let scripted = records.keys().any(|name| name.starts_with(&format!("{root}code/")));
    let bytes = pickle_bytes(&mut file, records[&format!("{root}data.pkl")]).map_err(damaged)?;
    let pickle =
        pickle::unpickle(&bytes).map_err(|why| damaged(format!("{root}data.pkl, {why}")))?;
    let (format, found) = match scripted {
        true => (Format::TorchScript, names::of_module(&pickle)),
        false => (Format::Torch, names::of_state_dict(&pickle)),
    };
    let mut tensors = BTreeMap::new();
    for (name, tensor) in found.map_err(damaged)? {
        let place = place(&records, &root, tensor).map_err(|reason| WeightsError::Tensor {
            path: path.into(),
            name: name.clone(),
            reason,
        })?;
        tensors.insert(name, place);
    }
    Ok(Found { format, tensors, files: vec![file] })
}

fn records(file: &mut File) -> Result<HashMap<String, Record>, String> {
    let text = |error: zip::result::ZipError| format!("it is a broken zip archive: {error}");
    let mut archive = ZipArchive::new(&mut *file).map_err(text)?;
    if archive.len() > MAX_ENTRIES {
        let entries = archive.len();
        return Err(format!("it lists {entries} entries, above the limit {MAX_ENTRIES}"));
    }
    let mut records = HashMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(text)?;
        let name = entry.name().map_err(text)?.into_owned();
        // PyTorch stores data and pickles as they are, and compresses TorchScript's code alone.
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            continue;
        }
        let start = entry.data_start().ok_or_else(|| format!("entry {name} has no data"))?;
        records.insert(name, Record { start, bytes: entry.compressed_size() });
    }
    Ok(records)
}

/// The folder of all records, with its slash.
fn root(records: &HashMap<String, Record>) -> Result<String, String> {
    let mut roots = records.keys().filter_map(|name| name.strip_suffix("data.pkl"));
    let root = roots.next().ok_or(
        "it is a zip archive without an uncompressed data.pkl: no file of torch.save or \
         torch.jit.save (an unpacked and zipped one has to be saved by PyTorch again)",
    )?;
    match roots.next() {
        Some(_) => Err("it has more than one data.pkl".into()),
        None => Ok(root.into()),
    }
}

fn pickle_bytes(file: &mut File, record: Record) -> Result<Vec<u8>, String> {
    if record.bytes > MAX_PICKLE {
        let bytes = record.bytes;
        return Err(format!("its data.pkl has {bytes} bytes, above the limit {MAX_PICKLE}"));
    }
    file.seek(SeekFrom::Start(record.start)).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(record.bytes).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn place(
    records: &HashMap<String, Record>,
    root: &str,
    tensor: &Tensor,
) -> Result<StoredTensor, String> {
    let key = &tensor.storage.key;
    // `torch.save` keeps storages in data/; TorchScript names its constants' and others alike.
    let name = [format!("{root}data/{key}"), format!("{root}{key}")]
        .into_iter()
        .find(|name| records.contains_key(name))
        .ok_or_else(|| format!("its storage {root}data/{key} is missing or compressed"))?;
    stored(tensor, records[&name].start, records[&name].bytes)
}
