use std::f32::consts::LN_2;

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{DType, Device, Distribution, Tensor};

/// AdamW whose moments are kept in bfloat16 with stochastic rounding: half the memory of its state
/// (paper, section 2.5: "half-precision Adam statistics").
///
/// A moment moves by less than a bfloat16's last bit in most steps, which rounding to nearest would
/// lose; rounding up with the probability of the remainder keeps it on average.
#[derive(Clone, Copy, Debug)]
pub struct HalfAdamW {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
}

/// The state of [`HalfAdamW`] for one parameter.
#[derive(Clone)]
pub struct HalfAdamWState<const D: usize> {
    moment_1: Tensor<D>,
    moment_2: Tensor<D>,
    time: usize,
}

impl<const D: usize> RecordState for HalfAdamWState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "moment_1", self.moment_1.clone().into_data());
        out.push_tensor(prefix, "moment_2", self.moment_2.clone().into_data());
        out.push_scalar(prefix, "time", self.time.into());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let mut tensor = |name| {
            let data = source.take_tensor(prefix, name)?;
            Some(Tensor::from_data(data, (device, DType::BF16)))
        };
        let (moment_1, moment_2) = (tensor("moment_1")?, tensor("moment_2")?);
        let time = source.take_scalar(prefix, "time")?.try_into().ok()?;
        Some(Self { moment_1, moment_2, time })
    }
}

impl Optimizer for HalfAdamW {
    type State<const D: usize> = HalfAdamWState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let Self { beta1, beta2, epsilon, weight_decay } = *self;
        let (old_1, old_2, time) = match state {
            Some(HalfAdamWState { moment_1, moment_2, time }) => {
                (moment_1.cast(DType::F32), moment_2.cast(DType::F32), time + 1)
            }
            None => (gradient.zeros_like(), gradient.zeros_like(), 1),
        };
        let moment_1 = old_1 * beta1 + gradient.clone() * (1.0 - beta1);
        let moment_2 = old_2 * beta2 + gradient.square() * (1.0 - beta2);
        let corrected = |moment: Tensor<D>, beta: f32| moment / (1.0 - beta.powi(time as i32));
        let root = corrected(moment_2.clone(), beta2).sqrt() + epsilon;
        let update = corrected(moment_1.clone(), beta1) / root;
        let moved = tensor * (1.0 - lr * f64::from(weight_decay)) - update * lr;
        let state = HalfAdamWState {
            moment_1: round_stochastically(moment_1),
            moment_2: round_stochastically(moment_2),
            time,
        };
        (moved, Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        HalfAdamWState {
            moment_1: state.moment_1.to_device(device),
            moment_2: state.moment_2.to_device(device),
            ..state
        }
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
    use super::*;

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
        let optimizer = HalfAdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
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
