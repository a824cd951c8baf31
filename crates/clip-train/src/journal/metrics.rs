use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::TrainError;
use crate::files::{read_text, write_atomically};
use crate::report::StepMetrics;

/// A run's `metrics.jsonl`: one JSON object a step.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
}

impl MetricsLog {
    /// Opens the log of a run that has done `steps` steps; lines of later steps, written after
    /// the checkpoint that the run goes on from, are dropped.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn open(path: &Path, steps: u64) -> Result<Self, TrainError> {
        let mut kept = String::new();
        for metrics in Self::read(path)?.into_iter().filter(|metrics| metrics.step <= steps) {
            kept += &line(path, &metrics)?;
        }
        write_atomically(path, kept.as_bytes())?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(|error| TrainError::file("write", path, error))?;
        Ok(Self { path: path.into(), file, length: kept.len() as u64 })
    }

    /// Adds a step.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn append(&mut self, metrics: &StepMetrics) -> Result<(), TrainError> {
        let line = line(&self.path, metrics)?;
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line would spoil the next one; if this fails too, the disk is beyond help.
            self.file.set_len(self.length).ok();
            return Err(TrainError::file("write", &self.path, error));
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// The steps in a log; a last line that a killed process left unfinished is passed over, and
    /// a log that is not there has none.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub fn read(path: &Path) -> Result<Vec<StepMetrics>, TrainError> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        Ok(read_text(path)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

fn line(path: &Path, metrics: &StepMetrics) -> Result<String, TrainError> {
    let json =
        serde_json::to_string(metrics).map_err(|error| TrainError::file("write", path, error))?;
    Ok(json + "\n")
}
