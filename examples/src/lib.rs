//! What the examples share: the choice of a model, exit status, interruption, memory.

mod model;

pub use model::Model;

use std::process::ExitCode;

use burn::train::Interrupter;
use clip_train::{Ended, TrainError, memory_size};

/// Exit status after Ctrl-C, by convention 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// The exit status of a run: 0 done, 1 failed, 2 wrong settings, 130 interrupted.
pub fn exit(outcome: Result<Ended, TrainError>) -> ExitCode {
    match outcome {
        Ok(Ended::Complete) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if error.is_setting() { 2 } else { 1 })
        }
    }
}

/// The exit status of an example: 0 done, 1 failed, with what failed on one line.
pub fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Stops the run in good order at the first Ctrl-C or SIGTERM, and at once at the second.
pub fn on_interrupt(interrupter: Interrupter) {
    let handler = move || {
        if interrupter.should_stop() {
            std::process::exit(INTERRUPTED.into());
        }
        eprintln!("\nfinishing the step and saving; once more to stop at once");
        interrupter.stop(Some("interrupted"));
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!("Ctrl-C will stop without saving: {error}");
    }
}

/// The most memory that this process has held, where the system tells.
pub fn peak_memory() -> Option<String> {
    Some(memory_size(bytes("/proc/self/status", "VmHWM:")?))
}

/// Bytes of memory that are free for this process, where the system tells.
pub fn free_memory() -> Option<u64> {
    bytes("/proc/meminfo", "MemAvailable:")
}

/// A line of one of Linux's own files, in bytes.
fn bytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
