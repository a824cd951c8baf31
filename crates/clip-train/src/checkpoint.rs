//! Everything that a run needs to go on as if it had never stopped.

use std::fs::File;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use clip_data::LoaderState;
use clip_model::{Clip, ClipConfig};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::files::{create_folder, read_text, write_atomically};

const MODEL: &str = "model.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const STATE: &str = "state.json";
const CONFIG: &str = "model.json";

/// The part of a checkpoint that is not tensors.
///
/// Learning rate, order of the data and augmentation are functions of these numbers and the
/// run's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps whose update was left out because it was not finite.
    pub skipped: u64,
    /// Position in the data after the last step.
    pub loader: LoaderState,
    /// Version of this crate.
    pub version: String,
}

/// The checkpoints of a run, one folder each, named by step.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

impl Checkpoints {
    /// Checkpoints in `folder`, of which the newest `keep` are kept.
    pub fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep: keep.max(1) }
    }

    /// Saves a checkpoint; it appears whole or not at all, and older ones are left until then.
    ///
    /// # Errors
    ///
    /// When something cannot be written; earlier checkpoints are intact.
    pub fn save(
        &self,
        model: &Clip,
        optimizer: &ModuleOptimizer,
        config: &ClipConfig,
        progress: &Progress,
    ) -> Result<(), TrainError> {
        let path = self.folder.join(name(progress.step));
        if is_complete(&path) {
            return Ok(()); // a resumed run that has taken no step yet
        }
        let partial = path.with_added_extension("partial");
        let saved = self.fill(&partial, model, optimizer, config, progress).and_then(|()| {
            remove_if_there(&path)?;
            std::fs::rename(&partial, &path)
                .map_err(|error| TrainError::file("write", &path, error))
        });
        if saved.is_err() {
            remove_if_there(&partial)?;
        }
        saved?;
        self.prune()
    }

    fn fill(
        &self,
        folder: &Path,
        model: &Clip,
        optimizer: &ModuleOptimizer,
        config: &ClipConfig,
        progress: &Progress,
    ) -> Result<(), TrainError> {
        remove_if_there(folder)?;
        create_folder(folder)?;
        let path = folder.join(MODEL);
        let record = model.valid().into_record();
        record.save(&path).map_err(|error| TrainError::file("write", &path, error))?;
        synchronize(&path)?;
        let path = folder.join(OPTIMIZER);
        optimizer.save(&path).map_err(|error| TrainError::file("write", &path, error))?;
        synchronize(&path)?;
        write_json(&folder.join(CONFIG), config)?;
        write_json(&folder.join(STATE), progress)
    }

    /// The newest complete checkpoint, if there is one.
    pub fn latest(&self) -> Option<Checkpoint> {
        self.complete().pop().map(|path| Checkpoint { path })
    }

    /// Complete checkpoints, oldest first.
    fn complete(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> =
            entries.map(|entry| entry.path()).filter(|path| is_complete(path)).collect();
        paths.sort(); // names are padded, so this is the order of steps
        paths
    }

    fn prune(&self) -> Result<(), TrainError> {
        let complete = self.complete();
        let old = complete.len().saturating_sub(self.keep);
        complete[..old].iter().try_for_each(|path| remove_if_there(path))
    }
}

/// One complete checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
}

impl Checkpoint {
    /// The configuration of the model that was saved.
    ///
    /// # Errors
    ///
    /// When its file cannot be read or is not valid.
    pub fn config(&self) -> Result<ClipConfig, TrainError> {
        Ok(ClipConfig::load(&self.path.join(CONFIG))?)
    }

    /// Where the run was.
    ///
    /// # Errors
    ///
    /// When its file cannot be read or is not valid.
    pub fn progress(&self) -> Result<Progress, TrainError> {
        let path = self.path.join(STATE);
        serde_json::from_str(&read_text(&path)?)
            .map_err(|error| TrainError::file("read", path, error))
    }

    /// Fills a model of the saved configuration.
    ///
    /// # Errors
    ///
    /// When the file is damaged or of another model.
    pub fn load_model(&self, model: Clip) -> Result<Clip, TrainError> {
        let path = self.path.join(MODEL);
        let record =
            ModuleRecord::load(&path).map_err(|error| TrainError::file("read", &path, error))?;
        model.try_load_record(record).map_err(|error| TrainError::file("read", &path, error))
    }

    /// Fills an optimizer; the model must have been loaded from the same checkpoint, because the
    /// state is matched by the identities of its parameters.
    ///
    /// # Errors
    ///
    /// When the file is damaged.
    pub fn load_optimizer(
        &self,
        optimizer: ModuleOptimizer,
    ) -> Result<ModuleOptimizer, TrainError> {
        let path = self.path.join(OPTIMIZER);
        optimizer.load(&path).map_err(|error| TrainError::file("read", path, error))
    }

    /// The checkpoint's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn name(step: u64) -> String {
    format!("step-{step:09}")
}

/// The state is written last and the folder named only then.
fn is_complete(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| !name.to_string_lossy().ends_with(".partial"));
    named && path.join(STATE).is_file()
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TrainError> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| TrainError::file("write", path, error))?;
    write_atomically(path, json.as_bytes())
}

/// Waits until a file is on the disk: the rename must not overtake its contents.
fn synchronize(path: &Path) -> Result<(), TrainError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| TrainError::file("write", path, error))
}

fn remove_if_there(folder: &Path) -> Result<(), TrainError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::file("remove", folder, error))
        }
        _ => Ok(()),
    }
}
