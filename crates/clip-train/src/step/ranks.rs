use std::ops::Range;
use std::thread;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use clip_model::Clip;

use super::sum::GradientSum;
use super::{Exchange, Objective, Pairs, RankLost, StepOptions, TeacherFeatures, batch_gradients};

/// [`batch_gradients`] with the batch spread over ranks, one thread and one replica of the
/// model each.
///
/// `devices` holds the device of each rank; the first is that of `model`, where the gradients of
/// all are added up. A device may be named several times. The running statistics of a
/// ModifiedResNet are those of the first rank, as in PyTorch's `DistributedDataParallel`.
///
/// # Errors
///
/// [`RankLost`] when a rank has ended early, or there is none.
pub fn gradients_over_ranks(
    model: &Clip,
    batch: &Pairs,
    objective: &Objective,
    options: StepOptions,
    devices: &[Device],
) -> Result<(Tensor<1>, GradientsParams), RankLost> {
    let [home, others @ ..] = devices else { return Err(RankLost) };
    if others.is_empty() {
        return batch_gradients(model, batch, objective, options, &Exchange::alone(home));
    }
    let parts = even_parts(batch.len(), devices.len());
    let mut ranks = Exchange::among(devices).into_iter().zip(devices).zip(parts);
    let first = ranks.next();
    thread::scope(|scope| {
        let threads: Vec<_> = ranks
            .map(|((exchange, device), range)| {
                // Without autodiff first: clones would share the running statistics.
                let replica = model.valid().fork(device).train();
                let part = batch.part(range.clone()).to_device(&device.clone().autodiff());
                let objective = objective.part(range, device);
                let work = move || {
                    let step = batch_gradients(&replica, &part, &objective, options, &exchange);
                    step.map(|(_, gradients)| (gradients, replica))
                };
                scope.spawn(work)
            })
            .collect();
        let ((exchange, device), range) = first.ok_or(RankLost)?;
        let (part, objective) = (batch.part(range.clone()), objective.part(range, device));
        let own = batch_gradients(model, &part, &objective, options, &exchange);
        drop(exchange); // wakes ranks that wait, should this one have failed
        // All are joined before anything else: a thread that panicked would end the scope by a panic.
        let others: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        let (loss, gradients) = own?;
        let mut sum = GradientSum::default();
        sum.add(model, gradients);
        for other in others {
            let (gradients, replica) = other.map_err(|_| RankLost)??;
            sum.add(model, gradients.to_device(home, &replica));
        }
        Ok((loss, sum.into_gradients()))
    })
}

/// `0..len` in consecutive parts whose sizes differ by one at most.
fn even_parts(len: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).map(move |part| part * len / parts..(part + 1) * len / parts)
}

impl Objective {
    /// The objective for some of the pairs.
    fn part(&self, range: Range<usize>, device: &Device) -> Self {
        let teacher = self.teacher.as_ref().map(|teacher| TeacherFeatures {
            images: teacher.images.clone().slice([range.clone()]).to_device(device),
            texts: teacher.texts.clone().slice([range]).to_device(device),
            logit_scale: teacher.logit_scale.clone().to_device(device),
        });
        Self { teacher, ..*self }
    }
}
