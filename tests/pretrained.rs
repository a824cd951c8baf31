//! Checkpoints as a user gives them: folders, files, what lies beside them, and back.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device};
use clip_model::preprocess::{DEFAULT_MAX_PIXELS, ImageTransform, ResizeMode, SourceImage};
use clip_model::weights::StateDict;
use clip_model::{Clip, ClipConfig, Mode, Pretrained, PretrainedOptions, Tokenizer};
use image::{Rgb, RgbImage};

use crate::golden::Golden;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/goldens").join(name)
}

fn open(path: &Path) -> Pretrained {
    Clip::from_pretrained(path.to_str().unwrap(), &Device::flex()).unwrap()
}

fn refusal(path: &Path) -> String {
    Clip::from_pretrained(path.to_str().unwrap(), &Device::flex()).unwrap_err().to_string()
}

/// A small model of ours, with CLIP's own tokenizer.
fn nano() -> Pretrained {
    let config = ClipConfig::preset("ViT-nano").unwrap();
    let model = config.init(&Device::flex(), 3).unwrap();
    let transform = ImageTransform::openai(config.vision_cfg.image_size);
    Pretrained::new(model, config, transform).unwrap()
}

fn assert_parity(clip: &Pretrained, golden: &Golden) {
    let device = Device::flex();
    let images = clip.model.image_features(golden.images(&device), Mode::Evaluation);
    assert!(golden.difference("image_features_norm", images) <= 1e-5);
    let texts = clip.model.text_features(golden.tokens(&device));
    assert!(golden.difference("text_features_norm", texts) <= 1e-5);
}

/// Name, shape and bytes.
type StoredTensor = (String, Vec<usize>, Vec<u8>);

/// Compares bytes, but shows names and shapes alone.
fn assert_same(ours: &[StoredTensor], theirs: &[StoredTensor]) {
    let known = |tensors: &[StoredTensor]| -> Vec<(String, Vec<usize>)> {
        tensors.iter().map(|(name, shape, _)| (name.clone(), shape.clone())).collect()
    };
    assert_eq!(known(ours), known(theirs));
    let differs = ours.iter().zip(theirs).find(|(ours, theirs)| ours.2 != theirs.2);
    assert!(differs.is_none(), "other bytes: {:?}", differs.map(|(ours, _)| &ours.0));
}

/// Every tensor of a file.
fn tensors(path: &Path) -> Vec<StoredTensor> {
    let file = StateDict::open(path).unwrap();
    let names: Vec<String> = file.names().map(String::from).collect();
    let tensor = |name: String| {
        let (shape, bytes) = (file.get(&name).unwrap().shape.clone(), file.read(&name).unwrap());
        (name, shape, bytes)
    };
    names.into_iter().map(tensor).collect()
}

#[test]
fn folders_of_transformers_load_with_what_lies_in_them() {
    for name in ["vit/hf", "vit/hf_sharded", "siglip/hf"] {
        let clip = open(&folder(&format!("formats/{name}")));
        let golden = Golden::open(&format!("formats/{}", name.split('/').next().unwrap()));
        assert_parity(&clip, &golden);
        let siglip = name.starts_with("siglip");
        let expected = if siglip { ImageTransform::siglip(24) } else { ImageTransform::openai(24) };
        assert_eq!(clip.transform, expected, "{name}");
    }
}

#[test]
fn an_archive_needs_nothing_beside_it() {
    let clip = open(&folder("formats/openai-vit/model.pt"));
    assert_parity(&clip, &Golden::without_config("formats/openai-vit"));
    assert!(clip.config.quick_gelu);
    assert_eq!(clip.transform, ImageTransform::openai(32));
}

#[test]
fn what_was_saved_loads_again_with_identical_tensors() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["vit/hf", "siglip/hf"] {
        let source = folder(&format!("formats/{name}"));
        let clip = open(&source);
        let hugging_face = scratch.path().join("hf").join(name);
        clip.save_hugging_face(&hugging_face).unwrap();
        let written = hugging_face.join("model.safetensors");
        // transformers keeps position numbers in older files; ours don't.
        let theirs = tensors(&source.join("model.safetensors"));
        let theirs: Vec<_> =
            theirs.into_iter().filter(|t| !t.0.ends_with("position_ids")).collect();
        assert_same(&tensors(&written), &theirs);
        let again = open(&hugging_face);
        assert_eq!((&again.config, &again.transform), (&clip.config, &clip.transform));
    }
    let clip = open(&folder("formats/vit/hf"));
    let open_clip = scratch.path().join("open_clip");
    clip.save_open_clip(&open_clip).unwrap();
    let first = tensors(&open_clip.join("open_clip_model.safetensors"));
    assert_same(&first, &tensors(&folder("formats/vit/open_clip.safetensors")));
    let again = open(&open_clip);
    assert_eq!((&again.config, &again.transform), (&clip.config, &clip.transform));
    again.save_open_clip(&open_clip).unwrap();
    assert_same(&tensors(&open_clip.join("open_clip_model.safetensors")), &first);
}

