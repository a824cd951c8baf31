//! Rows turned to columns.

use super::pack::STEP;

/// Copies as many rows of one length to columns of a matrix whose rows lie `stride` apart; those that
/// a shorter row has no place for are left out.
#[inline(always)]
pub(super) fn turn(rows: [&[f32]; STEP], to: &mut [f32], stride: usize) {
    #[cfg(target_arch = "x86_64")]
    if stride >= STEP
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return simd.vectorize(avx2::Turn { simd, rows, to, stride });
    }
    turn_from(0, rows, to, stride);
}

/// The same from a place on.
#[inline(always)]
fn turn_from(start: usize, rows: [&[f32]; STEP], to: &mut [f32], stride: usize) {
    let width = STEP.min(stride);
    for index in start..rows[0].len() {
        to[index * stride..][..width].copy_from_slice(&rows.map(|row| row[index])[..width]);
    }
}

/// By shuffles, which the compiler doesn't find by itself.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use pulp::x86::V3;
    use pulp::{NullaryFnOnce, cast};

    use super::{STEP, turn_from};

    pub struct Turn<'a, 'b> {
        pub simd: V3,
        pub rows: [&'a [f32]; STEP],
        pub to: &'b mut [f32],
        pub stride: usize,
    }

    impl NullaryFnOnce for Turn<'_, '_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd: V3 { avx, .. }, rows, to, stride } = self;
            let steps = rows.map(|row| row.as_chunks::<STEP>().0);
            let whole = steps[0].len();
            for step in 0..whole {
                let mut x = [avx._mm256_setzero_ps(); STEP];
                for (x, steps) in x.iter_mut().zip(steps) {
                    *x = cast(steps[step]);
                }
                // Both halves of a vector, four by four.
                for x in x.as_chunks_mut::<4>().0 {
                    let low =
                        [avx._mm256_unpacklo_ps(x[0], x[1]), avx._mm256_unpacklo_ps(x[2], x[3])];
                    let high =
                        [avx._mm256_unpackhi_ps(x[0], x[1]), avx._mm256_unpackhi_ps(x[2], x[3])];
                    *x = [
                        avx._mm256_shuffle_ps::<0b01_00_01_00>(low[0], low[1]),
                        avx._mm256_shuffle_ps::<0b11_10_11_10>(low[0], low[1]),
                        avx._mm256_shuffle_ps::<0b01_00_01_00>(high[0], high[1]),
                        avx._mm256_shuffle_ps::<0b11_10_11_10>(high[0], high[1]),
                    ];
                }
                // The halves of four rows and those of the other four.
                for index in 0..STEP / 2 {
                    let [a, b] = [x[index], x[index + STEP / 2]];
                    let halves = [
                        avx._mm256_permute2f128_ps::<0x20>(a, b),
                        avx._mm256_permute2f128_ps::<0x31>(a, b),
                    ];
                    for (half, values) in halves.into_iter().enumerate() {
                        let row = step * STEP + index + half * STEP / 2;
                        let values: [f32; STEP] = cast(values);
                        to[row * stride..][..STEP].copy_from_slice(&values);
                    }
                }
            }
            turn_from(whole * STEP, rows, to, stride);
        }
    }
}
