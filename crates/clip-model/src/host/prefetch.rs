//! Hints to the processor of what it will need.

/// Where to.
#[derive(Clone, Copy)]
pub(super) enum Cache {
    First,
    Second,
}

/// Asks for the cache line at an address.
#[inline(always)]
#[allow(unsafe_code, reason = "a hint reads nothing, but takes a pointer")]
pub(super) fn prefetch<T>(address: *const T, to: Cache) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint, which reads nothing and takes any address; every x86-64 has it.
        match to {
            Cache::First => unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) },
            Cache::Second => unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) },
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (address, to);
}
