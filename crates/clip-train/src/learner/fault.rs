use std::fmt;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use clip_model::Clip;
use clip_model::weights::reference_key;

/// Why the update of a step was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The loss is not finite.
    Loss,
    /// A gradient is not finite: that of this parameter, by open_clip's name, and so many others.
    Gradient(String, usize),
    /// The update would have made a parameter not finite, although its gradient is: the optimizer's
    /// state was broken, and starts anew.
    Update(String, usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = |others: &usize| match others {
            0 => String::new(),
            others => format!(" and of {others} others"),
        };
        match self {
            Self::Loss => write!(f, "the loss is not finite"),
            Self::Gradient(name, more) => {
                write!(f, "the gradient of {name}{} is not finite", others(more))
            }
            Self::Update(name, more) => write!(
                f,
                "the optimizer's update of {name}{} is not finite; its state starts anew",
                others(more)
            ),
        }
    }
}

impl Fault {
    pub(super) fn in_gradients(model: &Clip, gradients: &GradientsParams) -> Self {
        let (name, more) = broken(model, Some(gradients));
        Self::Gradient(name, more)
    }

    pub(super) fn in_parameters(model: &Clip) -> Self {
        let (name, more) = broken(model, None);
        Self::Update(name, more)
    }
}

/// The first parameter of which something is not finite, and how many more there are.
fn broken(model: &Clip, gradients: Option<&GradientsParams>) -> (String, usize) {
    let mut visitor = Broken { gradients, path: Vec::new(), found: Vec::new() };
    model.visit(&mut visitor);
    let count = visitor.found.len();
    // Where each is finite, it is their norm that overflows.
    let first = visitor.found.into_iter().next().unwrap_or_else(|| "all parameters".into());
    (first, count.saturating_sub(1))
}

struct Broken<'a> {
    gradients: Option<&'a GradientsParams>,
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Broken<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            Some(gradients) => gradients.get::<D>(param.id),
            None => Some(param.base()),
        };
        let sum = |x: Tensor<D>| x.abs().sum().into_data().iter::<f64>().sum::<f64>();
        if tensor.is_some_and(|tensor| !sum(tensor).is_finite()) {
            self.found.push(reference_key(&self.path.join(".")).name);
        }
    }
}
