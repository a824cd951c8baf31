//! MATLAB's files of level 5, in which several data sets keep their labels ("MAT-File Format",
//! MathWorks 2019).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::ZlibDecoder;
use thiserror::Error;

use crate::DataError;

/// Bytes before the first variable.
const HEADER: usize = 128;

/// No variable unpacks to more.
const MAX_UNPACKED: u64 = 1 << 32;

/// Variables and fields within each other.
const MAX_DEPTH: usize = 16;

/// A variable, or what one holds. Arrays are column by column, as MATLAB has them.
#[derive(Clone, Debug, PartialEq)]
pub enum MatValue {
    /// Unsigned bytes.
    Bytes {
        /// The lengths, of which the first runs fastest.
        dims: Vec<usize>,
        /// The elements.
        values: Vec<u8>,
    },
    /// Other numbers.
    Numbers {
        /// The lengths, of which the first runs fastest.
        dims: Vec<usize>,
        /// The elements.
        values: Vec<f64>,
    },
    /// Characters.
    Text(String),
    /// A cell array.
    Cells(Vec<MatValue>),
    /// An array of structures.
    Structs(Vec<BTreeMap<String, MatValue>>),
}

impl MatValue {
    /// The numbers of an array, in the order of the file.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::Bytes { values, .. } => {
                Some(values.iter().map(|value| f64::from(*value)).collect())
            }
            Self::Numbers { values, .. } => Some(values.clone()),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Why a file is not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MatError {
    /// It does not start as such a file does.
    #[error("it is no MATLAB file of level 5 in little-endian order")]
    NoMat,
    /// It ends within a variable.
    #[error("it ends within a variable: get it again")]
    Truncated,
    /// A compressed variable can't be unpacked.
    #[error("a variable can't be unpacked: get it again")]
    Compression,
    /// A variable holds something else than arrays of numbers and characters, cells and structures.
    #[error("a variable has class {0}, which is not read here")]
    Class(u8),
    /// Numbers are stored in a way that there is not.
    #[error("numbers are of type {0}, which there is not")]
    Type(u32),
    /// Sizes that contradict each other.
    #[error("the sizes of a variable contradict each other")]
    Sizes,
}

/// The variables of a MATLAB file, by name.
///
/// # Errors
///
/// When the file can't be read or is not understood.
pub fn read_mat(path: impl AsRef<Path>) -> Result<BTreeMap<String, MatValue>, DataError> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|source| DataError::io(path, source))?;
    parse(&bytes).map_err(|error| DataError::layout(path, error.to_string()))
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<String, MatValue>, MatError> {
    if bytes.len() < HEADER || &bytes[126..HEADER] != b"IM" {
        return Err(MatError::NoMat);
    }
    let mut variables = BTreeMap::new();
    let mut rest = Bytes(&bytes[HEADER..]);
    while !rest.0.is_empty() {
        let (kind, data) = rest.element()?;
        let named = match kind {
            COMPRESSED => {
                let mut unpacked = Vec::new();
                let mut zlib = ZlibDecoder::new(data).take(MAX_UNPACKED);
                zlib.read_to_end(&mut unpacked).map_err(|_| MatError::Compression)?;
                match Bytes(&unpacked).element()? {
                    (MATRIX, data) => Some(matrix(data, 0)?),
                    _ => None,
                }
            }
            MATRIX => Some(matrix(data, 0)?),
            _ => None,
        };
        variables.extend(named);
    }
    Ok(variables)
}

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], MatError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(MatError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, MatError> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| MatError::Truncated)?))
    }

    /// The next element's type and data.
    fn element(&mut self) -> Result<(u32, &'a [u8]), MatError> {
        let tag = self.u32()?;
        // A small element has its size in the upper half, and its data in the place of the size.
        if tag >> 16 != 0 {
            let data = self.take(4)?;
            let data = data.get(..(tag >> 16) as usize).ok_or(MatError::Sizes)?;
            return Ok((tag & 0xffff, data));
        }
        let size = self.u32()? as usize;
        let data = self.take(size)?;
        if tag != COMPRESSED {
            let padding = (8 - size % 8) % 8;
            self.take(padding.min(self.0.len()))?;
        }
        Ok((tag, data))
    }
}

