//! Everything that a run needs to go on as if it had never stopped.

use std::fs::File;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use clip_model::{Clip, ClipConfig};
use serde::Serialize;

use crate::files::{create_folder, read_text, write_atomically};
use crate::{CheckpointsConfig, ClipLearner, Progress, TrainError};

const MODEL: &str = "model.bpk";
const AVERAGE: &str = "average.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const STATE: &str = "state.json";
const CONFIG: &str = "model.json";
/// Ending of a folder that is being written or removed.
const PARTIAL: &str = "partial";

/// The checkpoints of a run, one folder each, named by step.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    config: CheckpointsConfig,
}

impl Checkpoints {
    /// Checkpoints in `folder`.
    pub fn new(folder: PathBuf, config: CheckpointsConfig) -> Self {
        Self { folder, config }
    }

    /// Saves a checkpoint; it appears whole or not at all, and older ones are left until then.
    ///
    /// # Errors
    ///
    /// When something cannot be written; earlier checkpoints are intact.
    pub fn save(
        &self,
        learner: &ClipLearner,
        config: &ClipConfig,
        progress: &Progress,
    ) -> Result<(), TrainError> {
        self.sweep()?;
        let path = self.folder.join(name(progress.step));
        if is_complete(&path) {
            return Ok(()); // a resumed run that has taken no step yet
        }
        let partial = path.with_added_extension(PARTIAL);
        let saved = self.fill(&partial, learner, config, progress).and_then(|()| {
            std::fs::rename(&partial, &path)
                .map_err(|error| TrainError::file("write", &path, error))
        });
        if saved.is_err() {
            remove_if_there(&partial)?;
        }
        saved?;
        self.prune(progress.best_step())
    }

    /// Removes what a process that was killed left half written or half removed.
    fn sweep(&self) -> Result<(), TrainError> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut partial = entries.map(|entry| entry.path()).filter(|path| !is_whole(path));
        partial.try_for_each(|path| remove_if_there(&path))
    }

    fn fill(
        &self,
        folder: &Path,
        learner: &ClipLearner,
        config: &ClipConfig,
        progress: &Progress,
    ) -> Result<(), TrainError> {
        create_folder(folder)?;
        save_model(learner.model.valid(), &folder.join(MODEL))?;
        if let Some(average) = &learner.average {
            save_model(average.model.clone(), &folder.join(AVERAGE))?;
        }
        let path = folder.join(OPTIMIZER);
        let saved = learner.optimizer.save(&path);
        saved.map_err(|error| TrainError::file("write", &path, error))?;
        synchronize(&path)?;
        write_json(&folder.join(CONFIG), config)?;
        write_json(&folder.join(STATE), progress)
    }

    /// The newest complete checkpoint, if there is one.
    pub fn latest(&self) -> Option<Checkpoint> {
        self.complete().pop().map(|path| Checkpoint { path })
    }

    /// The checkpoint of a step, if it is kept.
    pub fn at(&self, step: u64) -> Option<Checkpoint> {
        let path = self.folder.join(name(step));
        is_complete(&path).then_some(Checkpoint { path })
    }

    /// Complete checkpoints, oldest first.
    fn complete(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> =
            entries.map(|entry| entry.path()).filter(|path| is_complete(path)).collect();
        paths.sort(); // names are padded, so this is the order of steps
        paths
    }

    fn prune(&self, best: Option<u64>) -> Result<(), TrainError> {
        let complete = self.complete();
        let old = complete.len().saturating_sub(self.config.keep.max(1));
        let every = self.config.keep_every;
        let is_kept = |path: &Path| {
            let step = step_of(path);
            step == best || step.is_some_and(|step| every > 0 && step.is_multiple_of(every))
        };
        let mut old = complete[..old].iter().filter(|path| !is_kept(path));
        old.try_for_each(|path| retire(path))
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

    /// Fills a model of the saved configuration, which has adapters if the run trains some.
    ///
    /// # Errors
    ///
    /// When the file is damaged or of another model.
    pub fn load_model(&self, model: Clip) -> Result<Clip, TrainError> {
        self.load(model, MODEL)
    }

    /// Whether the weights' moving average was saved.
    pub fn has_average(&self) -> bool {
        self.path.join(AVERAGE).is_file()
    }

    /// Fills a model with the moving average.
    ///
    /// # Errors
    ///
    /// As [`load_model`](Self::load_model).
    pub fn load_average(&self, model: Clip) -> Result<Clip, TrainError> {
        self.load(model, AVERAGE)
    }

    fn load(&self, model: Clip, name: &str) -> Result<Clip, TrainError> {
        let path = self.path.join(name);
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

fn step_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()
}

fn save_model(model: Clip, path: &Path) -> Result<(), TrainError> {
    model.into_record().save(path).map_err(|error| TrainError::file("write", path, error))?;
    synchronize(path)
}

/// The state is written last and the folder named only then.
fn is_complete(path: &Path) -> bool {
    is_whole(path) && path.join(STATE).is_file()
}

/// Whether a folder is neither being written nor being removed.
fn is_whole(path: &Path) -> bool {
    path.extension().is_none_or(|extension| extension != PARTIAL)
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

/// Removes a checkpoint; it is gone whole before its first file is.
fn retire(path: &Path) -> Result<(), TrainError> {
    let partial = path.with_added_extension(PARTIAL);
    std::fs::rename(path, &partial).map_err(|error| TrainError::file("remove", path, error))?;
    remove_if_there(&partial)
}

fn remove_if_there(folder: &Path) -> Result<(), TrainError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::file("remove", folder, error))
        }
        _ => Ok(()),
    }
}
