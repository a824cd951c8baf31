//! What can't be used, and why.

use clip_data::{Cause, FaultCount, Statistics};

use super::text::{count, escape, foreign, percent, things};

/// A block a cause: how many, and the first few by name.
pub fn section(statistics: &Statistics) -> String {
    if statistics.faults.is_empty() {
        return "<p>Every sample has an image whose header can be read, and a caption.</p>\n"
            .to_owned();
    }
    statistics.faults.iter().map(|fault| block(fault, statistics.samples)).collect()
}

fn block(fault: &FaultCount, samples: u64) -> String {
    let named: String =
        fault.first.iter().map(|text| format!("<li>{}</li>\n", foreign(text))).collect();
    let left = fault.count - fault.first.len() as u64;
    let more =
        if left > 0 { format!("<li>and {} more</li>\n", count(left)) } else { String::new() };
    format!(
        "<div class=\"block\"><h3>{}</h3><p>{}.</p>\n\
         <ul class=\"named\">\n{named}{more}</ul></div>\n",
        escape(&fault.cause.to_string()),
        extent(fault, samples),
    )
}

fn extent(fault: &FaultCount, samples: u64) -> String {
    match fault.cause {
        Cause::BrokenShard | Cause::SourceFailed => things(fault.count, "time"),
        _ => {
            format!("{} ({} of all)", things(fault.count, "sample"), percent(fault.count, samples))
        }
    }
}
