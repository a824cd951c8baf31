//! What was measured before, and what is not there.

use std::hash::{Hash, Hasher};
use std::io;

use sha2::{Digest, Sha256};

use super::super::{Outcome, OutcomeStore};
use super::encoder::{Encoder, known};
use super::{Benchmark, BenchmarkError, BenchmarkEvent, MeasureError};
use crate::{Dataset, OpenError};

impl Benchmark<'_> {
    /// What was opened; or else the reason is told, but of a baseline only about what is there.
    pub(super) fn there<T>(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &Dataset,
        opened: Result<T, OpenError>,
    ) -> Option<T> {
        let error = match opened {
            Ok(opened) => return Some(opened),
            Err(error) => error,
        };
        if encoder.given.is_none() || !matches!(error, OpenError::Absent { .. }) {
            self.absent(dataset, error.to_string());
        }
        None
    }

    pub(super) fn absent(&mut self, dataset: &Dataset, reason: String) {
        let absent = (dataset.name.clone(), reason);
        if !self.report.absent.contains(&absent) {
            self.report.absent.push(absent);
        }
    }

    /// The outcome of a task that is kept, or that `measure` gives, goes into the report. `identity`
    /// tells what it was measured on from anything else. Returns what each image was named.
    pub(super) fn kept(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
        (task, identity): (&str, u64),
        measure: impl FnOnce(&mut Self) -> Result<Option<Outcome>, MeasureError>,
    ) -> Result<Vec<usize>, BenchmarkError> {
        let store = OutcomeStore::new(self.config.out.join("outcomes").join(&encoder.digest));
        let key = format!("{}-{task}-{identity:016x}", dataset.name);
        let fails = |source| BenchmarkError::Keep { path: store.path(&key), source };
        if store.get(&key).is_none() {
            match measure(self) {
                Ok(Some(outcome)) => store.put(&key, &outcome).map_err(fails)?,
                Ok(None) => return Ok(Vec::new()),
                Err(error) => {
                    self.absent(dataset, format!("no {task}: {error}"));
                    return Ok(Vec::new());
                }
            }
        }
        // As a run that goes on will read it, to the last digit.
        let unread = || fails(io::Error::other("what was just kept can't be read"));
        let outcome = store.get(&key).ok_or_else(unread)?;
        for mut row in outcome.rows {
            row.model = encoder.name.clone();
            row.published = known(encoder.released, dataset, &row.evaluation);
            (self.tell)(BenchmarkEvent::Measured(&row));
            self.report.rows.push(row);
        }
        let details = outcome.details;
        let details = details.map(|d| (encoder.name.clone(), dataset.name.clone(), d));
        self.report.details.extend(details);
        Ok(outcome.guesses)
    }
}

/// Tells what a data set holds from what it held before.
pub(super) fn identity(content: &impl Hash) -> u64 {
    let mut hash = Sha256Hasher(Sha256::new());
    content.hash(&mut hash);
    hash.finish()
}

/// As what is kept may be read by programs of other compilers, it goes by a hash that stays.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.clone().finalize();
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
