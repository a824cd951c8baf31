use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::super::source::kind;
use super::*;
use crate::testing::{picture, png};

const PATHS: &str = "message m { required binary filepath (UTF8); optional binary title (UTF8);
    optional int64 width; repeated binary tags (UTF8); }";

const BYTES: &str =
    "message m { optional group image { optional binary bytes; } required binary title (UTF8); }";

/// A value of each row, `None` where it is null.
type Values<'a> = &'a [Option<&'a [u8]>];

/// A file whose byte columns hold these values in each of two row groups, the others nothing but
/// nulls.
fn file(schema: &str, columns: &[Values]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let options = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer =
        SerializedFileWriter::new(file.reopen().unwrap(), schema, Arc::new(options)).unwrap();
    for _ in 0..2 {
        let mut group = writer.next_row_group().unwrap();
        let (mut columns, rows) = (columns.iter(), columns[0].len());
        while let Some(mut column) = group.next_column().unwrap() {
            let (nulls, repeats) = (vec![0; rows], vec![0; rows]);
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(column)
                    if column.get_descriptor().max_rep_level() == 0 =>
                {
                    let values = columns.next().unwrap();
                    let there = column.get_descriptor().max_def_level();
                    let levels: Vec<_> = values
                        .iter()
                        .map(|value| if value.is_some() { there } else { 0 })
                        .collect();
                    let values: Vec<_> = values
                        .iter()
                        .flatten()
                        .map(|value| ByteArray::from(value.to_vec()))
                        .collect();
                    column.write_batch(&values, Some(&levels), None).unwrap();
                }
                ColumnWriter::ByteArrayColumnWriter(column) => {
                    column.write_batch(&[], Some(&nulls), Some(&repeats)).unwrap();
                }
                ColumnWriter::Int64ColumnWriter(column) => {
                    column.write_batch(&[], Some(&nulls), None).unwrap();
                }
                _ => unreachable!(),
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    file
}

fn options(image: &str) -> PackOptions {
    PackOptions { image_column: image.into(), ..PackOptions::default() }
}

/// Extension or cause of each row's image, and its caption.
fn rows(path: &Path, options: &PackOptions) -> Vec<(String, String)> {
    let entries = kind(path).unwrap().entries(path, options).unwrap();
    let row = |entry: Result<Entry, DataError>| {
        let sample = entry
            .and_then(|entry| entry.into_sample("k".into(), 1 << 20).map_err(DataError::Sample));
        match sample {
            Ok(sample) => {
                let caption = String::from_utf8(sample.members[1].1.clone()).unwrap();
                (sample.members[0].0.clone(), caption)
            }
            Err(DataError::Sample(fault)) => (fault.cause.to_string(), fault.key),
            Err(error) => ("error".to_owned(), error.to_string()),
        }
    };
    entries.map(row).collect()
}

#[test]
fn images_in_the_file_are_read_and_nulls_are_faults() {
    let image = png(&picture(0));
    let images = [Some(image.as_slice()), None, Some(b"no image".as_slice())];
    let file = file(BYTES, &[&images, &[Some(b"a"), Some(b"b"), Some(b"c")]]);
    let found = rows(file.path(), &options("image.bytes"));
    let group = |first: usize| {
        let row = |number: usize| format!("row {}", first + number);
        [
            ("png".to_owned(), "a".to_owned()),
            ("no image".to_owned(), row(1)),
            ("undecodable image".to_owned(), row(2)),
        ]
    };
    assert_eq!(found, [group(1), group(4)].concat());
}

#[test]
fn more_rows_than_are_read_at_a_time_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.png"), png(&picture(0))).unwrap();
    let captions: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    let titles: Vec<_> =
        captions.iter().map(|text| (text != "7").then_some(text.as_bytes())).collect();
    let paths = vec![Some(b"a.png".as_slice()); 200];
    let file = file(PATHS, &[&paths, &titles]);
    let options = PackOptions { root: Some(folder.path().to_owned()), ..options("filepath") };
    let found = rows(file.path(), &options);
    assert_eq!(found.len(), 400);
    assert_eq!(found[7], ("no caption".to_owned(), "row 8".to_owned()));
    for (number, (extension, caption)) in found[200..].iter().enumerate() {
        if number != 7 {
            assert_eq!((extension.as_str(), caption), ("png", &captions[number]));
        }
    }
}

#[test]
fn columns_that_are_not_there_or_hold_no_text_are_explained() {
    let file = file(PATHS, &[&[Some(b"a.png")], &[Some(b"a")]]);
    for (column, part) in [
        ("image", "no column `image`, but `filepath`, `title`, `width`, `tags`: name one"),
        ("width", "its column `width` holds INT64 or lists"),
        ("tags", "its column `tags` holds BYTE_ARRAY or lists"),
    ] {
        let opened = kind(file.path()).unwrap().entries(file.path(), &options(column));
        let message = opened.err().unwrap().to_string();
        assert!(message.contains(part) && message.contains(".parquet"), "{message}");
    }
}

#[test]
fn damaged_files_end_in_errors_and_never_in_a_panic() {
    let image = png(&picture(0));
    let whole = file(BYTES, &[&[Some(image.as_slice()); 3], &[Some(b"a"), Some(b"b"), Some(b"c")]]);
    let bytes = std::fs::read(whole.path()).unwrap();
    let damaged = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    let read = |bytes: &[u8]| {
        std::fs::write(damaged.path(), bytes).unwrap();
        let opened = kind(damaged.path()).unwrap().entries(damaged.path(), &options("image.bytes"));
        opened.map(|entries| entries.filter_map(Result::err).count())
    };
    for place in (0..bytes.len()).step_by(3) {
        for flip in [0x01, 0xff] {
            let mut bytes = bytes.clone();
            bytes[place] ^= flip;
            let _ = read(&bytes);
        }
    }
    for length in (0..bytes.len()).step_by(7) {
        assert!(read(&bytes[..length]).is_err(), "cut at {length}");
    }
}
