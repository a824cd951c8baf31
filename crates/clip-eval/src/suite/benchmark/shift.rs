use clip_data::LabelledImages;

use super::super::{Outcome, Row};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError, BenchmarkTask};
use crate::{Dataset, OpenError, Opened};

impl Benchmark<'_> {
    /// A probe that learned from `whole` names the classes that `dataset`, a shift of it, has, among those
    /// (paper, section 3.3; Taori et al. 2020).
    pub(super) fn under_shift(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
        test: &Opened,
        (whole, among): (&Dataset, &[usize]),
    ) -> Result<(), BenchmarkError> {
        if self.config.tasks.contains(&BenchmarkTask::FewShot) {
            self.absent(dataset, format!("no few-shot: {}", OpenError::NoTrain));
        }
        if !self.config.tasks.contains(&BenchmarkTask::LinearProbe) {
            return Ok(());
        }
        if test.names.len() != among.len() {
            let (found, expected) = (test.names.len(), among.len());
            self.absent(dataset, format!("no probe: it has {found} classes and not {expected}"));
            return Ok(());
        }
        let Some(train) = self.training_part(dataset, whole) else { return Ok(()) };
        let of = identity(&(train.images.labels(), test.images.labels()));
        self.kept(encoder, dataset, ("linear-probe", of), |benchmark| {
            let Some(on) = benchmark.classified(encoder, (dataset, "test"), test)? else {
                return Ok(None);
            };
            let probe = benchmark.probe(encoder, whole, &train, whole.classes)?;
            let Some(probe) = probe else { return Ok(None) };
            let predictions = probe.classify_among(among, on.features, &on.labels);
            let row = Row::of(&encoder.name, dataset, "linear_probe", &predictions, among.len());
            Ok(Some(Outcome::of(vec![row])))
        })?;
        Ok(())
    }
}
