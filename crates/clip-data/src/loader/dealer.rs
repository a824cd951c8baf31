//! The thread that numbers the samples and deals them to the decoders in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::item::{Place, Raw, Work};
use super::plan::Order;
use super::window::{Filled, Stopped, Window};
use super::{LoaderConfig, LoaderState, WindowStart};

/// Deals samples to the decoders.
pub(super) struct Dealer {
    pub config: Arc<LoaderConfig>,
    /// Where to begin: earlier samples of its window are read, for the order depends on them, but
    /// not sent.
    pub start: LoaderState,
    pub stop: Arc<AtomicBool>,
    pub decoders: Vec<SyncSender<Work>>,
    /// Items sent in all: the decoders take turns.
    pub sent: usize,
}

impl Dealer {
    /// Deals what is read from shards, until either side hangs up.
    pub(super) fn deal_windows(mut self, windows: Receiver<Filled>) {
        for filled in windows {
            let sent = match filled {
                Filled::Window(window) => self.deal_window(window),
                Filled::EpochEnd => self.send(Work::EpochEnd),
                Filled::Failed(error) => self.send(Work::Failed(error)),
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn deal_window(&mut self, window: Window) -> Result<(), Stopped> {
        let Window { epoch, start, samples } = window;
        for (index, sample) in (start.index..).zip(samples) {
            let place = Place { epoch, index, window: start };
            if !self.wanted(place) {
                continue;
            }
            self.send(match sample {
                Ok(sample) => Work::Sample(place, Raw::Sample(sample)),
                Err(fault) => Work::Fault(place, fault),
            })?;
        }
        Ok(())
    }

    /// Deals the indices of so many pairs, epoch after epoch.
    pub(super) fn deal_indices(mut self, pairs: u64) {
        let (mut epoch, mut from) = (self.start.epoch, self.start.window.index);
        while self.deal_epoch(epoch, from, pairs).is_ok() {
            epoch += 1;
            from = 0;
        }
    }

    fn deal_epoch(&mut self, epoch: u64, from: u64, pairs: u64) -> Result<(), Stopped> {
        let mut numbers = Order::new(&self.config).numbers(epoch, pairs);
        let end = self.config.epoch_length().unwrap_or(u64::MAX);
        for index in from..end {
            let Some(number) = numbers.get(index) else { break };
            let place =
                Place { epoch, index, window: WindowStart { index, draw: index, offset: 0 } };
            if self.wanted(place) {
                self.send(Work::Sample(place, Raw::Index(number as usize)))?;
            }
        }
        self.send(Work::EpochEnd)
    }

    /// Whether a resumed run still needs this sample.
    fn wanted(&self, place: Place) -> bool {
        place.epoch != self.start.epoch
            || place.index >= self.start.next_index
            || self.start.deferred.binary_search(&place.index).is_ok()
    }

    fn send(&mut self, work: Work) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        let decoder = self.sent % self.decoders.len();
        self.sent += 1;
        self.decoders[decoder].send(work).map_err(|_| Stopped)
    }
}
