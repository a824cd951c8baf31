//! Numbers drawn for names: the same on every machine, in any order, for any thread.

/// A number for a name: FNV-1a, with its bits mixed so that all of them can be used.
pub fn lot(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_little_draw_evenly() {
        let low =
            (0..1000).filter(|number| lot(&format!("icon-{number}")).is_multiple_of(10)).count();
        assert!((70..130).contains(&low), "{low} of 1000");
    }
}
