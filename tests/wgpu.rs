//! One model on every backend: a software GPU must agree with the CPU.

use burn::tensor::{Device, DeviceKind, Tensor};
use clip_train::{Cut, contrastive_gradients};

use crate::golden::Golden;

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
    eprintln!("SKIPPED: no software Vulkan device; install mesa-vulkan-drivers to run this test");
    None
}

#[test]
fn features_and_gradients_on_wgpu_agree_with_open_clip() {
    let Some(device) = software_device() else { return };
    let device = device.autodiff();
    for case in ["vit-quickgelu", "resnet"] {
        let golden = Golden::open(case);
        let model = golden.model(&device);
        let cut = Cut { micro_batch: 6, tile: 6 };
        let (loss, gradients) = contrastive_gradients(&model, &golden.pairs(&device), cut);
        assert!(golden.error("loss", loss) <= 1e-5, "{case}: the loss differs");
        for (name, error) in golden.gradient_errors(&model, &gradients) {
            // Rounding in another order than on the CPU, through every layer.
            assert!(error <= 1e-3, "{case}: the gradient of {name} differs by {error:e}");
        }
    }
}
