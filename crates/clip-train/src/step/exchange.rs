use std::sync::mpsc::{Receiver, Sender, channel};

use burn::tensor::{Device, Tensor};

/// A rank ended before the step did; its own error tells why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rank of the training step ended early")]
pub struct RankLost;

/// How the ranks of a training step hand each other features.
///
/// All ranks call the same operations in the same order. None of them runs inside autodiff, and a
/// rank that ends wakes those that wait for it, so that nothing can deadlock.
pub struct Exchange {
    rank: usize,
    device: Device,
    to: Vec<Sender<Tensor<2>>>,
    from: Vec<Receiver<Tensor<2>>>,
}

impl Exchange {
    /// The exchange of a rank that is alone.
    pub fn alone(device: &Device) -> Self {
        Self { rank: 0, device: device.clone(), to: Vec::new(), from: Vec::new() }
    }

    /// The exchanges of ranks that live in threads of this process, one a device; a device may
    /// have several.
    pub fn among(devices: &[Device]) -> Vec<Self> {
        if let [device] = devices {
            return vec![Self::alone(device)];
        }
        let mut ranks: Vec<Self> = devices.iter().map(Self::alone).collect();
        for (rank, exchange) in ranks.iter_mut().enumerate() {
            exchange.rank = rank;
        }
        for sender in 0..devices.len() {
            for receiver in 0..devices.len() {
                let (to, from) = channel();
                ranks[sender].to.push(to);
                ranks[receiver].from.push(from);
            }
        }
        ranks
    }

    /// The number of this rank.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many ranks there are.
    pub fn ranks(&self) -> usize {
        self.to.len().max(1)
    }

    /// Gives the r-th part to rank r, and returns what each rank gave this one.
    ///
    /// # Errors
    ///
    /// [`RankLost`] when a rank has ended.
    pub fn all_to_all(&self, parts: Vec<Tensor<2>>) -> Result<Vec<Tensor<2>>, RankLost> {
        if self.to.is_empty() {
            return Ok(parts);
        }
        for (to, part) in self.to.iter().zip(parts) {
            to.send(part).map_err(|_| RankLost)?;
        }
        let receive = |from: &Receiver<Tensor<2>>| from.recv().map_err(|_| RankLost);
        let parts = self.from.iter().map(receive);
        parts.map(|part| Ok(part?.to_device(&self.device))).collect()
    }

    /// Gives a tensor to all ranks, and returns that of each.
    ///
    /// # Errors
    ///
    /// [`RankLost`] when a rank has ended.
    pub fn gather(&self, part: Tensor<2>) -> Result<Vec<Tensor<2>>, RankLost> {
        self.all_to_all(vec![part; self.ranks()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensors: Vec<Tensor<2>>) -> Vec<f32> {
        tensors.into_iter().flat_map(|x| x.into_data().iter::<f32>().collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_rank_gets_what_every_rank_gave_it() {
        let device = Device::flex();
        let number = |value: usize| Tensor::<2>::full([1, 1], value as f64, &device);
        let ranks = Exchange::among(&[device.clone(), device.clone(), device.clone()]);
        let work = |exchange: Exchange| {
            let rank = exchange.rank();
            let parts = (0..3).map(|to| number(10 * rank + to)).collect();
            let given = numbers(exchange.all_to_all(parts).unwrap());
            (given, numbers(exchange.gather(number(rank)).unwrap()))
        };
        let found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                ranks.into_iter().map(|rank| scope.spawn(|| work(rank))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (rank, (given, gathered)) in found.into_iter().enumerate() {
            let rank = rank as f32;
            assert_eq!(given, [rank, 10.0 + rank, 20.0 + rank]);
            assert_eq!(gathered, [0.0, 1.0, 2.0]);
        }
    }

    #[test]
    fn a_rank_that_ends_wakes_the_others() {
        let device = Device::flex();
        let mut ranks = Exchange::among(&[device.clone(), device.clone()]);
        drop(ranks.pop());
        let lost = ranks[0].gather(Tensor::zeros([1, 1], &device));
        assert_eq!(lost.err(), Some(RankLost));
    }
}
