use super::number;

/// How the values of a chart are written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Unit {
    /// As they are.
    Number,
    /// Fractions, in per cent.
    Share,
}

impl Unit {
    /// A value in a sentence or beside its mark.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Number => number::short(value),
            Self::Share => number::percent(value),
        }
    }

    /// A value of an axis whose ticks are `step` apart.
    pub fn tick(self, value: f64, step: f64) -> String {
        match self {
            Self::Number => number::tick(value, step),
            Self::Share => number::tick(value * 100.0, step * 100.0) + "%",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Unit;

    #[test]
    fn shares_are_written_in_per_cent() {
        assert_eq!(Unit::Share.text(0.213), "21.3%");
        assert_eq!([0.0, 0.05].map(|v| Unit::Share.tick(v, 0.05)), ["0%", "5%"]);
        assert_eq!([0.995, 1.0].map(|v| Unit::Share.tick(v, 0.005)), ["99.5%", "100.0%"]);
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        assert_eq!(
            (Unit::Number.text(2.134), Unit::Number.tick(0.5, 0.5)),
            ("2.13".into(), "0.5".into())
        );
    }
}
