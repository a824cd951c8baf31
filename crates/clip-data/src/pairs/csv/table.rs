//! Some columns of a table in a file, in little memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Trim};

use crate::DataError;

/// The longest row: more means that a quote isn't closed, and should not fill the memory.
const MAX_ROW_BYTES: u64 = 1 << 20;

/// How many columns a message lists.
const LISTED: usize = 20;

const QUOTE_HINT: &str = "close it, or set csv_quotes to false if quotes are plain characters here";

/// How a file holds a table.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Between the cells of a row.
    pub separator: u8,
    /// Whether a cell in `"` may hold separators and line breaks.
    pub quotes: bool,
}

/// The cells of some columns, as text: one byte more than the text and eight a cell.
pub(super) struct Table {
    columns: usize,
    text: String,
    /// Where in `text` each cell ends, row by row.
    ends: Vec<usize>,
    /// The line on which each row starts, counted from 1.
    lines: Vec<u64>,
}

impl Table {
    /// Reads the named columns. Bytes that aren't UTF-8 become U+FFFD, missing cells are empty.
    pub(super) fn read(path: &Path, format: Format, names: &[&str]) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::io(path, source))?;
        let mut reader = ReaderBuilder::new()
            .delimiter(format.separator)
            .quoting(format.quotes)
            .flexible(true)
            .trim(Trim::Headers)
            .from_reader(RowLimit { file, left: MAX_ROW_BYTES });
        let header = reader.byte_headers().map_err(|error| row_error(path, 1, error))?;
        let places = places(header, names).map_err(|reason| DataError::layout(path, reason))?;
        // The line feed of a carriage return counts for the next row, which is then one further.
        let lag = 2_u64.saturating_sub(reader.position().line());
        let (text, ends, lines) = (String::new(), Vec::new(), Vec::new());
        let mut table = Self { columns: names.len(), text, ends, lines };
        let (mut row, mut last) = (ByteRecord::new(), None);
        loop {
            reader.get_mut().left = MAX_ROW_BYTES;
            let more = reader.read_byte_record(&mut row);
            let line = row.position().map_or(0, csv::Position::line) + lag;
            if !more.map_err(|error| row_error(path, line, error))? {
                break;
            }
            table.push(&row, &places, line);
            last = row.position().map(|start| (start.byte(), line));
        }
        match last {
            None => Err(DataError::layout(path, "it has no rows")),
            Some((start, line)) if format.quotes => {
                let file = &mut reader.get_mut().file;
                let open = leaves_quote_open(file, start);
                if open.map_err(|source| DataError::io(path, source))? {
                    let reason = format!("line {line}: a quote has no end: {QUOTE_HINT}");
                    return Err(DataError::layout(path, reason));
                }
                Ok(table)
            }
            Some(_) => Ok(table),
        }
    }

    fn push(&mut self, row: &ByteRecord, places: &[usize], line: u64) {
        for place in places {
            let cell = String::from_utf8_lossy(row.get(*place).unwrap_or_default());
            self.text.push_str(cell.trim());
            self.ends.push(self.text.len());
        }
        self.lines.push(line);
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A cell's text without white space around it; `column` counts the names given.
    pub(super) fn cell(&self, row: usize, column: usize) -> &str {
        let cell = row * self.columns + column;
        let start = if cell == 0 { 0 } else { self.ends[cell - 1] };
        &self.text[start..self.ends[cell]]
    }

    /// The line on which a row starts, counted from 1.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }
}

/// Where in the header each name is.
fn places(header: &ByteRecord, names: &[&str]) -> Result<Vec<usize>, String> {
    let columns = || header.iter().map(String::from_utf8_lossy);
    let place = |name: &&str| {
        let mut found = columns().enumerate().filter(|(_, column)| column == name);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            (Some(_), Some(_)) => Err(format!("it has two columns `{name}`: rename one")),
            (None, _) => {
                let known: Vec<_> =
                    columns().take(LISTED).map(|column| format!("`{column}`")).collect();
                let known = known.join(", ");
                let remedy = "name one of these, or set csv_separator if they run together";
                Err(format!("it has no column `{name}`, but {known}: {remedy}"))
            }
        }
    };
    names.iter().map(place).collect()
}

/// Whether the last row, which starts here, has several lines and an odd number of quotes. A lone quote
/// within one line is a plain character to csv.
fn leaves_quote_open(file: &mut File, start: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(start))?;
    let mut row = Vec::new();
    file.take(2 * MAX_ROW_BYTES).read_to_end(&mut row)?;
    let row = row.trim_ascii();
    Ok(row.contains(&b'\n') && row.iter().filter(|byte| **byte == b'"').count() % 2 == 1)
}

fn row_error(path: &Path, line: u64, error: csv::Error) -> DataError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) if source.kind() == io::ErrorKind::FileTooLarge => {
            let reason = format!(
                "line {line}: the row has more than {MAX_ROW_BYTES} bytes; if a quote has no end, \
                 {QUOTE_HINT}"
            );
            DataError::layout(path, reason)
        }
        csv::ErrorKind::Io(source) => DataError::io(path, source),
        other => DataError::layout(path, format!("line {line}: {other:?}")),
    }
}

/// A file that fails once so many bytes were read without a new row.
struct RowLimit {
    file: File,
    left: u64,
}

impl Read for RowLimit {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], separator: u8, quotes: bool) -> Result<Table, DataError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Table::read(file.path(), Format { separator, quotes }, &["b", "a"])
    }

    fn cells(bytes: &[u8], separator: u8, quotes: bool) -> Vec<(u64, String, String)> {
        let table = read(bytes, separator, quotes).unwrap();
        let cell = |row, column| table.cell(row, column).to_owned();
        (0..table.len()).map(|row| (table.line(row), cell(row, 0), cell(row, 1))).collect()
    }

    fn row(line: u64, b: &str, a: &str) -> (u64, String, String) {
        (line, b.to_owned(), a.to_owned())
    }

    #[test]
    fn quotes_byte_order_marks_and_line_ends_are_understood() {
        let bytes = b"\xef\xbb\xbfa, b ,c\r\n1,\"x, \"\"y\"\"\r\nz\",\r\n2,y\r\n";
        assert_eq!(cells(bytes, b',', true), [row(2, "x, \"y\"\r\nz", "1"), row(4, "y", "2")]);
        assert_eq!(cells(b"a\tb\n1\t\"x\n", b'\t', false), [row(2, "\"x", "1")]);
        assert_eq!(cells(b"a,b\r\n1,5\" pipe\r\n", b',', true), [row(2, "5\" pipe", "1")]);
    }

    #[test]
    fn short_rows_and_foreign_bytes_leave_cells_to_complain_about() {
        let bytes = b"a;b\n1\n2;caf\xe9;more\n";
        assert_eq!(cells(bytes, b';', true), [row(2, "", "1"), row(3, "caf\u{fffd}", "2")]);
    }

    #[test]
    fn what_is_no_table_is_explained() {
        let mut long = b"a,b\n1,2\n3,\"".to_vec();
        long.resize(3 << 20, b'x');
        let cases: [(&[u8], &str); 6] = [
            (b"a,c,d\n1,2,3\n", "no column `b`, but `a`, `c`, `d`: name one of these"),
            (b"a,b,b\n1,2,3\n", "two columns `b`"),
            (b"a,b\n", "it has no rows"),
            (b"", "no column `b`"),
            (b"a,b\n1,2\n3,\"4\n5,6\n", "line 3: a quote has no end"),
            (&long, "line 3: the row has more than 1048576 bytes"),
        ];
        for (bytes, part) in cases {
            let message = read(bytes, b',', true).err().unwrap().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
