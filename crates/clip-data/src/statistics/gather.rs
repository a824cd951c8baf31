//! Threads that read the parts of a corpus.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::config::StatisticsConfig;
use super::gatherer::{Gatherer, Statistics};
use crate::{Fault, RawSample};

/// How many finished parts each thread may be ahead.
const AHEAD: usize = 2;

/// What has just been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A sample, usable or not.
    Sample,
    /// A whole part.
    Part,
}

/// Gathers the statistics of `parts` parts, which `open` opens by their numbers, on some threads.
///
/// `watch` is told of everything read, on any thread; once it breaks, it has to go on breaking, and
/// the result is `None`. The result doesn't depend on the number of threads.
pub fn gather<I>(
    parts: usize,
    open: impl Fn(usize) -> I + Sync,
    config: &StatisticsConfig,
    threads: NonZero<usize>,
    watch: impl Fn(Seen) -> ControlFlow<()> + Sync,
) -> Option<Statistics>
where
    I: Iterator<Item = Result<RawSample, Fault>>,
{
    let threads = threads.get().min(parts.max(1));
    let read = |part: usize| {
        let mut gatherer = Gatherer::new(config, part as u64);
        for sample in open(part) {
            gatherer.add(sample);
            if watch(Seen::Sample).is_break() {
                return None;
            }
        }
        Some(gatherer)
    };
    thread::scope(|scope| {
        // Thread t reads parts t, t + threads and so on, so that they can be merged in order.
        let readers: Vec<Receiver<Gatherer<'_>>> = (0..threads)
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                let read = &read;
                scope.spawn(move || {
                    for part in (first..parts).step_by(threads).map_while(read) {
                        if sender.send(part).is_err() {
                            break; // Another thread was told to stop.
                        }
                    }
                });
                receiver
            })
            .collect();
        let mut all = Gatherer::new(config, 0);
        for part in 0..parts {
            all.merge(readers[part % threads].recv().ok()?);
            if watch(Seen::Part).is_break() {
                return None;
            }
        }
        Some(all.finish())
    })
}
