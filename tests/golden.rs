//! Reads the committed results of open_clip (see `reference/README.md`).

use std::path::PathBuf;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use clip_model::weights::{Layout, StateDict, load_model, reference_key};
use clip_model::{Clip, ClipConfig};
use clip_train::{Exchange, Objective, Pairs, StepOptions, batch_gradients};
use safetensors::SafeTensors;

/// One reference model with its inputs and results.
pub struct Golden {
    pub config: ClipConfig,
    pub folder: PathBuf,
    bytes: Vec<u8>,
}

impl Golden {
    pub fn open(name: &str) -> Self {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/goldens"));
        let folder = root.join(name);
        let config = ClipConfig::load(&folder.join("config.json")).unwrap();
        Self { config, ..Self::without_config(name) }
    }

    /// Inputs and results alone, with the configuration of some other model.
    pub fn without_config(name: &str) -> Self {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/goldens"));
        let folder = root.join(name);
        let bytes = std::fs::read(folder.join("golden.safetensors")).unwrap();
        Self { config: ClipConfig::preset("ViT-nano").unwrap(), folder, bytes }
    }

    /// The model with the reference's weights.
    pub fn model(&self, device: &Device) -> Clip {
        let weights = StateDict::open(&self.folder.join("weights.safetensors")).unwrap();
        load_model(&self.config, &weights, DType::F32, device).unwrap()
    }

    pub fn pairs(&self, device: &Device) -> Pairs {
        Pairs { images: self.images(device), tokens: self.tokens(device), seed: 0 }
    }

    pub fn images(&self, device: &Device) -> Tensor<4> {
        let (shape, values) = self.values("images");
        Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
    }

    pub fn tokens(&self, device: &Device) -> Tensor<2, Int> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let shape = file.tensor("tokens").unwrap().shape().to_vec();
        Tensor::from_data(TensorData::new(self.integers("tokens"), shape), device)
    }

    /// Shape and values of a stored f32 tensor.
    pub fn values(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).unwrap_or_else(|_| panic!("the golden has no {name}"));
        let floats = view.data().chunks_exact(4);
        let floats = floats.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        (view.shape().to_vec(), floats)
    }

    /// Largest difference from the stored tensor, over its largest value.
    pub fn error<const D: usize>(&self, name: &str, ours: Tensor<D>) -> f32 {
        let ours: Vec<f32> = ours.into_data().iter::<f32>().collect();
        let (_, theirs) = self.values(name);
        relative_error(&ours, &theirs, largest(&theirs))
    }

    /// Largest difference from the stored tensor.
    pub fn difference<const D: usize>(&self, name: &str, ours: Tensor<D>) -> f32 {
        let ours: Vec<f32> = ours.into_data().iter::<f32>().collect();
        relative_error(&ours, &self.values(name).1, 1.0)
    }

    /// The file's 64-bit integers of this name.
    pub fn integers(&self, name: &str) -> Vec<i64> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).unwrap();
        view.data().chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect()
    }

    /// Relative error of every parameter's gradient, by open_clip's names.
    ///
    /// Some gradients are zero but for rounding (the bias of a key projection adds the same to all
    /// of a softmax), so a tensor's scale is at least a thousandth of the largest gradient.
    pub fn gradient_errors(&self, model: &Clip, gradients: &GradientsParams) -> Vec<(String, f32)> {
        let mut collector = Gradients { gradients, path: Vec::new(), found: Vec::new() };
        model.visit(&mut collector);
        let stored = |name: &str| self.values(&format!("grad.{name}")).1;
        let scales = collector.found.iter().map(|(name, _)| largest(&stored(name)));
        let floor = scales.fold(0.0, f32::max) * 1e-3;
        let error = |(name, ours): (String, Vec<f32>)| {
            let theirs = stored(&name);
            let error = relative_error(&ours, &theirs, largest(&theirs).max(floor));
            (name, error)
        };
        collector.found.into_iter().map(error).collect()
    }

    /// Number of gradients that the reference stores.
    pub fn gradient_count(&self) -> usize {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        file.names().iter().filter(|name| name.starts_with("grad.")).count()
    }
}

/// Loss and gradients of a batch as the training step computes them, in tiles of four.
pub fn gradients_of(model: &Clip, pairs: &Pairs) -> (Tensor<1>, GradientsParams) {
    let options = StepOptions { tile: 4, ..StepOptions::whole() };
    let exchange = Exchange::alone(&pairs.images.device());
    batch_gradients(model, pairs, &Objective::default(), options, &exchange).unwrap()
}

pub fn relative_error(ours: &[f32], theirs: &[f32], scale: f32) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let difference = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    // Not `f32::max`, which drops a NaN.
    difference.fold(0.0f32, |worst, d| if d > worst || d.is_nan() { d } else { worst }) / scale
}

pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |max, value| max.max(value.abs()))
}

/// Gradients under open_clip's names and in its layout.
struct Gradients<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    found: Vec<(String, Vec<f32>)>,
}

impl ModuleVisitor for Gradients<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = reference_key(&self.path.join("."));
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let gradient = match key.layout {
            Layout::Transposed => gradient.transpose(),
            _ => gradient,
        };
        self.found.push((key.name, gradient.into_data().iter::<f32>().collect()));
    }
}
