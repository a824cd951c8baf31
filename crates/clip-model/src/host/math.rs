//! Functions of one number without branches, which the compiler turns into vector instructions
//! inside `pulp`'s dispatch: only what is inlined there knows the processor's.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

use crate::Activation;

/// `2^23 * 1.5`: adding it rounds to an integer, which then stands in the low bits.
const ROUNDER: f32 = 12_582_912.0;
/// The natural logarithm of 2 in two parts, the first with few bits.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// The normal density at 0.
const INVERSE_SQRT_2_PI: f32 = 0.398_942_3;

/// `e^x` within 2 units of the last place, with Cephes' polynomial; below -87 the least normal
/// number.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let rounded = x.mul_add(LOG2_E, ROUNDER);
    let n = rounded - ROUNDER;
    let r = n.mul_add(-LN_2[1], n.mul_add(-LN_2[0], x));
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let power = rounded.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127) << 23;
    p.mul_add(r * r, r + 1.0) * f32::from_bits(power)
}

/// The error function within 1e-6, by the rational function of Eigen and XLA.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let p = -2.726_142_3e-10_f32;
    let p = p.mul_add(square, 2.770_681_4e-8);
    let p = p.mul_add(square, -2.101_024e-6);
    let p = p.mul_add(square, -5.692_506_5e-5);
    let p = p.mul_add(square, -7.349_906e-4);
    let p = p.mul_add(square, -2.954_6e-3);
    let p = p.mul_add(square, -1.609_603_3e-2);
    let q = -1.456_607_2e-5_f32;
    let q = q.mul_add(square, -2.133_740_6e-4);
    let q = q.mul_add(square, -1.682_827e-3);
    let q = q.mul_add(square, -7.373_329e-3);
    let q = q.mul_add(square, -1.426_474e-2);
    x * p / q
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The activation of each value.
#[inline(always)]
pub(super) fn activate(values: &mut [f32], activation: Activation) {
    match activation {
        Activation::Gelu => {
            for x in values {
                *x *= 0.5 * (1.0 + erf(*x * FRAC_1_SQRT_2));
            }
        }
        // 0.5 (1 + tanh(y)) is the sigmoid of 2 y.
        Activation::GeluTanh => {
            for x in values {
                *x *= sigmoid(1.595_769 * (0.044_715 * *x * *x).mul_add(*x, *x));
            }
        }
        Activation::QuickGelu => {
            for x in values {
                *x *= sigmoid(1.702 * *x);
            }
        }
    }
}

/// Multiplies each derivative by that of the activation at its value.
#[inline(always)]
pub(super) fn activate_backward(values: &[f32], derivative: &mut [f32], activation: Activation) {
    match activation {
        Activation::Gelu => {
            for (x, derivative) in values.iter().zip(derivative) {
                let below = 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2));
                *derivative *= below + x * INVERSE_SQRT_2_PI * exp(-0.5 * x * x);
            }
        }
        Activation::GeluTanh => {
            for (x, derivative) in values.iter().zip(derivative) {
                let gate = sigmoid(1.595_769 * (0.044_715 * x * x).mul_add(*x, *x));
                let slope = 1.595_769 * (0.134_145 * x).mul_add(*x, 1.0);
                *derivative *= gate + x * gate * (1.0 - gate) * slope;
            }
        }
        Activation::QuickGelu => {
            for (x, derivative) in values.iter().zip(derivative) {
                let gate = sigmoid(1.702 * x);
                *derivative *= gate + 1.702 * x * gate * (1.0 - gate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_that_of_double_precision() {
        for step in -8700..8800 {
            let x = step as f32 / 100.0;
            let right = f64::from(x).exp();
            let error = (f64::from(exp(x)) - right).abs() / right;
            assert!(error < 2.5e-7, "{x}: {error:e}");
        }
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn erf_is_that_of_tables() {
        // Abramowitz and Stegun, table 7.1.
        for (x, right) in [
            (0.0, 0.0),
            (0.1, 0.112_462_92),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (1.5, 0.966_105_1),
            (2.0, 0.995_322_3),
            (3.0, 0.999_977_9),
            (9.0, 1.0),
        ] {
            assert!((erf(x) - right).abs() < 1e-6, "{x}: {}", erf(x));
            assert!((erf(-x) + right).abs() < 1e-6, "-{x}: {}", erf(-x));
        }
    }
}
