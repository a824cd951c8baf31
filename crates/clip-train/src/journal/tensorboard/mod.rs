//! Event files that TensorBoard reads.

mod event;
mod record;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event::{Event, What};

/// An event file of a run's scalars, one record an event.
///
/// The format is that of TensorFlow's `EventsWriter`: [TFRecords][records] of [`Event`][proto]
/// messages.
///
/// [records]: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
/// [proto]: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
    /// Bytes of whole records.
    length: u64,
}

impl EventFile {
    /// Starts a file in `folder`, which is made if need be, for the steps from `first_step` on:
    /// TensorBoard drops the points that earlier files of the folder have of those steps, written
    /// after the checkpoint that the run goes on from. A new run's `first_step` is 0.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or written.
    pub fn create(folder: &Path, first_step: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (path, file) = create_last(folder)?;
        let mut events = Self { path, file, length: 0 };
        events.append(0, What::FileVersion)?;
        // A new run's too: TensorBoard takes the first start that it sees to be no resumption.
        events.append(first_step, What::SessionStart)?;
        Ok(events)
    }

    /// Adds the values of a step, each with its tag; tags that share what stands before a `/` are
    /// shown together. TensorBoard keeps single precision, and shows NaN and infinities as such.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; it then holds what it held before.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> io::Result<()> {
        self.append(step, What::Scalars(values))
    }

    /// The file itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, step: u64, what: What) -> io::Result<()> {
        let wall_time = since_epoch().as_secs_f64();
        let record = record::frame(&Event { wall_time, step, what }.encode());
        if let Err(error) = self.file.write_all(&record) {
            // Readers stop at half a record; if this fails too, the disk is beyond help.
            self.file.set_len(self.length).ok();
            return Err(error);
        }
        self.length += record.len() as u64;
        Ok(())
    }
}

/// Makes the file that TensorBoard, which goes by the names, reads last; where one of this second
/// is there already, that is the next second's.
fn create_last(folder: &Path) -> io::Result<(PathBuf, File)> {
    let mut second = since_epoch().as_secs();
    loop {
        // All that TensorBoard asks of a name is `tfevents`; the rest is TensorFlow's habit.
        let path = folder.join(format!("events.out.tfevents.{second:010}.clip"));
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => second += 1,
            opened => return opened.map(|file| (path, file)),
        }
    }
}

/// Zero where the clock stands before 1970.
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
