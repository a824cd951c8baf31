//! Full-size models with random weights, read from every format and written to each.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use clap::ValueEnum;
use clip_model::{Clip, ClipConfig, Mode, Pretrained, PretrainedOptions};
use safetensors::SafeTensors;

use crate::python::Python;
use crate::row::{Limit, Row};

/// Writes the models, and names the versions of all that these comparisons are with.
pub const SCRIPT: &str = "tests/reference/make_parity.py";

/// OpenAI's nine, and others of open_clip's.
pub const NAMES: [&str; 14] = [
    "ViT-B-32",
    "ViT-B-16",
    "ViT-L-14",
    "ViT-L-14-336",
    "RN50",
    "RN101",
    "RN50x4",
    "RN50x16",
    "RN50x64",
    "ViT-S-32-alt",
    "ViT-B-16-plus-240",
    "ViT-L-14-CLIPA",
    "ViT-B-16-SigLIP",
    "ViT-B-32-SigLIP2-256",
];

/// Files of one model, with what wrote them.
const FILES: [(&str, &str); 5] = [
    ("archive.pt", "openai-clip"),
    ("checkpoint.pt", "torch"),
    ("open_clip", "open_clip"),
    ("transformers", "transformers"),
    ("transformers_sharded", "transformers"),
];

/// What we write and who reads it back.
const EXPORTED: Limit = Limit { abs: 1e-6, rel: 1e-5 };

/// Number format of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// 32 bits.
    F32,
    /// Half precision.
    F16,
    /// The upper half of 32 bits.
    Bf16,
}

/// How our models run.
pub struct Setting {
    pub device: Device,
    pub precision: Precision,
    pub on_cpu: bool,
}

impl Setting {
    fn dtype(&self) -> DType {
        match self.precision {
            Precision::F32 => DType::F32,
            Precision::F16 => DType::F16,
            Precision::Bf16 => DType::BF16,
        }
    }

    fn limit(&self) -> Limit {
        match (self.precision, self.on_cpu) {
            (Precision::F32, true) => Limit { abs: 1e-5, rel: 1e-4 },
            // GPUs may multiply f32 with the ten-bit mantissas of TF32.
            (Precision::F32, false) => Limit { abs: 1e-3, rel: 1e-2 },
            (Precision::F16, _) => Limit { abs: 5e-3, rel: 5e-2 },
            (Precision::Bf16, _) => Limit { abs: 3e-2, rel: 3e-1 },
        }
    }
}

/// Compares one model in every format, and its exports.
pub fn compare(
    python: &Python,
    folder: &Path,
    name: &str,
    setting: &Setting,
    add: &mut impl FnMut(Row),
) -> Result<()> {
    python.run(SCRIPT, ["model".as_ref(), name.as_ref(), folder.as_os_str()])?;
    let golden = Golden::read(&folder.join("golden.safetensors"))?;
    let found = FILES.iter().filter(|(file, _)| folder.join(file).exists());
    if name == NAMES[0] {
        require_sensitivity(&golden, &folder.join("open_clip"), setting)?;
    }
    let mut exported = None;
    for (file, reference) in found {
        let model = load(&folder.join(file), name, setting)?;
        let differences = golden.differences(&golden.run(&model.model, &setting.device));
        add(Row::new(
            format!("{name} from {file}"),
            python.package(reference),
            differences,
            setting.limit(),
        ));
        exported = Some(model);
    }
    let model = exported.context("the reference wrote no files")?;
    if setting.precision == Precision::F32 && setting.on_cpu {
        let to_open_clip = folder.join("to_open_clip");
        model.save_open_clip(&to_open_clip)?;
        let to_transformers = folder.join("to_transformers");
        let has = model.save_hugging_face(&to_transformers).is_ok();
        drop(model);
        add(read_back(python, &golden, (name, "open_clip"), &to_open_clip)?);
        if has {
            // Where transformers has its own files of the model, its own results count.
            let own = folder.join("transformers");
            let baseline = match own.exists() {
                true => encode(python, &golden, &own)?,
                false => golden,
            };
            add(read_back(python, &baseline, (name, "transformers"), &to_transformers)?);
        }
    }
    Ok(std::fs::remove_dir_all(folder)?)
}

