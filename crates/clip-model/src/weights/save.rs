//! Writes a model's tensors, under open_clip's or transformers' names.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use safetensors::tensor::{Dtype, View};

use super::element::{Element, convert, transposed};
use super::keys::{Layout, ReferenceKey, reference_key};
use super::naming::Naming;
use crate::{Clip, WeightsError};

/// How names and scalars differ between the files of one naming.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub naming: Naming,
    /// Whether the text tower's names have `text.` in front.
    pub custom_text: bool,
    /// Whether scale and bias have the shape `[1]` in place of `[]`.
    pub nonscalar: bool,
}

/// Writes the model as one safetensors file, which appears whole or not at all.
pub(super) fn write(model: &Clip, style: Style, path: &Path) -> Result<(), WeightsError> {
    let mut collector =
        Collector { style, path: Vec::new(), files: BTreeMap::new(), missing: None };
    model.visit(&mut collector);
    if let Some(name) = collector.missing {
        let reason = format!("its format has no tensor for {name}");
        return Err(WeightsError::Export { path: path.into(), reason });
    }
    let tensors = collector.files.into_iter().map(|(name, parts)| (name, Assembled::new(parts)));
    // transformers asks for this entry.
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    atomically(path, |partial| {
        safetensors::serialize_to_file(tensors, Some(metadata), partial).map_err(
            |error| match error {
                safetensors::SafeTensorError::IoError(source) => source,
                other => std::io::Error::other(other.to_string()),
            },
        )
    })
}

/// Writes beside the target, then renames: the target appears whole or not at all.
pub(crate) fn atomically(
    path: &Path,
    write: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<(), WeightsError> {
    let io = |source| WeightsError::Io { path: path.into(), source };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let written = write(&partial)
        .and_then(|()| File::open(&partial)?.sync_all())
        .and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        // Nothing to keep: what is there is incomplete.
        let _ = std::fs::remove_file(&partial);
    }
    written.map_err(io)
}

/// A parameter, or a piece of one, that makes up a tensor in the file or some of its rows.
struct Part {
    /// Where its rows begin, in thirds.
    first_third: usize,
    tensor: Box<dyn Fn() -> Vec<u8>>,
    shape: Vec<usize>,
    element: Element,
}

struct Collector {
    style: Style,
    path: Vec<String>,
    files: BTreeMap<String, Vec<Part>>,
    /// The first parameter that the format has no place for.
    missing: Option<String>,
}

impl Collector {
    /// The name in the file.
    fn file_name(&self, name: String, path: &str) -> String {
        let in_text = path.starts_with("text.") && self.style.custom_text;
        if in_text && self.style.naming == Naming::OpenClip { format!("text.{name}") } else { name }
    }

    fn add<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let ReferenceKey { name, layout } = reference_key(&path);
        let pieces = self.style.naming.pieces(&name);
        if pieces.is_empty() {
            self.missing.get_or_insert(name);
            return;
        }
        let value = match param.val() {
            value if matches!(value.dtype(), DType::QFloat(_)) => value.dequantize(),
            value => value,
        };
        let element = Element::of(value.dtype()).unwrap_or(Element::F32);
        let own_shape = value.dims().to_vec();
        let mut shape = layout.reference_shape(&own_shape);
        let scalar = name.starts_with("logit_") && !self.style.nonscalar;
        if scalar {
            shape.clear();
        }
        let parts = pieces.len();
        for (index, piece) in pieces.iter().enumerate() {
            let mut piece_shape = shape.clone();
            if parts > 1 {
                piece_shape[0] /= parts;
            }
            let count: usize = piece_shape.iter().product();
            let turned = piece.transposed.then(|| (piece_shape[0], piece_shape[1]));
            if piece.transposed {
                piece_shape.reverse();
            }
            // transformers' embeddings have no axis of length one in front; its probe has it.
            let embedding = layout == Layout::LeadingOne && !piece.name.ends_with(".probe");
            if embedding && self.style.naming != Naming::OpenClip {
                piece_shape.remove(0);
            }
            let value = value.clone();
            let read = move || {
                let bytes = reference_bytes(&value, layout, element);
                let range = index * count..(index + 1) * count;
                let part = convert(&bytes, element, element, range).unwrap_or_default();
                match turned {
                    Some((rows, columns)) => {
                        transposed(&part, [rows, columns], element).unwrap_or_default()
                    }
                    None => part,
                }
            };
            let name = self.file_name(piece.name.clone(), &path);
            self.files.entry(name).or_default().push(Part {
                first_third: piece.thirds.start,
                tensor: Box::new(read),
                shape: piece_shape,
                element,
            });
        }
    }
}

/// A parameter's values in open_clip's layout.
fn reference_bytes<const D: usize>(value: &Tensor<D>, layout: Layout, element: Element) -> Vec<u8> {
    let data = value.clone().into_data();
    let shape = data.shape().to_vec();
    let bytes = data.into_bytes().to_vec();
    match layout {
        Layout::Transposed => transposed(&bytes, [shape[0], shape[1]], element).unwrap_or_default(),
        Layout::Same | Layout::LeadingOne => bytes,
    }
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(param);
    }
}

/// A tensor of the file, fetched from the device when it is written.
struct Assembled {
    parts: Vec<Part>,
    shape: Vec<usize>,
    element: Element,
}

impl Assembled {
    fn new(mut parts: Vec<Part>) -> Self {
        parts.sort_by_key(|part| part.first_third);
        let mut shape = parts.first().map(|part| part.shape.clone()).unwrap_or_default();
        if let (Some(first), true) = (shape.first_mut(), parts.len() > 1) {
            *first = parts.iter().map(|part| part.shape[0]).sum();
        }
        let element = parts.first().map_or(Element::F32, |part| part.element);
        Self { parts, shape, element }
    }
}

impl View for Assembled {
    fn dtype(&self) -> Dtype {
        match self.element {
            Element::F64 => Dtype::F64,
            Element::F16 => Dtype::F16,
            Element::Bf16 => Dtype::BF16,
            _ => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.parts.iter().flat_map(|part| (part.tensor)()).collect())
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.size()
    }
}
