use std::path::{Path, PathBuf};

use clip_eval::Evaluation;

use crate::files::{create_folder, read_text, write_atomically};
use crate::{Checkpoints, TrainConfig, TrainError};

/// Where a run keeps what it makes; people script against these names.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder of a new run.
    ///
    /// # Errors
    ///
    /// When it cannot be written to, or holds a run already.
    pub fn create(path: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        let folder = Self { path: path.into() };
        // One that never took a step left nothing worth keeping.
        let logged = folder.metrics().metadata().is_ok_and(|file| file.len() > 0);
        let checkpoints = Checkpoints::new(folder.checkpoints(), config.checkpoints);
        if logged || checkpoints.latest().is_some() {
            return Err(TrainError::RunExists(path.into()));
        }
        create_folder(path)?;
        create_folder(&folder.checkpoints())?;
        config.save(&folder.config())?;
        Ok(folder)
    }

    /// The folder of a run that exists.
    pub fn open(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// The first of `runs/<name>-1`, `runs/<name>-2`, ... that is free, under `root`.
    pub fn next(root: &Path, name: &str) -> PathBuf {
        let numbered = |number: u32| root.join(format!("{name}-{number}"));
        (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| root.join(name))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's own name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Everything needed to repeat the run.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// One JSON object a step.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// One folder a checkpoint.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The model in open_clip's format.
    pub fn export(&self) -> PathBuf {
        self.path.join("export")
    }

    /// The model in transformers' format, where it has one.
    pub fn hugging_face_export(&self) -> PathBuf {
        self.path.join("export-hf")
    }

    /// TensorBoard's event files.
    pub fn events(&self) -> PathBuf {
        self.path.join("tensorboard")
    }

    /// The page for people.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Writes the results as `eval.json`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_evaluations(&self, evaluations: &[Evaluation]) -> Result<(), TrainError> {
        let path = self.evaluations();
        let json = serde_json::to_string_pretty(evaluations)
            .map_err(|error| TrainError::file("write", &path, error))?;
        write_atomically(&path, json.as_bytes())
    }

    /// The results in `eval.json`; none where there is no such file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not valid.
    pub fn read_evaluations(&self) -> Result<Vec<Evaluation>, TrainError> {
        let path = self.evaluations();
        if !path.exists() {
            return Ok(Vec::new());
        }
        serde_json::from_str(&read_text(&path)?)
            .map_err(|error| TrainError::file("read", path, error))
    }

    /// All results, an array of JSON objects.
    fn evaluations(&self) -> PathBuf {
        self.path.join("eval.json")
    }
}
