use burn::tensor::Device;

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The name is none of those known.
    #[error("unknown device `{0}`; use cpu, cuda:N, vulkan, metal or wgpu")]
    Unknown(String),
    /// The backend was left out of this build.
    #[error("device `{name}` is not compiled in; build with `--features {feature}`")]
    NotCompiled {
        /// The device that was asked for.
        name: String,
        /// The feature that brings it.
        feature: String,
    },
    /// The machine has no such device, or its driver fails.
    #[error("device `{name}` cannot be used on this machine: {reason}")]
    Unavailable {
        /// The device that was asked for.
        name: String,
        /// What the driver says.
        reason: String,
    },
}

/// The device that a name stands for: `cpu`, `cuda:N`, `vulkan`, `metal` or `wgpu`. After the
/// last three, `:cpu` asks for a software device and `:N` for the N-th discrete GPU.
///
/// # Errors
///
/// When the name is unknown, the backend is not compiled in, or the machine has no such device.
pub fn device(name: &str) -> Result<Device, DeviceError> {
    let (backend, selector) = match name.split_once(':') {
        Some((backend, selector)) => (backend, Selector::parse(name, selector)?),
        None => (name, Selector::Default),
    };
    let device = match (backend, selector) {
        ("cpu", Selector::Default) => cpu(),
        ("cuda", Selector::Default) => cuda(0),
        ("cuda", Selector::Index(index)) => cuda(index),
        ("vulkan", selector) => vulkan(selector),
        ("metal", selector) => metal(selector),
        ("wgpu", selector) => wgpu(selector),
        _ => return Err(DeviceError::Unknown(name.into())),
    };
    let feature = if backend == "cpu" { "flex" } else { backend }.to_string();
    let device = device.ok_or(DeviceError::NotCompiled { name: name.into(), feature })?;
    probe(name, &device)?;
    Ok(device)
}

/// What stands after the colon.
#[derive(Clone, Copy)]
enum Selector {
    Default,
    Software,
    Index(usize),
}

impl Selector {
    fn parse(name: &str, text: &str) -> Result<Self, DeviceError> {
        match text {
            "cpu" => Ok(Self::Software),
            index => match index.parse() {
                Ok(index) => Ok(Self::Index(index)),
                Err(_) => Err(DeviceError::Unknown(name.into())),
            },
        }
    }

    #[cfg(feature = "wgpu")]
    fn kind(self) -> burn::tensor::DeviceKind {
        use burn::tensor::DeviceKind;
        match self {
            Self::Default => DeviceKind::DefaultDevice,
            Self::Software => DeviceKind::Cpu,
            Self::Index(index) => DeviceKind::DiscreteGpu(index),
        }
    }
}

/// Whether tensors of this device lie in the host's memory.
pub fn is_cpu(device: &Device) -> bool {
    cpu().is_some_and(|cpu| *device == cpu)
}

/// Runs one operation, because Burn creates devices lazily and panics on those that are absent.
fn probe(name: &str, device: &Device) -> Result<(), DeviceError> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let device = device.clone();
    let outcome = std::panic::catch_unwind(move || {
        burn::tensor::Tensor::<1>::ones([1], &device).into_data();
    });
    std::panic::set_hook(hook);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let reason = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("its driver failed");
        DeviceError::Unavailable { name: name.into(), reason: reason.into() }
    })
}

macro_rules! backend {
    ($name:ident, $feature:literal, $argument:ident: $type:ty => $device:expr) => {
        #[cfg(feature = $feature)]
        fn $name($argument: $type) -> Option<Device> {
            Some($device)
        }

        #[cfg(not(feature = $feature))]
        fn $name(_: $type) -> Option<Device> {
            None
        }
    };
}

#[cfg(feature = "flex")]
fn cpu() -> Option<Device> {
    Some(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn cpu() -> Option<Device> {
    None
}

backend!(cuda, "cuda", index: usize => Device::cuda(index));
backend!(wgpu, "wgpu", selector: Selector => Device::wgpu(selector.kind()));
backend!(vulkan, "vulkan", selector: Selector => Device::vulkan(selector.kind()));
backend!(metal, "metal", selector: Selector => Device::metal(selector.kind()));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        for name in ["tpu", "cpu:1", "cuda:x", ""] {
            let error = device(name).unwrap_err();
            assert!(matches!(error, DeviceError::Unknown(_)), "{name}: {error}");
        }
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_backend_left_out_names_its_feature() {
        let error = device("cuda:0").unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
