//! What the measurements were made on.

use std::fs;
use std::thread;

/// Programs that may run beside the measurements, on average.
const MOST_LOAD: f64 = 0.5;

/// The processor with the widest vectors it has, and how many of its cores there are for us.
pub fn name() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let has = |feature| cpu.split_whitespace().any(|word| word == feature);
    let vectors = match (has("avx512f"), has("avx2")) {
        (true, _) => " with AVX-512",
        (_, true) => " with AVX2",
        _ => "",
    };
    format!("{model}{vectors}, {cores} cores, {}", std::env::consts::OS)
}

/// What is wrong with measuring now, if anything.
pub fn problem() -> Option<String> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    let last_minute: f64 = load.split(' ').next()?.parse().ok()?;
    (last_minute > MOST_LOAD)
        .then(|| format!("other programs are running (load {last_minute}): figures will be off"))
}
