//! Numbers as people read them. Anything that is not finite is an em dash.

const MISSING: &str = "—";

/// A whole number with thousands separated: `12,345`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A fraction as a percentage: one decimal, or two significant digits below 1%.
pub(super) fn percent(fraction: f64) -> String {
    if !fraction.is_finite() {
        return MISSING.to_owned();
    }
    let value = fraction * 100.0;
    if value == 0.0 || value == 100.0 {
        return format!("{value}%");
    }
    // Only perfection may read as perfection, and only zero as zero.
    if (99.95..100.0).contains(&value) {
        return ">99.9%".to_owned();
    }
    if value.abs() < 1e-4 {
        return "<0.0001%".to_owned();
    }
    let decimals = if value.abs() < 1.0 { significant_decimals(value, 2) } else { 1 };
    format!("{value:.decimals$}%")
}

/// An interval of fractions in per cent: `19.4–23.3%`.
pub(super) fn interval(low: f64, high: f64) -> String {
    if !(low.is_finite() && high.is_finite()) {
        return MISSING.to_owned();
    }
    format!("{}–{}", percent(low).trim_end_matches('%'), percent(high))
}

/// A ratio: one decimal below 10, whole above: `3.4`, `270`.
pub(super) fn factor(ratio: f64) -> String {
    match ratio {
        r if !r.is_finite() => MISSING.to_owned(),
        0.0 => "0".to_owned(),
        r if r >= 9.95 => count(r.round() as u64),
        r => format!("{r:.1}"),
    }
}

/// About three significant digits: `1,234`, `12.3`, `0.0123`; below that, `5e-4`.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => MISSING.to_owned(),
        0.0 => "0".to_owned(),
        size if size >= 1e9 => scientific(value),
        size if size >= 1e3 => signed_count(value),
        size if size >= 1e-2 => {
            let decimals = significant_decimals(value, 3);
            format!("{value:.decimals$}")
        }
        _ => scientific(value),
    }
}

/// A tick of an axis whose ticks are `step` apart, so all of them have the same decimals.
pub(super) fn tick(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let tiny = step < 1e-3 && value.abs() < 1e-2;
    if tiny || value.abs() >= 1e9 {
        return scientific(value);
    }
    if step >= 1.0 {
        return signed_count(value);
    }
    // A step of 0.5 or 0.2 needs one decimal; the slack absorbs rounding in the logarithm.
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// A rank in words: `1st`, `22nd`, `113th`.
pub(super) fn ordinal(rank: usize) -> String {
    let suffix = match (rank % 10, rank % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{suffix}", count(rank as u64))
}

fn signed_count(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    format!("{sign}{}", count(value.abs().round() as u64))
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.2e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{exponent}")
        }
        None => text,
    }
}

/// Decimals that show `digits` significant digits of a value that is not zero.
fn significant_decimals(value: f64, digits: i32) -> usize {
    let exponent = value.abs().log10().floor() as i32;
    (digits - 1 - exponent).max(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn percentages_keep_small_values_and_never_round_to_perfection() {
        let values = [0.0, 1.0, 0.2134, 0.000_627, 0.999_99, 1e-9, f64::NAN];
        let texts = ["0%", "100%", "21.3%", "0.063%", ">99.9%", "<0.0001%", "—"];
        assert_eq!(values.map(percent), texts);
        assert_eq!(interval(0.194, 0.233), "19.4–23.3%");
    }

    #[test]
    fn ticks_of_one_axis_share_their_decimals() {
        assert_eq!([0.5, 1.0, 1.5].map(|v| tick(v, 0.5)), ["0.5", "1.0", "1.5"]);
        assert_eq!([0.0, 2000.0].map(|v| tick(v, 1000.0)), ["0", "2,000"]);
        assert_eq!(tick(3.0 * 1e-4, 1e-4), "3e-4");
        assert_eq!([tick(0.003, 0.001), tick(14.2852, 2e-4)], ["0.003", "14.2852"]);
    }

    #[test]
    fn short_numbers_have_about_three_digits() {
        let values = [2.1349, 57.26, 1234.4, 5e-4, 0.0123, 0.0];
        assert_eq!(values.map(short), ["2.13", "57.3", "1,234", "5e-4", "0.0123", "0"]);
        assert_eq!([3.44, 269.8, f64::INFINITY].map(factor), ["3.4", "270", "—"]);
    }

    #[test]
    fn ranks_read_as_ordinals() {
        assert_eq!(
            [1, 2, 3, 4, 11, 22, 113].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "22nd", "113th"]
        );
    }
}