#[test]
fn what_transformers_lacks_is_told_before_anything_is_written() {
    let clip = open(&folder("formats/openai-resnet/model.pt"));
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("hf");
    let error = clip.save_hugging_face(&out).unwrap_err().to_string();
    assert!(error.contains("ModifiedResNet"), "{error}");
    assert!(!out.exists());
}

#[test]
fn images_and_captions_become_features_and_classes() {
    let clip = nano();
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("red.png");
    RgbImage::from_fn(40, 30, |x, _| Rgb([200, x as u8, 0])).save(&path).unwrap();
    let image = SourceImage::open(&path, DEFAULT_MAX_PIXELS).unwrap();
    let features = clip.encode_images(&[image.clone(), image]);
    let norms: Vec<f32> = features.clone().square().sum_dim(1).into_data().iter().collect();
    assert!(norms.iter().all(|norm| (norm - 1.0).abs() < 1e-5), "{norms:?}");

    let texts = clip.encode_texts(&["a red image", "A  RED image"]).unwrap();
    let same: f32 =
        (texts.clone().narrow(0, 0, 1) - texts.clone().narrow(0, 1, 1)).abs().max().into_scalar();
    assert!(same < 1e-6, "cleaning makes both the same");
    let classifier = clip.classifier(&["red", "blue"], &["a {} image", "{}"]).unwrap();
    assert_eq!(classifier.forward(features).dims(), [2, 2]);
}

#[test]
fn another_image_size_resizes_the_positions() {
    let options = PretrainedOptions { image_size: Some(40), ..PretrainedOptions::default() };
    let path = folder("formats/vit/hf");
    let clip =
        Clip::from_pretrained_with(path.to_str().unwrap(), &options, &Device::flex()).unwrap();
    assert_eq!((clip.config.vision_cfg.image_size, clip.transform.image_size), (40, 40));
    let golden = Golden::open("formats/resized-40");
    let images = clip.model.image_features(golden.images(&Device::flex()), Mode::Evaluation);
    assert!(golden.difference("image_features_norm", images) <= 1e-5);
}

#[test]
fn the_transform_comes_from_the_checkpoint() {
    let scratch = tempfile::tempdir().unwrap();
    let mut clip = nano();
    clip.transform = ImageTransform {
        resize_mode: ResizeMode::Longest,
        mean: [0.1, 0.2, 0.3],
        ..clip.transform
    };
    clip.save_open_clip(scratch.path()).unwrap();
    assert_eq!(open(scratch.path()).transform, clip.transform);
}

#[test]
fn the_asked_dtype_is_kept_when_saved() {
    let options = PretrainedOptions { dtype: DType::BF16, ..PretrainedOptions::default() };
    let path = folder("formats/vit/hf");
    let clip =
        Clip::from_pretrained_with(path.to_str().unwrap(), &options, &Device::flex()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    clip.save_open_clip(scratch.path()).unwrap();
    let bytes = fs::metadata(scratch.path().join("open_clip_model.safetensors")).unwrap().len();
    let whole = fs::metadata(folder("formats/vit/open_clip.safetensors")).unwrap().len();
    assert!(bytes < whole * 6 / 10, "{bytes} of {whole} bytes");
}

#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let scratch = tempfile::tempdir().unwrap();
    let error = refusal(scratch.path());
    assert!(error.contains("has no weights") && error.contains("safetensors"), "{error}");

    let error = refusal(&scratch.path().join("nowhere.safetensors"));
    assert!(error.contains("no file or folder") && error.contains("nowhere"), "{error}");

    // Names and shapes don't tell QuickGELU from GELU.
    nano().save_open_clip(scratch.path()).unwrap();
    fs::remove_file(scratch.path().join("open_clip_config.json")).unwrap();
    let error = refusal(scratch.path());
    assert!(error.contains("QuickGELU or GELU") && error.contains("open_clip_config"), "{error}");

    let hugging_face = folder("formats/vit/hf/model.safetensors");
    fs::copy(hugging_face, scratch.path().join("alone.safetensors")).unwrap();
    let error = refusal(&scratch.path().join("alone.safetensors"));
    assert!(error.contains("config.json has to lie beside it"), "{error}");

    let siglip = open(&folder("formats/siglip/hf"));
    let error = siglip.encode_texts(&["a dog"]).unwrap_err().to_string();
    assert!(error.contains("tokenizer.json into") && error.contains("siglip/hf"), "{error}");
}

