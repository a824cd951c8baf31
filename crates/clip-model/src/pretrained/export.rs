//! A model as other libraries load it.

use std::path::Path;

use serde_json::{Value, json};

use super::{Pretrained, PretrainedError};
use crate::WeightsError;
use crate::weights::{atomically, save_hugging_face, save_safetensors};

impl Pretrained {
    /// Saves the model as open_clip's own folders have it: `open_clip_config.json` and
    /// `open_clip_model.safetensors`, which `open_clip.create_model("local-dir:FOLDER")` loads. Each
    /// file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// When open_clip has no such model, or the folder cannot be written.
    pub fn save_open_clip(&self, folder: &Path) -> Result<(), PretrainedError> {
        let config = json!({
            "model_cfg": self.config.to_open_clip()?,
            "preprocess_cfg": self.transform,
        });
        create(folder)?;
        self.copy_tokenizer(folder)?;
        save_safetensors(&self.model, &self.config, &folder.join("open_clip_model.safetensors"))?;
        write_json(&folder.join("open_clip_config.json"), &config)
    }

    /// Saves the model as transformers' `CLIPModel` or `SiglipModel` has it: `config.json`,
    /// `preprocessor_config.json` and `model.safetensors`. Each file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// When transformers has no such model (a ModifiedResNet, layer scale, ...), or the folder
    /// cannot be written.
    pub fn save_hugging_face(&self, folder: &Path) -> Result<(), PretrainedError> {
        let config = self.config.to_hugging_face()?;
        let transform = self.transform.to_hugging_face().map_err(|error| WeightsError::Export {
            path: folder.into(),
            reason: error.to_string(),
        })?;
        create(folder)?;
        self.copy_tokenizer(folder)?;
        save_hugging_face(&self.model, &self.config, &folder.join("model.safetensors"))?;
        write_json(&folder.join("preprocessor_config.json"), &transform)?;
        write_json(&folder.join("config.json"), &config)
    }
}

impl Pretrained {
    /// Copies a tokenizer that came as a file, unless the folder is where it came from.
    fn copy_tokenizer(&self, folder: &Path) -> Result<(), WeightsError> {
        let Some(source) = self.tokenizer.as_ref().and_then(|tokenizer| tokenizer.file()) else {
            return Ok(());
        };
        let config = source.with_file_name("tokenizer_config.json");
        for (from, name) in [(source, "tokenizer.json"), (&config, "tokenizer_config.json")] {
            let to = folder.join(name);
            let same = from.canonicalize().ok() == to.canonicalize().ok();
            if from.is_file() && !same {
                atomically(&to, |partial| std::fs::copy(from, partial).map(|_| ()))?;
            }
        }
        Ok(())
    }
}

fn create(folder: &Path) -> Result<(), WeightsError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| WeightsError::Io { path: folder.into(), source })
}

fn write_json(path: &Path, value: &Value) -> Result<(), PretrainedError> {
    let text = format!("{value:#}\n");
    Ok(atomically(path, |partial| std::fs::write(partial, &text))?)
}
