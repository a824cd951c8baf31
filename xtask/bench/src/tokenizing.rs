//! Captions to ids.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clip_model::{Tokenizer, VOCAB_SIZE};

use crate::measure::{Rounds, rate};
use crate::peer::Peer;
use crate::row::Row;

const CONTEXT: usize = 77;
/// Captions at a time.
const CHUNK: usize = 10_000;

/// Another tokenizer for the same ids.
pub struct Rival {
    /// What `--only` calls it.
    pub name: &'static str,
    package: &'static str,
    description: &'static str,
    command: &'static str,
    goal: f64,
}

/// OpenAI's, which cleans texts with ftfy as ours does; and Hugging Face's, which is in Rust and
/// doesn't.
pub const ALL: [Rival; 2] = [
    Rival {
        name: "tokenizing, OpenAI's",
        package: "openai-clip",
        description: "with ftfy",
        command: "tokenize-openai",
        goal: 100.0,
    },
    Rival {
        name: "tokenizing, Hugging Face's",
        package: "tokenizers",
        description: "without cleaning",
        command: "tokenize-hf",
        goal: 1.0,
    },
];

/// Ours, with cleaning, against a rival.
pub fn measure(rival: &Rival, folder: &Path, peer: &mut Peer, rounds: &Rounds) -> Result<Row> {
    let path = folder.join("captions.txt");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let captions: Vec<&str> = text.lines().collect();
    ensure!(!captions.is_empty(), "no captions in {}", path.display());
    let tokenizer = Tokenizer::new(CONTEXT, VOCAB_SIZE)?;
    let mut chunks = captions.chunks(CHUNK).cycle();
    let measured = rounds.interleave(
        |length| {
            rate(length, || {
                let chunk = chunks.next().unwrap_or_default();
                black_box(tokenizer.encode_batch(chunk));
                Ok(chunk.len())
            })
        },
        |length| peer.rate(rival.command, length),
    )?;
    let name = format!("{}, {}", peer.package(rival.package), rival.description);
    Ok(Row::new(rival.name, &measured, name, "captions/s", rival.goal))
}
