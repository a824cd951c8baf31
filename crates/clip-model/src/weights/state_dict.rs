//! Named tensors in a file, mapped one at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::element::{Element, convert};
use super::mapped::Values;
use super::naming::Naming;
use super::{index, safetensors_file, torch};
use crate::WeightsError;

/// The format of a weights file, recognised from its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// safetensors, one file or several with an index.
    Safetensors,
    /// `torch.save`, in a zip archive or in the format before PyTorch 1.6.
    Torch,
    /// `torch.jit.save`: the archives that OpenAI released.
    TorchScript,
}

/// The tensors of a checkpoint. Opening reads names and shapes; values are read when asked for.
///
/// Each tensor's part of the file is mapped by itself while it is copied, so that memory holds one
/// tensor beside the model. As with every map, the file must not be shortened meanwhile, and its
/// disk must not fail: the system ends a process that reads what isn't there.
#[derive(Debug)]
pub struct StateDict {
    format: Format,
    path: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
    files: Vec<File>,
}

/// A tensor in a file.
#[derive(Clone, Debug)]
pub struct StoredTensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its number format.
    pub element: Element,
    /// Which of the files holds it.
    pub(super) file: usize,
    /// Where its storage begins, in bytes.
    pub(super) start: u64,
    /// Elements of the storage.
    pub(super) storage_len: usize,
    /// Where it begins within its storage, in elements.
    pub(super) offset: usize,
    /// Elements to the next index of each axis; `None` for row-major.
    pub(super) strides: Option<Vec<usize>>,
}

/// What a reader of one format finds.
pub(super) struct Found {
    pub format: Format,
    pub tensors: BTreeMap<String, StoredTensor>,
    pub files: Vec<File>,
}

impl StateDict {
    /// Opens a weights file, whatever its name: safetensors (or the index of a sharded one),
    /// `torch.save` or OpenAI's TorchScript archives.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is none of these, or is damaged. Nothing in a file is
    /// executed; a few megabytes of memory suffice for any real file, some hundred for one that is
    /// made to take much.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let Found { format, mut tensors, files } = read(path)?;
        tensors = unprefixed(tensors);
        let mut bytes = 0u64;
        for (name, tensor) in &tensors {
            tensor.check().map_err(|reason| WeightsError::Tensor {
                path: path.into(),
                name: name.clone(),
                reason,
            })?;
            bytes = bytes.saturating_add((tensor.len() * tensor.element.size()) as u64);
        }
        let mut on_disk = 0u64;
        for file in &files {
            let io = |source| WeightsError::Io { path: path.into(), source };
            on_disk = on_disk.saturating_add(file.metadata().map_err(io)?.len());
        }
        // Tensors may share values, but a small file must not stand for a large model.
        if bytes > on_disk.saturating_mul(2) {
            let reason = format!("its tensors hold {bytes} bytes, the file {on_disk}");
            return Err(WeightsError::Damaged { path: path.into(), reason });
        }
        Ok(Self { format, path: path.into(), tensors, files })
    }

    /// The format that was found.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the tensors have transformers' names rather than open_clip's.
    pub fn is_hugging_face(&self) -> bool {
        Naming::of(self.names()) != Naming::OpenClip
    }

    /// The file that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Shape and format of a tensor.
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.tensors.get(name)
    }

    /// The values of a tensor, row-major and little-endian, in its own format.
    ///
    /// # Errors
    ///
    /// When there is no such tensor, or the file cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, WeightsError> {
        Ok(self.values(name)?.into_vec())
    }

    /// The same, without a copy where the file has them in row-major order.
    pub(super) fn values(&self, name: &str) -> Result<Values, WeightsError> {
        let fail = |reason: String| WeightsError::Tensor {
            path: self.path.clone(),
            name: name.into(),
            reason,
        };
        let tensor = self.get(name).ok_or_else(|| fail("it is missing".into()))?;
        let io = |source| WeightsError::Io { path: self.path.clone(), source };
        let size = tensor.element.size();
        let extent = tensor.extent().ok_or_else(|| fail("its size overflows".into()))?;
        let start = tensor.start + (tensor.offset * size) as u64;
        let stored = Values::map(&self.files[tensor.file], start, extent * size).map_err(io)?;
        let Some(strides) = &tensor.strides else { return Ok(stored) };
        let at = |index: usize| strided(index, &tensor.shape, strides);
        let positions = (0..tensor.len()).map(at);
        convert(&stored, tensor.element, tensor.element, positions)
            .map(Values::Gathered)
            .ok_or_else(|| fail("its strides lead outside its storage".into()))
    }
}

