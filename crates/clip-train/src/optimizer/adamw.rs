use std::f32::consts::LN_2;

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{DType, Device, Distribution, Tensor};

use super::Moments;
use super::in_one_pass;

/// AdamW (Loshchilov and Hutter 2019), as PyTorch's.
///
/// Moments may be kept in bfloat16 with stochastic rounding: half the memory of the state (paper,
/// section 2.5: "half-precision Adam statistics"). A moment moves by less than a bfloat16's last bit
/// in most steps, which rounding to nearest would lose; rounding up with the probability of the
/// remainder keeps it on average.
#[derive(Clone, Copy, Debug)]
pub(super) struct AdamW {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// What the moments are kept in.
    pub moments: Moments,
}

/// The state of [`AdamW`] for one parameter.
#[derive(Clone)]
pub(super) struct AdamWState<const D: usize> {
    moment_1: Tensor<D>,
    moment_2: Tensor<D>,
    time: usize,
}

impl<const D: usize> RecordState for AdamWState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "moment_1", self.moment_1.clone().into_data());
        out.push_tensor(prefix, "moment_2", self.moment_2.clone().into_data());
        out.push_scalar(prefix, "time", self.time.into());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let mut tensor = |name| {
            let data = source.take_tensor(prefix, name)?;
            let dtype = data.dtype();
            Some(Tensor::from_data(data, (device, dtype)))
        };
        let (moment_1, moment_2) = (tensor("moment_1")?, tensor("moment_2")?);
        let time = source.take_scalar(prefix, "time")?.try_into().ok()?;
        Some(Self { moment_1, moment_2, time })
    }
}

impl Optimizer for AdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (moment_1, moment_2, time) = match state {
            Some(AdamWState { moment_1, moment_2, time }) => (moment_1, moment_2, time + 1),
            None => (gradient.zeros_like(), gradient.zeros_like(), 1),
        };
        let update = Update::new(self, lr, time);
        let on_host = self.moments == Moments::F32
            && in_one_pass::takes([&tensor, &gradient, &moment_1, &moment_2]);
        let (moved, [moment_1, moment_2]) = match on_host {
            true => in_one_pass::step(update, tensor, gradient, [moment_1, moment_2]),
            false => self.step_by_operations(update, tensor, gradient, [moment_1, moment_2]),
        };
        (moved, Some(AdamWState { moment_1, moment_2, time }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamWState {
            moment_1: state.moment_1.to_device(device),
            moment_2: state.moment_2.to_device(device),
            ..state
        }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy)]
pub(super) struct Update {
    pub beta1: f32,
    pub beta2: f32,
    /// What the weights are multiplied by.
    pub decay: f32,
    /// The learning rate over the first moment's correction.
    pub rate: f32,
    /// The root of the second moment's correction.
    pub root_correction: f32,
    pub epsilon: f32,
}

impl Update {
    fn new(adamw: &AdamW, lr: LearningRate, time: usize) -> Self {
        let AdamW { beta1, beta2, epsilon, weight_decay, .. } = *adamw;
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(time as f64);
        Self {
            beta1,
            beta2,
            decay: (1.0 - lr * f64::from(weight_decay)) as f32,
            rate: (lr / correction(beta1)) as f32,
            root_correction: correction(beta2).sqrt() as f32,
            epsilon,
        }
    }
}

impl AdamW {
    fn step_by_operations<const D: usize>(
        &self,
        update: Update,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        [moment_1, moment_2]: [Tensor<D>; 2],
    ) -> (Tensor<D>, [Tensor<D>; 2]) {
        let Update { beta1, beta2, decay, rate, root_correction, epsilon } = update;
        let moved = |old: Tensor<D>, new: Tensor<D>, beta: f32| {
            let dtype = new.dtype();
            old.cast(dtype) * beta + new * (1.0 - beta)
        };
        let moment_1 = moved(moment_1, gradient.clone(), beta1);
        let moment_2 = moved(moment_2, gradient.square(), beta2);
        let root = moment_2.clone().sqrt() / root_correction + epsilon;
        let tensor = tensor * decay - moment_1.clone() * rate / root;
        let kept = [moment_1, moment_2].map(|moment| match self.moments {
            Moments::F32 => moment,
            Moments::Bf16 => round_stochastically(moment),
        });
        (tensor, kept)
    }
}

