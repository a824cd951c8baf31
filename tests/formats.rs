//! Every file format and every option of open_clip's towers, with the reference's features.

use std::path::PathBuf;

use burn::tensor::{DType, Device};
use clip_model::weights::{Format, StateDict, infer_config, load_model};
use clip_model::{Clip, ClipConfig};

use crate::golden::Golden;

/// Largest difference allowed for features of norm 1, and for logits over the largest.
const FEATURES: f32 = 1e-5;
const LOGITS: f32 = 1e-4;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/reference/goldens")).join(name)
}

fn load(config: &ClipConfig, file: &str) -> Clip {
    let weights = StateDict::open(&folder(file)).unwrap();
    load_model(config, &weights, DType::F32, &Device::flex()).unwrap()
}

/// The largest differences of features and of logits.
fn differences(model: &Clip, golden: &Golden) -> (f32, f32) {
    let device = Device::flex();
    let images = model.image_features(golden.images(&device), clip_model::Mode::Evaluation);
    let texts = model.text_features(golden.tokens(&device));
    let logits = model.logits(images.clone(), texts.clone());
    let features = [
        golden.difference("image_features_norm", images),
        golden.difference("text_features_norm", texts),
    ];
    (features[0].max(features[1]), golden.error("logits_per_image", logits))
}

fn assert_parity(model: &Clip, golden: &Golden, case: &str) {
    let (features, logits) = differences(model, golden);
    assert!(features <= FEATURES, "{case}: features differ by {features:e}");
    assert!(logits <= LOGITS, "{case}: logits differ by {logits:e}");
}

#[test]
fn every_option_of_open_clips_towers_gives_its_features() {
    let mut cases = 0;
    for entry in std::fs::read_dir(folder("options")).unwrap() {
        let case = format!("options/{}", entry.unwrap().file_name().to_str().unwrap());
        let golden = Golden::open(&case);
        let model = load(&golden.config, &format!("{case}/weights.safetensors"));
        assert_parity(&model, &golden, &case);
        cases += 1;
    }
    assert_eq!(cases, 9);
}

#[test]
fn options_that_are_left_out_are_noticed() {
    let golden = Golden::open("options/layer_scale-avg");
    let differs = |change: &dyn Fn(&mut ClipConfig)| {
        let mut config = golden.config.clone();
        change(&mut config);
        let model = load(&config, "options/layer_scale-avg/weights.safetensors");
        differences(&model, &golden).0
    };
    assert!(differs(&|_| ()) <= FEATURES);
    let changes: [&dyn Fn(&mut ClipConfig); 4] = [
        &|config| config.quick_gelu = false,
        &|config| config.vision_cfg.final_ln_after_pool = false,
        &|config| config.vision_cfg.pool_type = clip_model::VisionPool::Tok,
        &|config| config.text_cfg.pool_type = clip_model::TextPool::First,
    ];
    for (index, change) in changes.iter().enumerate() {
        assert!(differs(change) > 10.0 * FEATURES, "change {index} went unnoticed");
    }
}

#[test]
fn one_model_loads_from_every_format() {
    let golden = Golden::open("formats/vit");
    for (file, format) in [
        ("open_clip.safetensors", Format::Safetensors),
        ("state_dict.pt", Format::Torch),
        ("legacy.pt", Format::Torch),
        ("checkpoint.pt", Format::Torch),
        ("strided.pt", Format::Torch),
        ("hf/model.safetensors", Format::Safetensors),
        ("hf_sharded/model.safetensors.index.json", Format::Safetensors),
    ] {
        let file = format!("formats/vit/{file}");
        assert_eq!(StateDict::open(&folder(&file)).unwrap().format(), format, "{file}");
        assert_parity(&load(&golden.config, &file), &golden, &file);
    }
}

#[test]
fn half_precision_weights_load_as_single() {
    for case in ["f16", "bf16"] {
        let golden = Golden::open(&format!("formats/{case}"));
        assert_parity(
            &load(&golden.config, &format!("formats/{case}/open_clip.safetensors")),
            &golden,
            case,
        );
    }
}

#[test]
fn the_asked_dtype_is_that_of_the_model() {
    let golden = Golden::open("formats/vit");
    let weights = StateDict::open(&folder("formats/vit/open_clip.safetensors")).unwrap();
    // Rounding the weights and every sum between layers.
    for (dtype, limit) in [(DType::F16, 5e-3), (DType::BF16, 5e-2)] {
        let model = load_model(&golden.config, &weights, dtype, &Device::flex()).unwrap();
        assert_eq!(model.dtype(), dtype);
        let (features, _) = differences(&model, &golden);
        assert!(features > FEATURES && features <= limit, "{dtype:?}: {features:e}");
    }
}

#[test]
fn siglip_loads_from_open_clips_and_from_transformers_files() {
    let golden = Golden::open("formats/siglip");
    for file in ["open_clip.safetensors", "hf/model.safetensors"] {
        assert_parity(&load(&golden.config, &format!("formats/siglip/{file}")), &golden, file);
    }
}

#[test]
fn openais_archives_load_without_a_configuration() {
    for case in ["openai-vit", "openai-resnet"] {
        let golden = Golden::without_config(&format!("formats/{case}"));
        let weights = StateDict::open(&folder(&format!("formats/{case}/model.pt"))).unwrap();
        assert_eq!(weights.format(), Format::TorchScript);
        let config = infer_config(&weights, None, &Device::flex()).unwrap();
        assert!(config.quick_gelu);
        let model = load_model(&config, &weights, DType::F32, &Device::flex()).unwrap();
        assert_parity(&model, &golden, case);

        let gelu = ClipConfig { quick_gelu: false, ..config };
        let error = load_model(&gelu, &weights, DType::F32, &Device::flex()).unwrap_err();
        assert!(error.to_string().contains("QuickGELU"), "{error}");
    }
}

#[test]
fn positions_are_resized_as_by_open_clip() {
    for case in ["resized-40", "resized-16"] {
        let golden = Golden::open(&format!("formats/{case}"));
        assert_parity(&load(&golden.config, "formats/vit/open_clip.safetensors"), &golden, case);
    }
}
