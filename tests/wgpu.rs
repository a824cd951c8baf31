//! One model on every backend: a software GPU must agree with the CPU.

use std::io::Write;

use burn::tensor::{DType, Device, DeviceKind, Tensor};
use clip_model::weights::{StateDict, load_model};
use clip_model::{Mode, Statistics};

use crate::golden::{Golden, gradients_of};

const TRAINING: Mode = Mode::Training { statistics: Statistics::Batch, seed: 0 };

/// A software graphics device, or nothing where the machine has none.
///
/// Under `CI` there must be one: a test that is skipped there would be no test.
fn software_device() -> Option<Device> {
    let device = Device::wgpu(DeviceKind::Cpu);
    let probe = device.clone();
    let works =
        std::panic::catch_unwind(move || Tensor::<1>::ones([1], &probe).into_data()).is_ok();
    if works {
        return Some(device);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "no software Vulkan device under CI; install mesa-vulkan-drivers"
    );
    // Past the test harness, which would swallow it.
    let text =
        b"SKIPPED: no software Vulkan device; install mesa-vulkan-drivers to run this test\n";
    std::io::stderr().write_all(text).unwrap();
    None
}

#[test]
fn siglip_on_wgpu_agrees_with_its_reference() {
    let Some(device) = software_device() else { return };
    let golden = Golden::open("formats/siglip");
    let weights = StateDict::open(&golden.folder.join("open_clip.safetensors")).unwrap();
    let model = load_model(&golden.config, &weights, DType::F32, &device).unwrap();
    let images = model.image_features(golden.images(&device), Mode::Evaluation);
    let texts = model.text_features(golden.tokens(&device));
    assert!(golden.difference("image_features_norm", images) <= 1e-5);
    assert!(golden.difference("text_features_norm", texts) <= 1e-5);
}

#[test]
fn features_and_gradients_on_wgpu_agree_with_open_clip() {
    let Some(device) = software_device() else { return };
    let device = device.autodiff();
    for case in ["vit-quickgelu", "resnet"] {
        let golden = Golden::open(case);
        let model = golden.model(&device);
        let (loss, gradients) = gradients_of(&model, &golden.pairs(&device));
        assert!(golden.error("loss", loss) <= 1e-5, "{case}: the loss differs");
        let images = model.image_features(golden.images(&device), TRAINING);
        let texts = model.text_features(golden.tokens(&device));
        assert!(golden.error("image_features_norm", images) <= 1e-4, "{case}: image features");
        assert!(golden.error("text_features_norm", texts) <= 1e-4, "{case}: text features");
        let errors = golden.gradient_errors(&model, &gradients);
        assert_eq!(errors.len(), golden.gradient_count(), "{case}: a gradient is missing");
        for (name, error) in errors {
            // Rounding in another order than on the CPU, through every layer.
            assert!(error <= 1e-3, "{case}: the gradient of {name} differs by {error:e}");
        }
    }
}