/// Rounds to one of the two bfloat16 beside each value, to the nearer one more often, so that the
/// mean of many roundings is the value. Draws from the device's random numbers.
fn round_stochastically<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    // The last bit of a bfloat16 is worth 2^-7 of the power of two below the value. Counted in it,
    // the two neighbours are whole numbers; powers of two make the way there and back exact.
    // The smallest is counted in the least number that no device takes for zero.
    let least = f32::MIN_POSITIVE * 128.0;
    let power = (x.clone().abs().clamp_min(least).log() / LN_2).floor();
    let last_bit = x.full_like(2.0).powf(power - 7.0);
    let luck = x.random_like(Distribution::Uniform(0.0, 1.0));
    ((x / last_bit.clone() + luck).floor() * last_bit).cast(DType::BF16)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

    fn adamw(weight_decay: f32) -> AdamW {
        let moments = Moments::F32;
        AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay, moments }
    }

    /// Burn's own, by each of the two ways; lengths around what a task takes.
    #[test]
    fn steps_are_those_of_burn() {
        let device = Device::flex();
        device.seed(1);
        let right = burn::optim::AdamWConfig::new()
            .with_beta_2(0.999)
            .with_epsilon(1e-8)
            .with_weight_decay(0.2)
            .build();
        for length in [1, 77, 2 * in_one_pass::PART + 5] {
            let start = Tensor::<1>::random([length], Distribution::Normal(0.0, 1.0), &device);
            let (mut x, mut state) = (start.clone(), None);
            let mut by_operations = (start.clone(), [start.zeros_like(), start.zeros_like()]);
            let (mut right_x, mut right_state) = (start, None);
            for time in 1..=5 {
                let noise = Distribution::Normal(0.0, 0.5);
                let gradient = Tensor::<1>::random([length], noise, &device);
                assert!(in_one_pass::takes([&x, &gradient, &x, &x]));
                (x, state) = adamw(0.2).step(1e-2, x, gradient.clone(), state);
                let (tensor, moments) = by_operations;
                let update = Update::new(&adamw(0.2), 1e-2, time);
                by_operations =
                    adamw(0.2).step_by_operations(update, tensor, gradient.clone(), moments);
                (right_x, right_state) = right.step(1e-2, right_x, gradient, right_state);
            }
            let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(1e-6);
            let right_x = right_x.into_data();
            x.into_data().assert_approx_eq(&right_x, tolerance);
            by_operations.0.into_data().assert_approx_eq(&right_x, tolerance);
        }
    }

    /// As in a run that is resumed with other settings.
    #[test]
    fn moments_may_change_their_format() {
        let device = Device::flex();
        device.seed(1);
        let x = Tensor::<1>::full([8], 1.0, &device);
        let half = AdamW { moments: Moments::Bf16, ..adamw(0.0) };
        let (x, state) = half.step(1e-2, x.clone(), x, None);
        let (x, state) = adamw(0.0).step(1e-2, x.clone(), x, state);
        assert_eq!(state.as_ref().unwrap().moment_1.dtype(), DType::F32);
        let (x, state) = half.step(1e-2, x.clone(), x, state);
        assert_eq!(state.unwrap().moment_1.dtype(), DType::BF16);
        assert!(numbers(x).iter().all(|x| (x - 0.97).abs() < 2e-3));
    }

    fn numbers(x: Tensor<1>) -> Vec<f32> {
        x.cast(DType::F32).into_data().iter::<f32>().collect()
    }

    #[test]
    fn rounding_is_right_on_average_and_to_a_neighbour() {
        let device = Device::flex();
        device.seed(0);
        let draws = 100_000;
        let zeros = round_stochastically(Tensor::<1>::zeros([8], &device));
        assert_eq!(numbers(zeros), [0.0; 8]);
        for value in [1.0f32 + 1.0 / 1024.0, -0.3, 7.77e-9, 3.0] {
            let rounded = numbers(round_stochastically(Tensor::<1>::full([draws], value, &device)));
            let distance = value.abs().log2().floor().exp2() / 128.0;
            assert!(rounded.iter().all(|x| (x - value).abs() <= distance * 1.001), "{value}");
            let mean = rounded.iter().map(|x| f64::from(*x)).sum::<f64>() / draws as f64;
            let off = (mean - f64::from(value)).abs() / f64::from(distance);
            assert!(off < 0.01, "{value}: mean off by {off} of a last bit");
        }
    }

    #[test]
    fn half_moments_lead_where_full_ones_do() {
        // A quadratic with noise in its gradient; decays so slow that rounding to nearest would
        // leave the second moment where it is.
        let device = Device::flex();
        device.seed(1);
        let optimizer = AdamW { moments: Moments::Bf16, ..adamw(0.0) };
        let full = burn::optim::AdamWConfig::new()
            .with_beta_2(0.999)
            .with_epsilon(1e-8)
            .with_weight_decay(0.0)
            .build();
        let start = Tensor::<1>::full([256], 1.0, &device);
        let (mut half_x, mut half_state) = (start.clone(), None);
        let (mut full_x, mut full_state) = (start, None);
        for _ in 0..600 {
            let noise = Tensor::<1>::random([256], Distribution::Normal(0.0, 0.5), &device);
            let gradient = half_x.clone() + noise.clone();
            (half_x, half_state) = optimizer.step(3e-3, half_x, gradient, half_state);
            let gradient = full_x.clone() + noise;
            (full_x, full_state) = full.step(3e-3, full_x, gradient, full_state);
        }
        assert_eq!(half_state.unwrap().moment_2.dtype(), DType::BF16);
        let (half_x, full_x) = (numbers(half_x), numbers(full_x));
        let distance = |x: &[f32]| (x.iter().map(|x| x * x).sum::<f32>() / 256.0).sqrt();
        let apart: Vec<f32> = half_x.iter().zip(&full_x).map(|(a, b)| a - b).collect();
        assert!(distance(&full_x) < 0.15, "{}", distance(&full_x));
        assert!(distance(&apart) < 0.1 * distance(&full_x), "{}", distance(&apart));
    }
}
