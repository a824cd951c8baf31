//! Loading weights takes the memory of the model and its largest tensor, no more.

use std::path::Path;
use std::process::Command;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use clip_model::loss::{LogitRows, SoftmaxTargets};
use clip_model::weights::{StateDict, load_model, save_safetensors};
use clip_model::{ClipConfig, VisionLayers};

/// Where a process of its own finds the folder to load from.
const FOLDER: &str = "CLIP_TEST_LOAD";

/// What the allocator and the system take beside, in bytes.
const SLACK: u64 = 16 << 20;

/// A quarter of a gigabyte, a third of it one tensor.
fn config() -> ClipConfig {
    let mut config = ClipConfig::preset("ViT-nano").unwrap();
    (config.vision_cfg.width, config.vision_cfg.layers) = (512, VisionLayers::Transformer(12));
    (config.text_cfg.width, config.text_cfg.heads, config.text_cfg.layers) = (512, 8, 2);
    config.text_cfg.vocab_size = clip_model::VOCAB_SIZE;
    config
}

/// The most memory that the process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Loads the model and prints by how much the peak grew.
fn load(folder: &Path) {
    let before = peak();
    let weights = StateDict::open(&folder.join("model.safetensors")).unwrap();
    let model = load_model(&config(), &weights, DType::F32, &Device::flex()).unwrap();
    println!("\npeak {}", peak() - before);
    assert!(model.num_params() > 0);
}

#[test]
fn loading_peaks_at_the_model_and_its_largest_tensor() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return load(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let config = config();
    save_safetensors(&config.init(&Device::flex(), 3).unwrap(), &config, &path).unwrap();
    let model = std::fs::metadata(&path).unwrap().len();
    let weights = StateDict::open(&path).unwrap();
    let sizes = weights.names().map(|name| weights.get(name).unwrap().shape.iter().product());
    let largest: usize = sizes.max().unwrap();

    // Other tests take memory too, so a process of its own loads it.
    let loading = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::loading_peaks_at_the_model_and_its_largest_tensor"])
        .arg("--nocapture")
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8(loading.stdout).unwrap();
    let peak = output.lines().find_map(|line| line.strip_prefix("peak ")).expect(&output);
    let (peak, bound): (u64, u64) = (peak.parse().unwrap(), model + 4 * largest as u64 + SLACK);
    assert!(peak > model / 2 && peak <= bound, "{peak} bytes for a model of {model}");
}

/// Where a process of its own computes a loss.
const LOSS: &str = "CLIP_TEST_LOSS";

/// Images of a rank that has one in 64 of a batch, whose texts all ranks have.
const ROWS: usize = 1024;
const TEXTS: usize = 65_536;
const WIDTH: usize = 512;

/// Computes a loss with its gradient and prints by how much the peak grew.
fn loss() {
    let features = |rows| Tensor::<2>::ones([rows, WIDTH], &Device::flex()) / (WIDTH as f32).sqrt();
    let (images, texts) = (features(ROWS), features(TEXTS));
    let scale = Tensor::zeros([1], &Device::flex());
    let before = peak();
    let rows = LogitRows::new(images, texts, 0, scale, None, 512);
    let sum = rows.softmax_loss(&rows.normalizers(), &SoftmaxTargets::default());
    println!("\npeak {}", peak() - before);
    assert_eq!(sum.text_features.dims(), [TEXTS, WIDTH]);
}

/// One matrix of logits of all these pairs would take 17 GB. The whole batch's loss takes
/// minutes here: `cargo xtask bench loss` measures its memory.
#[test]
fn the_loss_takes_the_memory_of_its_gradients_and_a_few_tiles() {
    if std::env::var_os(LOSS).is_some() {
        return loss();
    }
    let computing = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::the_loss_takes_the_memory_of_its_gradients_and_a_few_tiles"])
        .arg("--nocapture")
        .env(LOSS, "1")
        .output()
        .unwrap();
    let output = String::from_utf8(computing.stdout).unwrap();
    let peak = output.lines().find_map(|line| line.strip_prefix("peak ")).expect(&output);
    let gradients = 4 * WIDTH * (ROWS + TEXTS);
    // Of a whole batch, gradients are 268 MB, so that these bytes stay below 300 million.
    let (peak, bound): (usize, usize) = (peak.parse().unwrap(), gradients + 31_000_000);
    assert!(peak > gradients / 2 && peak <= bound, "{peak} bytes beside {gradients} of gradients");
}