/// Fails unless the comparison notices a model with the wrong activation.
fn require_sensitivity(golden: &Golden, path: &Path, setting: &Setting) -> Result<()> {
    let config = ClipConfig::preset(NAMES[0])?;
    ensure!(!config.quick_gelu, "the preset should have another activation than the weights");
    let options = PretrainedOptions { config: Some(config), ..PretrainedOptions::default() };
    let source = path.to_str().context("a path that is not UTF-8")?;
    let wrong = Clip::from_pretrained_with(source, &options, &setting.device)?;
    let (features, logits) = golden.differences(&golden.run(&wrong.model, &setting.device));
    let limit = setting.limit();
    ensure!(
        features > limit.abs && logits > limit.rel,
        "GELU in place of QuickGELU went unnoticed"
    );
    Ok(())
}

fn load(path: &Path, name: &str, setting: &Setting) -> Result<Pretrained> {
    // A training checkpoint doesn't say which GELU it was trained with.
    let quick = path.with_file_name("archive.pt").exists();
    let options = PretrainedOptions {
        dtype: setting.dtype(),
        quick_gelu: Some(quick),
        ..PretrainedOptions::default()
    };
    let source = path.to_str().context("a path that is not UTF-8")?;
    Clip::from_pretrained_with(source, &options, &setting.device)
        .with_context(|| format!("{name} from {}", path.display()))
}

/// The reference's features of what we exported, against those of its own files.
fn read_back(
    python: &Python,
    baseline: &Golden,
    (name, reference): (&str, &'static str),
    folder: &Path,
) -> Result<Row> {
    let theirs = encode(python, baseline, folder)?;
    let differences = baseline.differences(&theirs.results());
    let name = format!("{name} exported to {reference}");
    Ok(Row::new(name, python.package(reference), differences, EXPORTED))
}

/// The reference's features of a folder of files.
fn encode(python: &Python, golden: &Golden, folder: &Path) -> Result<Golden> {
    let out = folder.with_extension("safetensors");
    let paths = [folder.as_os_str(), golden.path.as_os_str(), out.as_os_str()];
    python.run(SCRIPT, ["check".as_ref()].into_iter().chain(paths))?;
    Golden::read(&out)
}

/// Inputs and results of the reference.
struct Golden {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Image features, text features and logits.
type Results = [Vec<f32>; 3];

impl Golden {
    fn read(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        SafeTensors::deserialize(&bytes).with_context(|| path.display().to_string())?;
        Ok(Self { path: path.into(), bytes })
    }

    /// A tensor's shape and numbers of `N` bytes.
    fn numbers<const N: usize, T>(
        &self,
        name: &str,
        read: fn([u8; N]) -> T,
    ) -> (Vec<usize>, Vec<T>) {
        let file = SafeTensors::deserialize(&self.bytes).ok();
        let view = file.as_ref().and_then(|file| file.tensor(name).ok());
        let Some(view) = view else { return (vec![0], Vec::new()) };
        let (numbers, _) = view.data().as_chunks::<N>();
        (view.shape().to_vec(), numbers.iter().map(|number| read(*number)).collect())
    }

    fn results(&self) -> Results {
        ["image_features_norm", "text_features_norm", "logits_per_image"]
            .map(|name| self.numbers(name, f32::from_le_bytes).1)
    }

    /// Our results for the golden's inputs.
    fn run(&self, model: &Clip, device: &Device) -> Results {
        let (shape, pixels) = self.numbers("images", f32::from_le_bytes);
        let images = Tensor::<4>::from_data(TensorData::new(pixels, shape), (device, DType::F32));
        let (shape, ids) = self.numbers("tokens", i64::from_le_bytes);
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), device);
        let image = model.image_features(images, Mode::Evaluation);
        let text = model.text_features(tokens);
        let logits = model.logits(image.clone(), text.clone());
        [image, text, logits].map(|tensor| tensor.into_data().iter::<f32>().collect())
    }

    /// Largest difference of features, and of logits over the largest.
    fn differences(&self, ours: &Results) -> (f64, f64) {
        let theirs = self.results();
        let [image, text, logits] = [0, 1, 2].map(|index| largest(&ours[index], &theirs[index]));
        let scale = theirs[2].iter().fold(0.0f32, |scale, logit| scale.max(logit.abs()));
        (image.max(text), logits / f64::from(scale))
    }
}

/// Largest difference; infinite when the sizes differ or a number is none.
fn largest(ours: &[f32], theirs: &[f32]) -> f64 {
    if ours.len() != theirs.len() || ours.is_empty() {
        return f64::INFINITY;
    }
    let differences = ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs()));
    differences.fold(0.0, |worst, difference| match difference.is_nan() {
        true => f64::INFINITY,
        false => worst.max(difference),
    })
}
