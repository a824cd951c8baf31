//! Fills a model from a checkpoint.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Tensor, TensorData};

use super::element::{Element, convert, transposed};
use super::keys::{Layout, ReferenceKey, reference_key};
use super::naming::{Naming, Piece, is_idle, without_text};
use super::positions;
use super::state_dict::StateDict;
use crate::{Clip, WeightsError};

/// Fills every parameter of `model` from `weights`; floats of any width become `dtype`.
///
/// # Errors
///
/// When a tensor is missing, unused or of another shape; every such tensor is listed. Position
/// embeddings are resized, as open_clip does.
pub(crate) fn fill(model: Clip, weights: &StateDict, dtype: DType) -> Result<Clip, WeightsError> {
    let mut loader = Loader {
        source: Source::new(weights),
        dtype,
        path: Vec::new(),
        problems: Vec::new(),
        failure: None,
    };
    let model = model.map(&mut loader);
    if let Some(failure) = loader.failure {
        return Err(failure);
    }
    let mut problems = loader.problems;
    problems.extend(loader.source.unused().map(|name| format!("unused tensor {name}")));
    match problems.is_empty() {
        true => Ok(model),
        false => Err(WeightsError::Mismatch { path: weights.path().into(), problems }),
    }
}

/// A checkpoint under open_clip's names.
pub(super) struct Source<'a> {
    weights: &'a StateDict,
    naming: Naming,
    used: BTreeSet<String>,
}

/// Why a parameter has no values.
enum Failure {
    /// The tensor isn't what the model needs; others may be wrong too.
    Problem(String),
    /// The file cannot be read.
    Fatal(WeightsError),
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Self {
        Self::Fatal(error)
    }
}

impl<'a> Source<'a> {
    fn new(weights: &'a StateDict) -> Self {
        Self { weights, naming: Naming::of(weights.names()), used: BTreeSet::new() }
    }

    fn unused(&self) -> impl Iterator<Item = &str> {
        let unused = |name: &&str| !self.used.contains(*name) && !is_idle(name);
        self.weights.names().filter(unused)
    }

    /// Whether the file has it.
    fn has(&self, name: &str) -> bool {
        self.weights.get(&self.file_name(name)).is_some()
    }

    /// The name in the file: with `text.` where it has it.
    fn file_name(&self, name: &str) -> String {
        let custom = format!("text.{name}");
        let in_text = self.naming == Naming::OpenClip && self.weights.get(&custom).is_some();
        if in_text { custom } else { without_text(name).into() }
    }

    /// Values for the parameter `key` of `shape` in open_clip's layout, as bytes of `to`.
    fn take(&mut self, key: &str, shape: &[usize], to: Element) -> Result<Vec<u8>, Failure> {
        let pieces = self.naming.pieces(key);
        if pieces.is_empty() {
            return Err(Failure::Problem(format!("missing tensor {key}")));
        }
        let mut values: Vec<u8> = Vec::new();
        for piece in &pieces {
            let mut part = shape.to_vec();
            if pieces.len() > 1 {
                part[0] /= pieces.len();
            }
            let read = self.piece(piece, key, &part, to)?;
            match values.is_empty() {
                true => values = read,
                false => values.extend(read),
            }
        }
        Ok(values)
    }

    fn piece(
        &mut self,
        piece: &Piece,
        key: &str,
        shape: &[usize],
        to: Element,
    ) -> Result<Vec<u8>, Failure> {
        let name = self.file_name(&piece.name);
        let weights = self.weights;
        let stored = weights.get(&name);
        let stored = stored.ok_or_else(|| Failure::Problem(format!("missing tensor {name}")))?;
        self.used.insert(name.clone());
        let mut expected = shape.to_vec();
        if !piece.is_whole() {
            expected[0] = expected[0] / piece.thirds.len() * 3;
        }
        if piece.transposed {
            expected.reverse();
        }
        let found = &stored.shape;
        if matches!(stored.element, Element::Integer(_)) {
            return Err(Failure::Problem(format!("{name} holds integers, expected floats")));
        }
        if !same_shape(found, &expected) {
            let resized = positions::resized(key, found, &expected);
            let mismatch =
                || Failure::Problem(format!("{name} is {found:?}, expected {expected:?}"));
            let resize = resized.ok_or_else(mismatch)?;
            let bytes = weights.values(&name)?;
            let count = bytes.len() / stored.element.size();
            let wide = converted(&bytes, stored.element, Element::F32, 0..count)?;
            return converted(&resize.apply(&wide), Element::F32, to, 0..expected.iter().product());
        }
        let bytes = weights.values(&name)?;
        let count: usize = expected.iter().product();
        match piece.transposed {
            true => {
                let order = transposed(expected[0], count / expected[0]);
                converted(&bytes, stored.element, to, order)
            }
            false if stored.element == to && piece.is_whole() => Ok(bytes.into_vec()),
            false => {
                let third = count / 3;
                let range = match piece.is_whole() {
                    true => 0..count,
                    false => piece.thirds.start * third..piece.thirds.end * third,
                };
                converted(&bytes, stored.element, to, range)
            }
        }
    }
}

fn converted(
    bytes: &[u8],
    from: Element,
    to: Element,
    positions: impl ExactSizeIterator<Item = usize>,
) -> Result<Vec<u8>, Failure> {
    let broken = || Failure::Problem("a tensor's bytes do not fit its shape".into());
    convert(bytes, from, to, positions).ok_or_else(broken)
}

/// Whether both are equal up to axes of length one in front: scalars and SigLIP's embeddings have
/// them in some formats.
fn same_shape(found: &[usize], expected: &[usize]) -> bool {
    let plain =
        |shape: &[usize]| shape.iter().skip_while(|side| **side == 1).copied().collect::<Vec<_>>();
    plain(found) == plain(expected)
}

struct Loader<'a> {
    source: Source<'a>,
    dtype: DType,
    path: Vec<String>,
    problems: Vec<String>,
    failure: Option<WeightsError>,
}

impl Loader<'_> {
    fn data(&mut self, shape: &[usize]) -> Result<TensorData, Failure> {
        let ReferenceKey { name, layout } = reference_key(&self.path.join("."));
        // The scale is an exponent, which half precision would move by percents.
        let dtype = if name.starts_with("logit_") { DType::F32 } else { self.dtype };
        let to = Element::of(dtype).unwrap_or(Element::F32);
        let expected = layout.reference_shape(shape);
        // As open_clip: a checkpoint may be trained on with a bias that it did not have.
        if name == "logit_bias" && !self.source.has(&name) {
            return Ok(TensorData::from(&[0.0_f32][..]));
        }
        let mut bytes = self.source.take(&name, &expected, to)?;
        if layout == Layout::Transposed {
            let order = transposed(expected[0], expected[1]);
            bytes = converted(&bytes, to, to, order)?;
        }
        Ok(TensorData::from_bytes_vec(bytes, shape.to_vec(), dtype))
    }
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failure.is_some() {
            return param;
        }
        let device = param.lazy_device();
        let id = param.id;
        match self.data(param.lazy_shape().as_slice()) {
            Ok(data) => {
                let dtype = data.dtype();
                param.transform_for_load(Tensor::from_data(data, (&device, dtype)), id)
            }
            Err(Failure::Problem(problem)) => {
                self.problems.push(problem);
                param
            }
            Err(Failure::Fatal(failure)) => {
                self.failure = Some(failure);
                param
            }
        }
    }
}
