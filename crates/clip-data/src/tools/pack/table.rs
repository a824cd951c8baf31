//! Rows of `.csv` and `.tsv` files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};

use super::PackOptions;
use super::entry::Entry;
use super::source::Rows;
use crate::{Cause, DataError};

/// The longest row: one whose quote has no end would fill the memory.
const MAX_ROW_BYTES: u64 = 1 << 20;

/// How many columns a message lists.
const LISTED: usize = 20;

pub(super) struct Table {
    reader: Reader<RowLimit>,
    rows: Rows,
    /// Places of the image's and the caption's columns.
    columns: [usize; 2],
    record: StringRecord,
    done: bool,
}

impl Table {
    pub(super) fn open(path: &Path, rows: Rows, options: &PackOptions) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::io(path, source))?;
        let is_tsv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("tsv"));
        let separator = options.separator.unwrap_or(if is_tsv { b'\t' } else { b',' });
        let mut reader =
            ReaderBuilder::new().delimiter(separator).from_reader(RowLimit { file, read: 0 });
        let header = reader.headers().map_err(|error| fatal(path, 1, error))?;
        let columns = [&options.image_column, &options.caption_column];
        let columns = columns.map(|column| place(header, column));
        let [Ok(image), Ok(caption)] = columns else {
            let problem = columns.into_iter().find_map(Result::err).unwrap_or_default();
            return Err(DataError::layout(path, problem));
        };
        let (columns, record) = ([image, caption], StringRecord::new());
        Ok(Self { reader, rows, columns, record, done: false })
    }

    fn entry(&self, line: u64) -> Result<Entry, DataError> {
        let [image, caption] =
            self.columns.map(|column| self.record.get(column).unwrap_or_default());
        self.rows.file(line, image, caption)
    }
}

impl Iterator for Table {
    type Item = Result<Entry, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.reader.get_mut().read = 0;
        let line = self.reader.position().line();
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Some(self.entry(line)),
            Ok(false) => None,
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    let reason = format!(
                        "it has {len} cells, the header {expected_len}: quote cells that hold the \
                         separator"
                    );
                    Some(Err(self.rows.fault(line, Cause::NoCaption, reason)))
                }
                ErrorKind::Utf8 { .. } => {
                    let reason = "it isn't UTF-8: save the table as UTF-8";
                    Some(Err(self.rows.fault(line, Cause::NoCaption, reason)))
                }
                _ => {
                    self.done = true;
                    Some(Err(fatal(Path::new(self.rows.place()), line, error)))
                }
            },
        }
    }
}

fn place(header: &StringRecord, column: &str) -> Result<usize, String> {
    header.iter().position(|name| name.trim() == column).ok_or_else(|| {
        let known: Vec<_> = header.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        format!(
            "it has no column `{column}`, but {known}: name one of these, or the separator if they \
             run together"
        )
    })
}

fn fatal(path: &Path, line: u64, error: csv::Error) -> DataError {
    match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let reason = format!(
                "line {line}: the row has more than {MAX_ROW_BYTES} bytes: see whether a quote in it \
                 has no end"
            );
            DataError::layout(path, reason)
        }
        ErrorKind::Io(error) => DataError::io(path, error),
        ErrorKind::Utf8 { err, .. } => {
            DataError::layout(path, format!("line {line}: {err}: save the table as UTF-8"))
        }
        other => DataError::layout(path, format!("line {line}: {other:?}")),
    }
}

/// A file that fails once so many bytes were read without a new row.
struct RowLimit {
    file: File,
    read: u64,
}

impl Read for RowLimit {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        if self.read > MAX_ROW_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(count) }
    }
}
