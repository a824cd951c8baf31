//! safetensors: a JSON header with names, shapes and places, then the values.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::element::Element;
use super::state_dict::{Format, Found, StoredTensor};
use crate::WeightsError;

/// Bytes before the header: its length.
const PREFIX: u64 = 8;

/// Longest header that is read. That of the largest CLIP has 200 kB.
const MAX_HEADER: u64 = 8 << 20;

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

pub(super) fn read(path: &Path, mut file: File) -> Result<Found, WeightsError> {
    let io = |source| WeightsError::Io { path: path.into(), source };
    let damaged = |reason: String| WeightsError::Damaged { path: path.into(), reason };
    let size = file.metadata().map_err(io)?.len();
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut length = [0; PREFIX as usize];
    file.read_exact(&mut length).map_err(io)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(damaged(format!(
            "its header says {length} bytes, above the limit {MAX_HEADER}"
        )));
    }
    let values = PREFIX + length;
    if values > size {
        return Err(damaged(format!("its header ends at byte {values}, the file at {size}")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(io)?;
    let tensors = entries(&header, values, size).map_err(damaged)?;
    Ok(Found { format: Format::Safetensors, tensors, files: vec![file] })
}

fn entries(
    header: &[u8],
    values: u64,
    size: u64,
) -> Result<BTreeMap<String, StoredTensor>, String> {
    let raw: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)
        .map_err(|error| format!("its header is not the JSON of tensors: {error}"))?;
    let mut tensors = BTreeMap::new();
    let mut places = Vec::new();
    for (name, value) in raw {
        if name == "__metadata__" {
            continue;
        }
        let entry: Entry =
            serde_json::from_value(value).map_err(|error| format!("tensor {name}: {error}"))?;
        let tensor = stored(&entry, values, size).map_err(|why| format!("tensor {name}: {why}"))?;
        places.push((entry.data_offsets, name.clone()));
        tensors.insert(name, tensor);
    }
    places.sort();
    let mut next = 0;
    for ((start, end), name) in places {
        if start < next {
            return Err(format!("tensor {name} overlaps another"));
        }
        next = end;
    }
    Ok(tensors)
}

fn stored(entry: &Entry, values: u64, size: u64) -> Result<StoredTensor, String> {
    let element = element(&entry.dtype)?;
    let (start, end) = entry.data_offsets;
    let place = values.checked_add(end).is_some_and(|end| end <= size) && start <= end;
    if !place {
        return Err(format!("it lies at {start}..{end} of {} bytes of values", size - values));
    }
    let bytes = (end - start) as usize;
    let len = entry.shape.iter().try_fold(1usize, |len, side| len.checked_mul(*side));
    if len.and_then(|len| len.checked_mul(element.size())) != Some(bytes) {
        return Err(format!("{} {:?} does not take {bytes} bytes", entry.dtype, entry.shape));
    }
    Ok(StoredTensor {
        shape: entry.shape.clone(),
        element,
        file: 0,
        start: values + start,
        storage_len: bytes / element.size(),
        offset: 0,
        strides: None,
    })
}

fn element(dtype: &str) -> Result<Element, String> {
    match dtype {
        "F64" => Ok(Element::F64),
        "F32" => Ok(Element::F32),
        "F16" => Ok(Element::F16),
        "BF16" => Ok(Element::Bf16),
        "I64" | "U64" => Ok(Element::Integer(8)),
        "I32" | "U32" => Ok(Element::Integer(4)),
        "I16" | "U16" => Ok(Element::Integer(2)),
        "I8" | "U8" | "BOOL" => Ok(Element::Integer(1)),
        other => Err(format!("its dtype {other} is not supported; F64, F32, F16 and BF16 are")),
    }
}
