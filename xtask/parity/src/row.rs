use std::fmt;

use serde::Serialize;

/// One comparison.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was compared.
    pub name: String,
    /// With whose numbers.
    pub reference: &'static str,
    /// The reference's version.
    pub version: String,
    /// Largest difference of the features, or number of unequal items.
    pub max_abs: f64,
    /// Largest difference of the logits, over the largest logit; or share of unequal items.
    pub max_rel: f64,
    /// What `max_abs` may be.
    pub limit: f64,
    /// What `max_rel` may be.
    pub limit_rel: f64,
    /// Whether both are within their limits.
    pub ok: bool,
}

/// How much two results may differ.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// For features of norm 1.
    pub abs: f64,
    /// For logits, relative to the largest.
    pub rel: f64,
}

impl Row {
    /// Weighs the two differences.
    pub fn new(
        name: String,
        (reference, version): (&'static str, String),
        (max_abs, max_rel): (f64, f64),
        limit: Limit,
    ) -> Self {
        // A NaN is no difference within a limit.
        let ok = max_abs <= limit.abs && max_rel <= limit.rel;
        let Limit { abs, rel } = limit;
        Self { name, reference, version, max_abs, max_rel, limit: abs, limit_rel: rel, ok }
    }

    /// The line above all rows.
    pub fn header() -> String {
        format!(
            "{:<50} {:<12} {:<13} {:>8} {:>7} {:>8} {:>7}",
            "comparison", "reference", "version", "max abs", "limit", "max rel", "limit"
        )
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<50} {:<12} {:<13} {:>8.1e} {:>7.0e} {:>8.1e} {:>7.0e} {}",
            self.name,
            self.reference,
            self.version,
            self.max_abs,
            self.limit,
            self.max_rel,
            self.limit_rel,
            if self.ok { "ok" } else { "DIFFERS" }
        )
    }
}
