//! Strings of every kind against OpenAI's tokenizer with ftfy.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use clip_model::{Tokenizer, VOCAB_SIZE};
use flate2::read::GzDecoder;
use serde::Deserialize;

use crate::python::Python;
use crate::row::{Limit, Row};

const COUNT: usize = 200_000;
const CONTEXT: usize = 77;
/// Differences that are shown.
const SHOWN: usize = 5;

#[derive(Deserialize)]
struct Case {
    kind: String,
    text: String,
    ids: Vec<i32>,
}

/// Compares at least 200,000 strings, all class names and templates among them, then every
/// character and every reference of HTML.
pub fn compare(python: &Python, scratch: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    let count = COUNT.to_string();
    for (name, arguments) in [
        ("tokenizer, strings of all kinds", &["--count", count.as_str()][..]),
        ("tokenizer, every character and reference", &["--exhaustive"][..]),
    ] {
        let path = scratch.join("strings.jsonl.gz");
        let out = path.to_str().context("a path that is not UTF-8")?;
        let script = "tests/reference/tokenizer_strings.py";
        python.run(script, ["--out", out].iter().chain(arguments))?;
        let (strings, different) = count_different(&path)?;
        let share = different as f64 / strings as f64;
        let reference = python.package("openai-clip");
        let exact = Limit { abs: 0.0, rel: 0.0 };
        let name = format!("{name} ({strings})");
        add(Row::new(name, reference, (different as f64, share), exact));
    }
    Ok(())
}

/// Number of strings, and of those that have other ids than the reference's.
fn count_different(path: &Path) -> Result<(usize, usize)> {
    let tokenizer = Tokenizer::new(CONTEXT, VOCAB_SIZE)?;
    let lines = BufReader::new(GzDecoder::new(File::open(path)?)).lines();
    let (mut strings, mut different) = (0, 0);
    for line in lines.skip(1) {
        let case: Case = serde_json::from_str(&line?)?;
        let mut expected = vec![tokenizer.start()];
        expected.extend(case.ids.iter().take(CONTEXT - 2));
        expected.push(tokenizer.end());
        expected.resize(CONTEXT, 0);
        strings += 1;
        if tokenizer.encode(&case.text) != expected {
            different += 1;
            if different <= SHOWN {
                eprintln!("{} {:?} has other ids", case.kind, case.text);
            }
        }
    }
    Ok((strings, different))
}