#[test]
fn damaged_settings_are_named() {
    let scratch = tempfile::tempdir().unwrap();
    nano().save_open_clip(scratch.path()).unwrap();
    let path = scratch.path().join("open_clip_config.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(refusal(scratch.path()).contains("open_clip_config.json"));
    fs::write(&path, whole.replace("bicubic", "lanczos")).unwrap();
    let error = refusal(scratch.path());
    assert!(error.contains("lanczos") && error.contains("open_clip_config.json"), "{error}");
    fs::write(&path, whole.replace("\"layers\"", "\"lairs\"")).unwrap();
    assert!(refusal(scratch.path()).contains("lairs"));
}

#[test]
fn an_activation_that_contradicts_the_checkpoint_is_refused() {
    let options = PretrainedOptions { quick_gelu: Some(false), ..PretrainedOptions::default() };
    for path in ["formats/openai-vit/model.pt", "formats/vit/hf"] {
        let path = folder(path);
        let error = Clip::from_pretrained_with(path.to_str().unwrap(), &options, &Device::flex());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("quick_gelu false was asked for"), "{error}");
    }
}

#[test]
fn another_tokenizer_is_never_taken_for_clips() {
    let siglip = ClipConfig::preset("ViT-B-16-SigLIP").unwrap().text_cfg;
    let error = Tokenizer::for_text(&siglip).unwrap_err().to_string();
    assert!(error.contains("timm/ViT-B-16-SigLIP"), "{error}");

    // In transformers' files fewer ids are another vocabulary, not CLIP's first merges.
    let mut small = ClipConfig::preset("ViT-nano").unwrap();
    small.text_cfg.vocab_size = 2_000;
    let model = small.init(&Device::flex(), 0).unwrap();
    let clip = Pretrained::new(model, small, ImageTransform::openai(32)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    clip.save_hugging_face(scratch.path()).unwrap();
    let error = open(scratch.path()).tokenizer().unwrap_err().to_string();
    assert!(error.contains("of 2000 ids"), "{error}");
    clip.save_open_clip(&scratch.path().join("ours")).unwrap();
    assert!(open(&scratch.path().join("ours")).tokenizer().is_ok());
}

#[test]
fn a_tokenizer_file_travels_with_the_model_and_replaces_an_older_one() {
    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/clip-model/tests/tokenizer/unigram/tokenizer.json");
    let options =
        PretrainedOptions { tokenizer: Some(tokenizer.clone()), ..PretrainedOptions::default() };
    let path = folder("formats/siglip/hf");
    let clip =
        Clip::from_pretrained_with(path.to_str().unwrap(), &options, &Device::flex()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("tokenizer.json"), "an older one").unwrap();
    clip.save_hugging_face(scratch.path()).unwrap();
    let copied = fs::read(scratch.path().join("tokenizer.json")).unwrap();
    assert_eq!(copied, fs::read(tokenizer).unwrap());
    assert!(open(scratch.path()).tokenizer().is_ok());
}

#[test]
fn a_bias_of_the_logits_may_be_new_or_found() {
    let clip = nano();
    let scratch = tempfile::tempdir().unwrap();
    clip.save_open_clip(scratch.path()).unwrap();
    let config = ClipConfig { init_logit_bias: Some(-10.0), ..clip.config.clone() };
    let options = PretrainedOptions { config: Some(config), ..PretrainedOptions::default() };
    let path = scratch.path().to_str().unwrap();
    // open_clip starts such a model at zero.
    let biased = Clip::from_pretrained_with(path, &options, &Device::flex()).unwrap();
    let bias: f32 = biased.model.logit_bias.as_ref().unwrap().val().into_scalar();
    assert_eq!(bias, 0.0);

    biased.save_open_clip(scratch.path()).unwrap();
    fs::remove_file(scratch.path().join("open_clip_config.json")).unwrap();
    let options = PretrainedOptions { quick_gelu: Some(false), ..PretrainedOptions::default() };
    let inferred = Clip::from_pretrained_with(path, &options, &Device::flex()).unwrap();
    assert!(inferred.model.logit_bias.is_some());
}

#[test]
fn the_transform_of_transformers_5_is_found_in_its_processor() {
    let scratch = tempfile::tempdir().unwrap();
    let mut clip = nano();
    clip.transform.mean = [0.1, 0.2, 0.3];
    clip.save_hugging_face(scratch.path()).unwrap();
    let own = scratch.path().join("preprocessor_config.json");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&own).unwrap()).unwrap();
    let processor = serde_json::json!({ "image_processor": json });
    fs::write(scratch.path().join("processor_config.json"), processor.to_string()).unwrap();
    fs::remove_file(own).unwrap();
    assert_eq!(open(scratch.path()).transform, clip.transform);
}

#[test]
fn sizes_that_no_memory_holds_are_refused() {
    for (key, size) in [("image_size", 1_000_000), ("layers", 1_000_000)] {
        let mut config = ClipConfig::preset("ViT-nano").unwrap().to_open_clip().unwrap();
        config["vision_cfg"][key] = size.into();
        let error = ClipConfig::from_value(config, "hostile.json").unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("above"), "{error}");
    }
}
