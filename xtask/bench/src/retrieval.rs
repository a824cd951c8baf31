//! Retrieval among a million.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor};
use clip_eval::{Source, retrieval};

use crate::apart;
use crate::row::Row;

pub const MEMORY: &str = "memory of retrieval";

const WIDTH: usize = 512;
const QUERIES: usize = 1000;
/// Megabytes, features and all.
const BOUND: f64 = 4000.0;

/// The peak of a process that finds captions by images and images by captions.
pub fn memory(images: usize, rounds: usize) -> Result<Row> {
    let measured: Vec<f64> = match apart::is_apart() {
        true => vec![peak(images)?],
        false => (0..rounds.max(1)).map(|_| measure_apart(images)).collect::<Result<_>>()?,
    };
    let rounds: Vec<(f64, f64)> = measured.into_iter().map(|peak| (peak, BOUND)).collect();
    let name = format!("{MEMORY}, {images} x {WIDTH}");
    Ok(Row::less_is_better(name, &rounds, "the bound".to_owned(), "MB", 1.0))
}

fn measure_apart(images: usize) -> Result<f64> {
    let mut command = apart::command()?;
    command.args(["memory", "--only", MEMORY, "--images", &images.to_string()]);
    Ok(apart::row(command)?.ours)
}

fn peak(images: usize) -> Result<f64> {
    let device = Device::flex();
    device.seed(0);
    let noise = Distribution::Normal(0.0, 1.0);
    let mut all = Tensor::<2>::zeros([images, WIDTH], &device);
    for start in (0..images).step_by(1 << 14) {
        let rows = start..(start + (1 << 14)).min(images);
        let part = Tensor::random([rows.len(), WIDTH], noise, &device);
        all = all.slice_assign([rows], part);
    }
    let texts = Tensor::random([QUERIES, WIDTH], noise, &device);
    let owners: Vec<usize> = (0..QUERIES).map(|query| query * (images / QUERIES)).collect();
    let start = Instant::now();
    let found = retrieval(Source { step: 0, dataset: "noise" }, all, texts, &owners);
    let value = found.last().map_or(0.0, |row| row.value);
    eprintln!("  {:.1} s, recall@10 {value:.4}", start.elapsed().as_secs_f64());
    apart::status("VmHWM:")
}
