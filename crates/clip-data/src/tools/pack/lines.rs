//! JSON objects, one a line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::PackOptions;
use super::entry::Entry;
use super::source::Rows;
use crate::{Cause, DataError};

/// The longest line.
const MAX_LINE_BYTES: u64 = 16 << 20;

pub(super) struct Lines {
    source: BufReader<File>,
    rows: Rows,
    image: String,
    caption: String,
    line: u64,
    done: bool,
}

impl Lines {
    pub(super) fn open(path: &Path, rows: Rows, options: &PackOptions) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::io(path, source))?;
        Ok(Self {
            source: BufReader::new(file),
            rows,
            image: options.image_column.clone(),
            caption: options.caption_column.clone(),
            line: 0,
            done: false,
        })
    }

    /// The next line that isn't empty.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        loop {
            self.line += 1;
            let mut line = Vec::new();
            let mut limited = (&mut self.source).take(MAX_LINE_BYTES + 1);
            let read = limited.read_until(b'\n', &mut line);
            let read = read.map_err(|source| DataError::io(self.rows.place(), source))?;
            if read as u64 > MAX_LINE_BYTES {
                let line = self.line;
                let reason = format!("line {line}: it has more than {MAX_LINE_BYTES} bytes");
                return Err(DataError::layout(self.rows.place(), reason));
            }
            if read == 0 {
                return Ok(None);
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn entry(&self, line: &[u8]) -> Result<Entry, DataError> {
        let fault = |cause, reason: String| self.rows.fault(self.line, cause, reason);
        let object: Value = serde_json::from_slice(line)
            .map_err(|error| fault(Cause::NoCaption, format!("it is no JSON: {error}")))?;
        let Some(image) = object[&self.image].as_str() else {
            return Err(fault(Cause::NoImage, format!("it has no string `{}`", self.image)));
        };
        let caption = match &object[&self.caption] {
            Value::String(caption) => caption.clone(),
            Value::Array(captions) => {
                captions.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            _ => return Err(fault(Cause::NoCaption, format!("it has no `{}`", self.caption))),
        };
        self.rows.file(self.line, image, &caption)
    }
}

impl Iterator for Lines {
    type Item = Result<Entry, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.read_line() {
            Ok(line) => line.map(|line| self.entry(&line)),
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}
