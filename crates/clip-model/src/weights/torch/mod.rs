//! PyTorch's own files: `torch.save` in both its formats, and TorchScript archives.

mod calls;
mod legacy;
mod names;
mod pickle;
mod value;
mod zip;

pub(super) use legacy::read as read_legacy;
pub(super) use zip::read as read_zip;

use value::Tensor;

use super::element::Element;
use super::state_dict::StoredTensor;

/// Longest pickle that is read; with an optimizer's state they have a few megabytes.
const MAX_PICKLE: u64 = 32 << 20;

/// The number format of a tensor: its storage's class says it, or its own dtype.
fn element(tensor: &Tensor) -> Result<Element, String> {
    let class = tensor.storage.class.rsplit('.').next().unwrap_or_default();
    let dtype = tensor.dtype.as_deref().and_then(|dtype| dtype.strip_prefix("torch."));
    let name = match class.strip_suffix("Storage") {
        Some("Untyped") | None => dtype.unwrap_or(class),
        Some(name) => name,
    };
    match name.to_ascii_lowercase().as_str() {
        "double" | "float64" => Ok(Element::F64),
        "float" | "float32" => Ok(Element::F32),
        "half" | "float16" => Ok(Element::F16),
        "bfloat16" => Ok(Element::Bf16),
        "long" | "int64" => Ok(Element::Integer(8)),
        "int" | "int32" => Ok(Element::Integer(4)),
        "short" | "int16" => Ok(Element::Integer(2)),
        "char" | "int8" | "byte" | "uint8" | "bool" => Ok(Element::Integer(1)),
        other => Err(format!("its number format {other} is not supported")),
    }
}

/// A tensor whose storage begins at `start` and has `bytes` bytes.
fn stored(tensor: &Tensor, start: u64, bytes: u64) -> Result<StoredTensor, String> {
    let element = element(tensor)?;
    let room = bytes / element.size() as u64;
    // The class of an untyped storage counts bytes.
    let untyped = tensor.storage.class.ends_with("UntypedStorage");
    let len = tensor.storage.len / if untyped { element.size() } else { 1 };
    if len as u64 > room {
        let key = &tensor.storage.key;
        return Err(format!("its storage {key} says {len} elements, the file has room for {room}"));
    }
    let plain = StoredTensor {
        shape: tensor.shape.clone(),
        element,
        file: 0,
        start,
        storage_len: len,
        offset: tensor.offset,
        strides: None,
    };
    Ok(plain.with_strides(tensor.strides.clone()))
}
