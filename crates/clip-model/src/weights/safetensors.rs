use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, View};

use super::reference_key;
use crate::{Clip, WeightsError};

/// Loads an open_clip safetensors file (f32) into a model of the same architecture.
///
/// # Errors
///
/// When the file cannot be read, is not safetensors, or lacks, adds or mis-shapes a tensor; every
/// such tensor is listed.
pub fn load_safetensors(model: Clip, path: &Path) -> Result<Clip, WeightsError> {
    let io = |source| WeightsError::Io { path: path.into(), source };
    let bytes = std::fs::read(path).map_err(io)?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|source| WeightsError::Format { path: path.into(), source })?;
    let mut loader = Loader::new(&file);
    let model = model.map(&mut loader);
    match loader.problems() {
        problems if problems.is_empty() => Ok(model),
        problems => Err(WeightsError::Mismatch { path: path.into(), problems }),
    }
}

/// Saves a model as an open_clip safetensors file (f32). The file appears whole or not at all.
///
/// # Errors
///
/// When the file cannot be written.
pub fn save_safetensors(model: &Clip, path: &Path) -> Result<(), WeightsError> {
    let io = |source| WeightsError::Io { path: path.into(), source };
    let mut collector = Collector::default();
    model.visit(&mut collector);
    let bytes = safetensors::serialize(collector.tensors, None)
        .map_err(|source| WeightsError::Format { path: path.into(), source })?;
    let partial = path.with_extension("partial");
    std::fs::write(&partial, bytes).map_err(io)?;
    std::fs::rename(&partial, path).map_err(io)
}

/// Fills each parameter from the file and remembers what does not fit.
struct Loader<'a> {
    path: Vec<String>,
    tensors: HashMap<String, safetensors::tensor::TensorView<'a>>,
    problems: Vec<String>,
}

impl<'a> Loader<'a> {
    fn new(file: &'a SafeTensors<'a>) -> Self {
        // A counter that PyTorch keeps beside batch statistics and nothing here uses.
        let used = |name: &str| !name.ends_with(".num_batches_tracked");
        let tensors = file.tensors().into_iter().filter(|(name, _)| used(name)).collect();
        Self { path: Vec::new(), tensors, problems: Vec::new() }
    }

    fn problems(mut self) -> Vec<String> {
        let mut unused: Vec<_> =
            self.tensors.keys().map(|name| format!("unused tensor {name}")).collect();
        unused.sort();
        self.problems.append(&mut unused);
        self.problems
    }

    /// The values for a parameter of `shape`, or the reason why there are none.
    fn take(&mut self, shape: &[usize]) -> Result<TensorData, String> {
        let key = reference_key(&self.path.join("."));
        let name = &key.name;
        let view = self.tensors.remove(name).ok_or_else(|| format!("missing tensor {name}"))?;
        if view.dtype() != Dtype::F32 {
            return Err(format!("{name} is {:?}, expected F32", view.dtype()));
        }
        let mut expected = shape.to_vec();
        if key.transposed {
            expected.reverse();
        }
        // A scalar has the shape `[]` in the file and `[1]` here.
        let scalar = view.shape().is_empty() && shape == [1];
        if view.shape() != expected && !scalar {
            return Err(format!("{name} is {:?}, expected {expected:?}", view.shape()));
        }
        let values =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let values: Vec<f32> = values.collect();
        let values = match key.transposed {
            true => transpose(&values, expected[0], expected[1]),
            false => values,
        };
        Ok(TensorData::new(values, shape.to_vec()))
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
        let device = param.lazy_device();
        let id = param.id;
        match self.take(param.lazy_shape().as_slice()) {
            Ok(data) => {
                param.transform_for_load(Tensor::from_data(data, (&device, DType::F32)), id)
            }
            Err(problem) => {
                self.problems.push(problem);
                param
            }
        }
    }
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    tensors: Vec<(String, Stored)>,
}

/// A tensor on its way into a file.
struct Stored {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
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
        let key = reference_key(&self.path.join("."));
        let data = param.val().into_data();
        let mut shape = data.shape().to_vec();
        let mut values: Vec<f32> = data.iter::<f32>().collect();
        if key.transposed {
            values = transpose(&values, shape[0], shape[1]);
            shape.reverse();
        }
        if key.name == "logit_scale" {
            shape.clear();
        }
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((key.name, Stored { shape, bytes }));
    }
}

/// Transposes a row-major matrix.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let entry = |index: usize| values[(index % rows) * columns + index / rows];
    (0..rows * columns).map(entry).collect()
}