/// A variable's name and value.
fn matrix(data: &[u8], depth: usize) -> Result<(String, MatValue), MatError> {
    let mut data = Bytes(data);
    if data.0.is_empty() {
        return Ok((String::new(), MatValue::Numbers { dims: vec![0, 0], values: Vec::new() }));
    }
    if depth > MAX_DEPTH {
        return Err(MatError::Sizes);
    }
    let (_, flags) = data.element()?;
    let class = *flags.first().ok_or(MatError::Truncated)?;
    let (kind, dims) = data.element()?;
    let dims: Vec<usize> = numbers(kind, dims)?.into_iter().map(|dim| dim as usize).collect();
    let count = dims.iter().try_fold(1usize, |count, dim| count.checked_mul(*dim));
    let count = count.ok_or(MatError::Sizes)?;
    let (_, name) = data.element()?;
    let name = String::from_utf8_lossy(name).into_owned();
    let value = match class {
        CELL => {
            let cells = (0..count).map(|_| Ok(matrix(data.element()?.1, depth + 1)?.1));
            MatValue::Cells(cells.collect::<Result<_, MatError>>()?)
        }
        STRUCT => MatValue::Structs(structs(&mut data, count, depth)?),
        CHAR => {
            let (kind, text) = data.element()?;
            MatValue::Text(characters(kind, text)?)
        }
        DOUBLE..=UINT64 => {
            let (kind, values) = data.element()?;
            let value = match (class, kind) {
                (UINT8, 2) => MatValue::Bytes { dims, values: values.to_vec() },
                _ => MatValue::Numbers { dims, values: numbers(kind, values)? },
            };
            let found = match &value {
                MatValue::Bytes { values, .. } => values.len(),
                MatValue::Numbers { values, .. } => values.len(),
                _ => count,
            };
            if found != count {
                return Err(MatError::Sizes);
            }
            value
        }
        class => return Err(MatError::Class(class)),
    };
    Ok((name, value))
}

const CELL: u8 = 1;
const STRUCT: u8 = 2;
const CHAR: u8 = 4;
const DOUBLE: u8 = 6;
const UINT8: u8 = 9;
const UINT64: u8 = 15;

fn structs(
    data: &mut Bytes<'_>,
    count: usize,
    depth: usize,
) -> Result<Vec<BTreeMap<String, MatValue>>, MatError> {
    let (kind, length) = data.element()?;
    let length = numbers(kind, length)?.first().map_or(0, |length| *length as usize);
    if length == 0 {
        return Err(MatError::Sizes);
    }
    let (_, names) = data.element()?;
    let names: Vec<String> = names
        .chunks(length)
        .map(|name| {
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            String::from_utf8_lossy(&name[..end]).into_owned()
        })
        .collect();
    let mut structs = Vec::new();
    for _ in 0..count {
        let mut fields = BTreeMap::new();
        for name in &names {
            fields.insert(name.clone(), matrix(data.element()?.1, depth + 1)?.1);
        }
        structs.push(fields);
    }
    Ok(structs)
}

fn characters(kind: u32, text: &[u8]) -> Result<String, MatError> {
    match kind {
        // As bytes or UTF-8.
        1 | 2 | 16 => Ok(String::from_utf8_lossy(text).into_owned()),
        // As UTF-16, or as 16-bit characters, which are no more than that.
        4 | 17 => {
            let units: Vec<u16> =
                text.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            Ok(String::from_utf16_lossy(&units))
        }
        kind => Err(MatError::Type(kind)),
    }
}

/// Numbers as they are stored: often in a shorter type than the array's own.
fn numbers(kind: u32, data: &[u8]) -> Result<Vec<f64>, MatError> {
    fn each<const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (chunks, _) = data.as_chunks::<N>();
        chunks.iter().map(|chunk| number(*chunk)).collect()
    }
    Ok(match kind {
        1 => each(data, |x: [u8; 1]| f64::from(i8::from_le_bytes(x))),
        2 => each(data, |x: [u8; 1]| f64::from(x[0])),
        3 => each(data, |x| f64::from(i16::from_le_bytes(x))),
        4 => each(data, |x| f64::from(u16::from_le_bytes(x))),
        5 => each(data, |x| f64::from(i32::from_le_bytes(x))),
        6 => each(data, |x| f64::from(u32::from_le_bytes(x))),
        7 => each(data, |x| f64::from(f32::from_le_bytes(x))),
        9 => each(data, f64::from_le_bytes),
        12 => each(data, |x| i64::from_le_bytes(x) as f64),
        13 => each(data, |x| u64::from_le_bytes(x) as f64),
        kind => return Err(MatError::Type(kind)),
    })
}

#[cfg(test)]
mod tests;
