//! Pairs that a table names.

mod table;

use std::path::{Path, PathBuf};

use table::{Format, Table};

use super::file::read_file;
use super::source::past_the_end;
use super::{PairImage, PairOptions, PairSource};
use crate::{
    CaptionField, CaptionFilter, Captions, Cause, DataError, Fault, FieldTexts, RawPair, Threshold,
};

/// The columns of the table: the image's first, then the captions'.
const IMAGE: usize = 0;
const FIRST_CAPTION: usize = 1;

/// Rows of a `.csv` or `.tsv` file with a header: the path of an image and its captions.
///
/// Paths are relative to the file's folder, or absolute. Every row is a pair. Rows without an image
/// or a caption are faults when they are asked for, as are those that aren't UTF-8. Pairs of the
/// same image share it as their concept, unless a column says what the concept is.
///
/// Only what is used of the table is kept in memory; images are read when asked for.
pub struct CsvPairs {
    folder: PathBuf,
    name: String,
    table: Table,
    captions: Vec<CaptionField>,
    /// The concept's column.
    concept: usize,
    /// The conditions' first column.
    thresholds: usize,
    filter: CaptionFilter,
}

impl CsvPairs {
    /// Reads the table; the columns that the options and the filter's conditions name must be there.
    ///
    /// # Errors
    ///
    /// When an option is impossible, the file can't be read, it has no rows, a column isn't there
    /// or is twice, or a quote isn't closed.
    pub fn open(
        path: impl AsRef<Path>,
        options: &PairOptions,
        filter: &CaptionFilter,
    ) -> Result<Self, DataError> {
        let path = path.as_ref();
        if let Some(problem) = options.problem() {
            return Err(DataError::layout(path, problem));
        }
        let captions = options.csv_caption_keys.clone();
        let mut columns = vec![options.csv_img_key.as_str()];
        columns.extend(captions.iter().map(|field| field.field.as_str()));
        let concept = options.csv_concept_key.as_deref().map_or(IMAGE, |key| {
            columns.push(key);
            columns.len() - 1
        });
        let thresholds = columns.len();
        columns.extend(filter.thresholds.iter().map(Threshold::field));
        let separator = options.csv_separator.unwrap_or_else(|| usual_separator(path));
        // One byte: `problem` has seen to that.
        let format = Format { separator: separator as u8, quotes: options.csv_quotes };
        Ok(Self {
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            name: path.to_string_lossy().into_owned(),
            table: Table::read(path, format, &columns)?,
            captions,
            concept,
            thresholds,
            filter: filter.clone(),
        })
    }

    fn check_numbers(&self, row: usize) -> Result<(), String> {
        let mut columns = (self.thresholds..).zip(&self.filter.thresholds);
        columns
            .try_for_each(|(column, threshold)| threshold.check_text(self.table.cell(row, column)))
    }

    fn captions(&self, row: usize) -> Result<Captions, (Cause, String)> {
        let mut found = Vec::new();
        for (column, field) in (FIRST_CAPTION..).zip(&self.captions) {
            let text = self.table.cell(row, column);
            if !text.is_empty() && field.weight > 0.0 {
                found.push(FieldTexts { weight: field.weight, texts: vec![text.to_owned()] });
            }
        }
        if found.is_empty() {
            let names: Vec<_> = self.captions.iter().map(|field| field.field.as_str()).collect();
            let reason = format!("it has no caption in {}", names.join(", "));
            return Err((Cause::NoCaption, reason));
        }
        if found.iter().flat_map(|field| &field.texts).any(|text| is_garbled(text)) {
            return Err((Cause::NoCaption, garbled("caption")));
        }
        self.filter.keep(Captions::Weighted(found)).map_err(|reason| (Cause::Filtered, reason))
    }

    fn image(&self, row: usize) -> Result<Vec<u8>, (Cause, String)> {
        let image = self.table.cell(row, IMAGE);
        if image.is_empty() {
            return Err((Cause::NoImage, "it names no image".to_owned()));
        }
        if is_garbled(image) {
            return Err((Cause::NoImage, garbled("image's path")));
        }
        read_file(&self.folder.join(image), Cause::NoImage)
    }

    fn pair(&self, row: usize) -> Result<RawPair, (Cause, String)> {
        self.check_numbers(row).map_err(|reason| (Cause::Filtered, reason))?;
        let captions = self.captions(row)?;
        let image = PairImage::Encoded(self.image(row)?);
        let key = self.table.cell(row, IMAGE).to_owned();
        let concept =
            Some(self.table.cell(row, self.concept)).filter(|concept| !concept.is_empty());
        Ok(RawPair { key, image, captions, concept: concept.map(str::to_owned) })
    }
}

impl PairSource for CsvPairs {
    fn len(&self) -> usize {
        self.table.len()
    }

    fn get(&self, index: usize) -> Result<RawPair, Fault> {
        if index >= self.len() {
            return Err(past_the_end(self, index));
        }
        self.pair(index).map_err(|(cause, reason)| Fault {
            cause,
            shard: self.name.clone(),
            key: self.table.cell(index, IMAGE).to_owned(),
            reason: format!("line {}: {reason}", self.table.line(index)),
        })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A tab for `.tsv`, a comma for all else.
fn usual_separator(path: &Path) -> char {
    let is_tsv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
    if is_tsv { '\t' } else { ',' }
}

fn is_garbled(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

fn garbled(what: &str) -> String {
    format!("its {what} is not UTF-8, or was garbled (U+FFFD) before: convert the file to UTF-8")
}

#[cfg(test)]
mod tests;
