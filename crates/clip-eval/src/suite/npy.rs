//! NumPy's files of one array (NEP 1), here of two dimensions.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use thiserror::Error;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Why an array can't be read or written.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file can't be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file can't be written.
    #[error("cannot write {path}: {source}: check that there is space and that it may be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{path} is not features: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What was found, and what was expected.
        reason: String,
    },
}

/// The features of a `.npy` file, `[images, width]`, as f32: little-endian f32 or f64, row by row.
///
/// # Errors
///
/// When the file can't be read, or holds something else.
pub fn read_npy(path: impl AsRef<Path>, device: &Device) -> Result<Tensor<2>, NpyError> {
    let path = path.as_ref();
    let bytes =
        fs::read(path).map_err(|source| NpyError::Read { path: path.to_owned(), source })?;
    let (values, shape) =
        parse(&bytes).map_err(|reason| NpyError::Content { path: path.to_owned(), reason })?;
    Ok(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Writes features, `[images, width]`, as f32; the file is whole or not there.
///
/// # Errors
///
/// When it can't be written.
pub fn write_npy(path: impl AsRef<Path>, features: &Tensor<2>) -> Result<(), NpyError> {
    let path = path.as_ref();
    let [images, width] = features.dims();
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({images}, {width}), }}");
    // Magic, version and length take 10 bytes; data starts at a multiple of 64.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let values = features.to_data();
    let values = values.iter::<f32>().flat_map(f32::to_le_bytes);
    let mut bytes = [MAGIC, &[1, 0], &(length as u16).to_le_bytes()].concat();
    bytes.extend(format!("{header:<width$}\n", width = length - 1).into_bytes());
    bytes.extend(values);
    write_whole(path, &bytes).map_err(|source| NpyError::Write { path: path.to_owned(), source })
}

/// Writes a file that appears at once, with the folders above it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn parse(bytes: &[u8]) -> Result<(Vec<f32>, [usize; 2]), String> {
    let cut_off = || "it is cut off".to_owned();
    if !bytes.starts_with(MAGIC) {
        return Err("it is no .npy file".into());
    }
    let (start, length) = match bytes.get(6).ok_or_else(cut_off)? {
        1 => (10, bytes.get(8..10).map(|x| usize::from(u16::from_le_bytes([x[0], x[1]])))),
        _ => (12, bytes.get(8..12).map(|x| u32::from_le_bytes([x[0], x[1], x[2], x[3]]) as usize)),
    };
    let data = start + length.ok_or_else(cut_off)?;
    let header = String::from_utf8_lossy(bytes.get(start..data).ok_or_else(cut_off)?);
    let field = |name: &str| {
        let (_, rest) = header.split_once(&format!("'{name}':"))?;
        Some(rest.trim_start())
    };
    if !field("fortran_order").is_some_and(|value| value.starts_with("False")) {
        return Err("its array is column by column: save it in C order".into());
    }
    let shape = field("shape").and_then(|value| value.strip_prefix('(')?.split_once(')'));
    let shape: Result<Vec<usize>, _> = shape
        .map_or("", |(dims, _)| dims)
        .split(',')
        .map(str::trim)
        .filter(|dim| !dim.is_empty())
        .map(str::parse)
        .collect();
    let shape = shape.ok().and_then(|dims| <[usize; 2]>::try_from(dims).ok());
    let shape = shape.ok_or("its array has not two dimensions, images and width")?;
    let data = &bytes[data..];
    let values: Vec<f32> = match field("descr").unwrap_or_default() {
        kind if kind.starts_with("'<f4'") => {
            data.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect()
        }
        kind if kind.starts_with("'<f8'") => {
            data.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x) as f32).collect()
        }
        _ => return Err("its numbers are neither little-endian f32 nor f64".into()),
    };
    match shape[0].checked_mul(shape[1]) == Some(values.len()) {
        true => Ok((values, shape)),
        false => Err(format!("its header says {shape:?}, and {} numbers follow", values.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.npy");
        let features =
            Tensor::<2>::from_data([[1.0, -2.5, 3e-9], [4.0, 5.0, f32::MAX]], &Device::flex());
        write_npy(&path, &features).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), 128 + 24);
        let read = read_npy(&path, &Device::flex()).unwrap();
        assert_eq!(read.into_data(), features.into_data());
    }

    /// As NumPy 2.5 writes them: `np.save(file, np.array([[1.5], [2.0]]))` and the like.
    #[test]
    fn files_of_numpy_are_read_and_others_are_told() {
        let file = |header: &str, data: &[u8]| {
            let header = format!("{header:<117}\n");
            [MAGIC, &[1, 0, 118, 0], header.as_bytes(), data].concat()
        };
        let two: Vec<u8> = [1.5f64, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let f64s = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }";
        assert_eq!(parse(&file(f64s, &two)).unwrap(), (vec![1.5, 2.0], [2, 1]));
        for (bytes, problem) in [
            (file(f64s, &two[..8]), "its header says [2, 1], and 1 numbers follow"),
            (file(&f64s.replace("False", "True"), &two), "save it in C order"),
            (file(&f64s.replace("(2, 1)", "(2,)"), &two), "not two dimensions"),
            (file(&f64s.replace("<f8", "<i8"), &two), "neither little-endian"),
            (file(f64s, &two)[..40].to_vec(), "cut off"),
            (b"PK".to_vec(), "no .npy file"),
        ] {
            let error = parse(&bytes).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
