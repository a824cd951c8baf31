//! Features and gradients against open_clip's with the same random weights.

use burn::tensor::Device;
use clip_model::{Activation, Mode, Statistics, Tokenizer};

use crate::golden::{Golden, gradients_of};

const CASES: [&str; 3] = ["vit-quickgelu", "vit-gelu", "resnet"];

/// Relative error allowed for features and for gradients.
const FEATURES: f32 = 1e-5;
const GRADIENTS: f32 = 1e-4;

fn training() -> Mode {
    Mode::Training { statistics: Statistics::Batch, seed: 0 }
}

#[test]
fn features_equal_those_of_open_clip() {
    let device = Device::flex();
    for case in CASES {
        let golden = Golden::open(case);
        let model = golden.model(&device);
        let images = golden.images(&device);
        let raw = model.visual.forward(images.clone(), training());
        let errors = [
            ("image_features", golden.error("image_features", raw)),
            (
                "text_features",
                golden.error("text_features", model.encode_text(golden.tokens(&device))),
            ),
            (
                "image_features_norm",
                golden.error("image_features_norm", model.image_features(images, training())),
            ),
            (
                "text_features_norm",
                golden.error("text_features_norm", model.text_features(golden.tokens(&device))),
            ),
        ];
        for (name, error) in errors {
            assert!(error <= FEATURES, "{case}: {name} differs by {error:e}");
        }
    }
}

#[test]
fn running_statistics_are_used_and_updated_as_in_open_clip() {
    let device = Device::flex();
    let golden = Golden::open("resnet");
    let model = golden.model(&device);
    let images = golden.images(&device);
    let error = golden.error("eval.image_features", model.encode_image(images.clone()));
    assert!(error <= FEATURES, "evaluation differs by {error:e}");

    model.image_features(images, Mode::Training { statistics: Statistics::Moving, seed: 0 });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("after.safetensors");
    clip_model::weights::save_safetensors(&model, &golden.config, &path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let running: Vec<_> =
        file.names().into_iter().filter(|name| name.contains("running_")).collect();
    assert_eq!(running.len(), 50);
    for name in running {
        let ours = file.tensor(name).unwrap().data().chunks_exact(4);
        let ours: Vec<f32> = ours.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let (_, theirs) = golden.values(&format!("after.{name}"));
        let error = crate::golden::relative_error(&ours, &theirs, crate::golden::largest(&theirs));
        assert!(error <= FEATURES, "{name} differs by {error:e}");
    }
}

#[test]
fn every_gradient_of_the_loss_equals_that_of_open_clip() {
    let device = Device::flex().autodiff();
    for case in CASES {
        let golden = Golden::open(case);
        let model = golden.model(&device);
        let (loss, gradients) = gradients_of(&model, &golden.pairs(&device));
        assert!(golden.error("loss", loss) <= FEATURES, "{case}: the loss differs");
        let errors = golden.gradient_errors(&model, &gradients);
        assert_eq!(errors.len(), golden.gradient_count(), "{case}: a gradient is missing");
        for (name, error) in errors {
            assert!(error <= GRADIENTS, "{case}: the gradient of {name} differs by {error:e}");
        }
    }
}

/// The wrong activation is the commonest silent mistake with CLIP weights; the comparison must
/// catch it, or it proves nothing.
#[test]
fn the_wrong_activation_is_caught() {
    let device = Device::flex();
    let mut golden = Golden::open("vit-quickgelu");
    assert_eq!(Activation::of(golden.config.quick_gelu, None), Activation::QuickGelu);
    golden.config.quick_gelu = false;
    let model = golden.model(&device);
    let error = golden.error("image_features", model.encode_image(golden.images(&device)));
    assert!(error > 10.0 * FEATURES, "exact GELU in place of QuickGELU went unnoticed: {error:e}");
}

#[test]
fn texts_have_the_ids_of_open_clip() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/reference/goldens/tokenizer.json");
    let golden: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let texts = golden.as_array().unwrap();
    let mut compared = 0;
    for case in texts {
        // open_clip spells its special tokens otherwise than OpenAI, whose tokenizer this is.
        let text = case["text"].as_str().unwrap();
        if text.contains("<|") || text.contains("_of_text>") {
            continue;
        }
        let context = case["context"].as_u64().unwrap() as usize;
        let ids = Tokenizer::new(context, clip_model::VOCAB_SIZE).unwrap().encode(text);
        let mut expected: Vec<i32> =
            case["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap() as i32).collect();
        expected.resize(context, 0);
        assert_eq!(ids, expected, "{text:?}");
        compared += 1;
    }
    assert!(compared >= 70, "only {compared} texts were compared");
}
