use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Tensor};
use clip_model::Clip;
use serde::{Deserialize, Serialize};

/// What the towers compute in. Parameters, optimizer, normalisation layers and loss are f32 in any
/// case (paper, section 2.5: mixed precision).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16: f32's range with eight bits.
    Bf16,
    /// Half precision, which needs a loss scale.
    F16,
}

impl Precision {
    /// As a tensor's dtype.
    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    /// The model whose towers compute in this precision. Its parameters are copies with the same
    /// identities, so that their gradients are those of the model; running statistics are shared.
    pub(super) fn working_copy(self, model: &Clip) -> Clip {
        match self {
            Self::F32 => model.clone(),
            _ => model.clone().map(&mut Cast { dtype: self.dtype(), name: Vec::new() }),
        }
    }
}

struct Cast {
    dtype: DType,
    name: Vec<String>,
}

impl ModuleMapper for Cast {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.name.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.name.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Normalisation layers and the loss compute in f32.
        let wide = ["gamma", "beta", "running_mean", "running_var", "logit_scale", "logit_bias"];
        if self.name.last().is_some_and(|name| wide.contains(&name.as_str())) {
            return param;
        }
        let dtype = self.dtype;
        // Cast beside the graph: the copy is a leaf of its own.
        param.map(|tensor| match tensor.device().is_autodiff() {
            true => {
                let require_grad = tensor.is_require_grad();
                tensor.inner().cast(dtype).autodiff().set_require_grad(require_grad)
            }
            false => tensor.cast(dtype),
        })
    }
}