impl StoredTensor {
    /// Number of elements; valid once [`check`](Self::check) has passed.
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Elements from its first to its last, both included.
    fn extent(&self) -> Option<usize> {
        let len = self.shape.iter().try_fold(1usize, |len, side| len.checked_mul(*side))?;
        match &self.strides {
            _ if len == 0 => Some(0),
            None => Some(len),
            Some(strides) => {
                let last =
                    self.shape.iter().zip(strides).try_fold(0usize, |last, (side, stride)| {
                        last.checked_add((side - 1).checked_mul(*stride)?)
                    })?;
                last.checked_add(1)
            }
        }
    }

    /// What is wrong with its sizes, if anything.
    fn check(&self) -> Result<(), String> {
        let shape = &self.shape;
        let extent = self.extent().ok_or_else(|| format!("its shape {shape:?} overflows"))?;
        let end = extent.checked_add(self.offset);
        if end.is_none_or(|end| end > self.storage_len) {
            let (storage, offset) = (self.storage_len, self.offset);
            return Err(format!(
                "its shape {shape:?} from {offset} exceeds its {storage} stored elements"
            ));
        }
        // An axis of stride 0 repeats values, so that a short file would stand for much memory.
        if self.len() > extent {
            return Err(format!("its shape {shape:?} repeats {extent} stored elements"));
        }
        Ok(())
    }

    /// Strides of the row-major layout are dropped.
    pub(super) fn with_strides(mut self, strides: Vec<usize>) -> Self {
        let mut expected = 1usize;
        let row_major = self.shape.iter().zip(&strides).rev().all(|(side, stride)| {
            let same = *stride == expected || *side == 1;
            expected = expected.saturating_mul(*side);
            same
        });
        self.strides = (!row_major).then_some(strides);
        self
    }
}

/// The stored position of the `index`-th element in row-major order.
fn strided(mut index: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut position = 0;
    for (side, stride) in shape.iter().zip(strides).rev() {
        position += index % side * stride;
        index /= side;
    }
    position
}

/// Prefixes of whole checkpoints: from distributed training and from `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

fn unprefixed(mut tensors: BTreeMap<String, StoredTensor>) -> BTreeMap<String, StoredTensor> {
    let wrapper = |tensors: &BTreeMap<String, StoredTensor>| {
        WRAPPERS.into_iter().find(|prefix| tensors.keys().all(|name| name.starts_with(prefix)))
    };
    while let Some(prefix) = wrapper(&tensors).filter(|_| !tensors.is_empty()) {
        let strip = |(name, tensor): (String, StoredTensor)| (name[prefix.len()..].into(), tensor);
        tensors = tensors.into_iter().map(strip).collect();
    }
    tensors
}

/// The first bytes of a file, by which its format is known.
const MAGIC_BYTES: usize = 64;

fn read(path: &Path) -> Result<Found, WeightsError> {
    let io = |source| WeightsError::Io { path: path.into(), source };
    let mut file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.is_dir() {
        let reason = "it is a folder: give the file in it".into();
        return Err(WeightsError::Unrecognised { path: path.into(), reason });
    }
    let mut start = Vec::with_capacity(MAGIC_BYTES);
    file.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut start).map_err(io)?;
    match &start[..] {
        [b'P', b'K', 3, 4, ..] => torch::read_zip(path, file),
        // Before pickles: a header of 640 bytes begins as one does.
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => safetensors_file::read(path, file),
        [0x80, 2..=5, ..] => torch::read_legacy(path, file),
        [b'{', ..] => index::read(path, file),
        other => Err(unrecognised(path, other)),
    }
}

fn unrecognised(path: &Path, start: &[u8]) -> WeightsError {
    let reason = match start {
        [] => "it is empty".into(),
        _ if start.starts_with(b"version https://git-lfs") => {
            "it is a Git LFS pointer: fetch the file itself with `git lfs pull`".into()
        }
        _ if start.starts_with(b"<") => "it is a web page: the download went wrong".into(),
        _ => format!("it begins with {:02x?}", &start[..start.len().min(8)]),
    };
    WeightsError::Unrecognised { path: path.into(), reason }
}
