//! Rows of parquet files.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::PackOptions;
use super::entry::Entry;
use super::source::Rows;
use crate::{Cause, DataError};

/// Rows read at a time.
const BATCH: usize = 64;

/// How many columns a message lists.
const LISTED: usize = 20;

pub(super) struct Pages {
    file: SerializedFileReader<File>,
    rows: Rows,
    image: Column,
    caption: Column,
    /// The row group that is read next.
    group: usize,
    open: Option<[ColumnReaderImpl<ByteArrayType>; 2]>,
    /// Image and caption of the rows that were read and not yet given.
    batch: VecDeque<(Option<ByteArray>, Option<ByteArray>)>,
    /// Rows given.
    row: u64,
    done: bool,
}

impl Pages {
    pub(super) fn open(path: &Path, rows: Rows, options: &PackOptions) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::io(path, source))?;
        let file =
            caught(|| SerializedFileReader::new(file)).map_err(|error| broken(&rows, &error))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let column = |name: &str| {
            Column::find(schema, name).map_err(|reason| DataError::layout(path, reason))
        };
        let (image, caption) = (column(&options.image_column)?, column(&options.caption_column)?);
        let batch = VecDeque::new();
        Ok(Self { file, rows, image, caption, group: 0, open: None, batch, row: 0, done: false })
    }

    /// Reads more rows; none at the end of the file.
    fn fill(&mut self) -> Result<(), ParquetError> {
        while self.batch.is_empty() {
            let Some([images, captions]) = &mut self.open else {
                if self.group == self.file.num_row_groups() {
                    return Ok(());
                }
                let group = self.file.get_row_group(self.group)?;
                let open = |column: &Column| byte_arrays(group.get_column_reader(column.place)?);
                self.open = Some([open(&self.image)?, open(&self.caption)?]);
                self.group += 1;
                continue;
            };
            let (images, captions) =
                (read(images, self.image.levels)?, read(captions, self.caption.levels)?);
            if images.len() != captions.len() {
                let reason = "its columns have different numbers of rows";
                return Err(ParquetError::General(reason.to_owned()));
            }
            if images.is_empty() {
                self.open = None;
            }
            self.batch = images.into_iter().zip(captions).collect();
        }
        Ok(())
    }

    fn entry(
        &self,
        image: Option<ByteArray>,
        caption: Option<ByteArray>,
    ) -> Result<Entry, DataError> {
        let (row, rows) = (self.row, &self.rows);
        let text = |bytes: &ByteArray, cause| {
            let text = bytes.as_utf8().map(str::to_owned);
            text.map_err(|_| rows.fault(row, cause, "it isn't UTF-8"))
        };
        let Some(image) = image else {
            return Err(rows.fault(row, Cause::NoImage, "its image is null"));
        };
        let Some(caption) = caption else {
            return Err(rows.fault(row, Cause::NoCaption, "its caption is null"));
        };
        let caption = text(&caption, Cause::NoCaption)?;
        if self.image.is_text {
            rows.file(row, &text(&image, Cause::NoImage)?, &caption)
        } else {
            Ok(rows.bytes(row, image.data().to_vec(), &caption))
        }
    }
}

impl Iterator for Pages {
    type Item = Result<Entry, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if let Err(error) = caught(|| self.fill()) {
            self.done = true;
            return Some(Err(broken(&self.rows, &error)));
        }
        let (image, caption) = self.batch.pop_front()?;
        self.row += 1;
        Some(self.entry(image, caption))
    }
}

/// A column of strings or bytes, one a row.
struct Column {
    place: usize,
    /// The definition level of a value that is there.
    levels: i16,
    is_text: bool,
}

impl Column {
    /// The column with this path, groups and names joined by dots.
    fn find(schema: &SchemaDescriptor, name: &str) -> Result<Self, String> {
        let columns = schema.columns();
        let Some(place) = columns.iter().position(|column| column.path().string() == name) else {
            let known: Vec<_> = columns
                .iter()
                .take(LISTED)
                .map(|column| format!("`{}`", column.path().string()))
                .collect();
            let known = known.join(", ");
            return Err(format!("it has no column `{name}`, but {known}: name one of these"));
        };
        let column = &columns[place];
        if column.physical_type() != Type::BYTE_ARRAY || column.max_rep_level() > 0 {
            let kind = column.physical_type();
            return Err(format!(
                "its column `{name}` holds {kind} or lists: name one with a string or bytes a row"
            ));
        }
        Ok(Self { place, levels: column.max_def_level(), is_text: is_text(column) })
    }
}

fn is_text(column: &ColumnDescriptor) -> bool {
    matches!(column.logical_type_ref(), Some(LogicalType::String))
        || column.converted_type() == ConvertedType::UTF8
}

fn byte_arrays(reader: ColumnReader) -> Result<ColumnReaderImpl<ByteArrayType>, ParquetError> {
    match reader {
        ColumnReader::ByteArrayColumnReader(reader) => Ok(reader),
        _ => Err(ParquetError::General("a column has another type than its schema".to_owned())),
    }
}

/// The next rows of a column, `None` where it is null.
fn read(
    column: &mut ColumnReaderImpl<ByteArrayType>,
    levels: i16,
) -> Result<Vec<Option<ByteArray>>, ParquetError> {
    let (mut found, mut values) = (Vec::new(), Vec::new());
    let (rows, _, _) = column.read_records(BATCH, Some(&mut found), None, &mut values)?;
    if levels == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    let value = |level: &i16| if *level == levels { values.next() } else { None };
    Ok(found[..rows.min(found.len())].iter().map(value).collect())
}

/// What `read` gives, and an error where it panics, as the crate does at some damage to a file.
fn caught<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    // What is broken by a panic isn't used again: the file's rows end with an error.
    panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("the file is damaged".to_owned())))
}

fn broken(rows: &Rows, error: &ParquetError) -> DataError {
    let remedy = "only snappy and gzip compression are read; otherwise get the file again";
    DataError::layout(rows.place(), format!("{error}: {remedy}"))
}

#[cfg(test)]
mod tests;
