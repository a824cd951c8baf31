//! Fills a model from a checkpoint.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Tensor, TensorData};
use half::{bf16, f16};
#[cfg(feature = "rayon")]
use rayon::prelude::*;

use super::element::{Element, convert, transpose, transposed};
use super::keys::{Layout, ReferenceKey, reference_key};
use super::mapped::Values;
use super::naming::{Naming, Piece, is_idle, without_text};
use super::positions;
use super::state_dict::StateDict;
use crate::device::is_cpu;
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
    fn take(&mut self, key: &str, shape: &[usize], to: Element) -> Result<Values, Failure> {
        let pieces = self.naming.pieces(key);
        if pieces.is_empty() {
            return Err(Failure::Problem(format!("missing tensor {key}")));
        }
        if let [piece] = &pieces[..] {
            return self.piece(piece, key, shape, to);
        }
        let mut part = shape.to_vec();
        part[0] /= pieces.len();
        let mut values: Vec<u8> = Vec::new();
        for piece in &pieces {
            values.extend_from_slice(&self.piece(piece, key, &part, to)?);
        }
        Ok(Values::Gathered(values))
    }

    fn piece(
        &mut self,
        piece: &Piece,
        key: &str,
        shape: &[usize],
        to: Element,
    ) -> Result<Values, Failure> {
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
            let count = 0..expected.iter().product();
            return Ok(Values::Gathered(converted(&resize.apply(&wide), Element::F32, to, count)?));
        }
        let bytes = weights.values(&name)?;
        let count: usize = expected.iter().product();
        if stored.element == to && piece.is_whole() && !piece.transposed {
            return Ok(bytes);
        }
        let third = count / 3;
        let range = match piece.is_whole() {
            true => 0..count,
            false => piece.thirds.start * third..piece.thirds.end * third,
        };
        let values = converted(&bytes, stored.element, to, range)?;
        Ok(Values::Gathered(match piece.transposed {
            true => turned(&values, [expected[0], count / expected[0]], to)?,
            false => values,
        }))
    }
}

fn turned(bytes: &[u8], shape: [usize; 2], element: Element) -> Result<Vec<u8>, Failure> {
    transposed(bytes, shape, element).ok_or_else(broken)
}

fn broken() -> Failure {
    Failure::Problem("a tensor's bytes do not fit its shape".into())
}

fn converted(
    bytes: &[u8],
    from: Element,
    to: Element,
    positions: impl ExactSizeIterator<Item = usize>,
) -> Result<Vec<u8>, Failure> {
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
    /// The values of a parameter of `shape`, on the CPU in the file's order: a matrix that is to be
    /// turned is marked, and remains as it is.
    fn data(&mut self, shape: &[usize], is_cpu: bool) -> Result<(TensorData, bool), Failure> {
        let ReferenceKey { name, layout } = reference_key(&self.path.join("."));
        // The scale is an exponent, which half precision would move by percents.
        let dtype = if name.starts_with("logit_") { DType::F32 } else { self.dtype };
        let to = Element::of(dtype).unwrap_or(Element::F32);
        let expected = layout.reference_shape(shape);
        // As open_clip: a checkpoint may be trained on with a bias that it did not have.
        if name == "logit_bias" && !self.source.has(&name) {
            return Ok((TensorData::from(&[0.0_f32][..]), false));
        }
        let bytes = self.source.take(&name, &expected, to)?;
        let is_turned = layout == Layout::Transposed;
        // Few rows are multiplied fastest with weights that lie in PyTorch's order.
        let stays = is_turned && is_cpu;
        let turned = (is_turned && !stays).then(|| [expected[0], expected[1]]);
        let shape = if stays { &expected[..] } else { shape };
        let data = match to {
            Element::F64 => numbers(&bytes, f64::from_le_bytes, turned, shape),
            Element::F32 => numbers(&bytes, f32::from_le_bytes, turned, shape),
            Element::F16 => numbers(&bytes, f16::from_le_bytes, turned, shape),
            Element::Bf16 => numbers(&bytes, bf16::from_le_bytes, turned, shape),
            Element::Integer(_) => None,
        };
        Ok((data.ok_or_else(broken)?, stays))
    }
}

/// A tensor of `shape` from little-endian numbers, of a matrix that is to be turned if one is given,
/// in one pass over the file's bytes; `None` where there are too few or too many.
fn numbers<const N: usize, E: burn::tensor::Element + Default>(
    bytes: &[u8],
    read: impl Fn([u8; N]) -> E + Send + Sync,
    turned: Option<[usize; 2]>,
    shape: &[usize],
) -> Option<TensorData> {
    let (numbers, _) = bytes.as_chunks::<N>();
    if numbers.len() != shape.iter().product::<usize>() {
        return None;
    }
    let numbers = match turned {
        Some(matrix) => transpose(numbers, matrix, read),
        None => copied(numbers, read),
    };
    Some(TensorData::new(numbers, shape.to_vec()))
}

/// Each number as `read` has it.
fn copied<From: Copy + Sync, To: Send>(
    numbers: &[From],
    read: impl Fn(From) -> To + Send + Sync,
) -> Vec<To> {
    // The system clears memory and reads files for longer than copying takes: on all cores.
    #[cfg(feature = "rayon")]
    return numbers.par_iter().with_min_len(1 << 16).map(|number| read(*number)).collect();
    #[cfg(not(feature = "rayon"))]
    numbers.iter().map(|number| read(*number)).collect()
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
        match self.data(param.lazy_shape().as_slice(), is_cpu(&device)) {
            Ok((data, is_turned)) => {
                let dtype = data.dtype();
                let tensor = Tensor::from_data(data, (&device, dtype));
                let tensor = if is_turned { tensor.swap_dims(0, 1) } else { tensor };
                param.transform_for_load(tensor, id)
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
