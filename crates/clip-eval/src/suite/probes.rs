//! Fitted probes, kept on disk.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};

use super::benchmark::MeasureError;
use super::features::name_of;
use super::{FeatureError, read_npy, write_npy};
use crate::LinearProbe;

/// A folder of one model's probes, by what they were fitted to.
pub struct ProbeStore {
    folder: PathBuf,
}

impl ProbeStore {
    /// Probes in `folder`, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The probe that is there under a name for images with these labels, or the one that `fit`
    /// gives, which is kept: a file of `[width + 1, columns]`, the bias below the weights.
    ///
    /// # Errors
    ///
    /// Those of `fit`, and when it can't be kept.
    pub fn get(
        &self,
        name: &str,
        labels: &[usize],
        device: &Device,
        fit: impl FnOnce() -> Result<Option<LinearProbe>, MeasureError>,
    ) -> Result<Option<LinearProbe>, MeasureError> {
        let path = self.folder.join(name_of(name, labels));
        let is_whole = |kept: Tensor<2>| kept.dims()[0] > 1;
        if !read_npy(&path, device).is_ok_and(is_whole) {
            let Some(LinearProbe { weights, bias }) = fit()? else { return Ok(None) };
            write_npy(&path, &Tensor::cat(vec![weights, bias], 0)).map_err(FeatureError::from)?;
        }
        // As a run that goes on will read it, to the last digit.
        let kept = read_npy(&path, device).map_err(FeatureError::from)?;
        let width = kept.dims()[0] - 1;
        let weights = kept.clone().narrow(0, 0, width);
        Ok(Some(LinearProbe { weights, bias: kept.narrow(0, width, 1) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_fitted_once_to_the_same_labels() {
        let folder = tempfile::tempdir().unwrap();
        let store = ProbeStore::new(folder.path());
        let device = Device::flex();
        let get = |labels: &[usize]| {
            let mut fitted = false;
            let fit = || {
                fitted = true;
                let weights = Tensor::from_data([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device);
                Ok(Some(LinearProbe { weights, bias: Tensor::from_data([[7.0, 8.0]], &device) }))
            };
            let probe = store.get("cats", labels, &device, fit).unwrap().unwrap();
            assert_eq!((probe.weights.dims(), probe.bias.dims()), ([3, 2], [1, 2]));
            let bias: Vec<f32> = probe.bias.into_data().iter().collect();
            assert_eq!(bias, [7.0, 8.0]);
            fitted
        };
        assert!(get(&[0, 1]) && !get(&[0, 1]) && get(&[1, 1]) && !get(&[0, 1]));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::write(file.unwrap().path(), "half a fi").unwrap();
        }
        assert!(get(&[0, 1]) && !get(&[0, 1]));
        assert!(store.get("dogs", &[0], &device, || Ok(None)).unwrap().is_none());
    }
}
