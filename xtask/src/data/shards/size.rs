//! Sizes as people write and read them.

/// Endings of sizes, each 1024 times the one before.
const UNITS: [&str; 5] = ["", "K", "M", "G", "T"];

/// Reads `1048576`, `1024K`, `1M`, `1MiB`.
pub fn parse(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_uppercase();
    let unit = unit.trim_end_matches('B').trim_end_matches('I');
    let power = UNITS.iter().position(|known| *known == unit);
    let size = number.parse::<u64>().ok().zip(power).and_then(|(number, power)| {
        1024_u64.checked_pow(power as u32).and_then(|unit| number.checked_mul(unit))
    });
    size.ok_or_else(|| "write a number of bytes, perhaps with K, M, G or T: 500M".to_owned())
}

/// Writes a size with three digits and a unit.
pub fn show(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 999.5 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if size < 9.95 => format!("{size:.1} {}iB", UNITS[unit]),
        _ => format!("{size:.0} {}iB", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in
            [("0", 0), ("77", 77), ("2k", 2048), ("3 MiB", 3 << 20), ("1GB", 1 << 30)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "1.5G", "-1", "1X", "99999999999999T"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (5 << 20, "5.0 MiB")] {
            assert_eq!(show(bytes), text);
        }
        assert_eq!(show(35 << 30), "35 GiB");
    }
}
