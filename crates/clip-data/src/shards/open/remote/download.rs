//! One object, byte after byte, over as many connections as it takes.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta};
use tokio::time::{sleep, timeout};

use super::Network;
use super::failure::Failure;
use super::store::Object;
use crate::shards::open::options::Patience;
use crate::shards::open::source::ShardBytes;

/// An object as it arrives.
pub(super) struct Download {
    network: Arc<Network>,
    object: Object,
    patience: Patience,
    /// What is read, once the server has told.
    meta: Option<ObjectMeta>,
    /// How many bytes have arrived.
    position: u64,
    /// What has arrived and isn't read.
    chunk: Bytes,
    answer: Option<Answer>,
    /// Whether the server may send parts of objects.
    sends_parts: bool,
}

/// What the server is sending.
struct Answer {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    /// How many bytes are left in it that have arrived before.
    known: u64,
}

impl Download {
    /// Connects when the first byte is read.
    pub fn new(network: Arc<Network>, object: Object, patience: Patience) -> Self {
        Self {
            network,
            object,
            patience,
            meta: None,
            position: 0,
            chunk: Bytes::new(),
            answer: None,
            sends_parts: true,
        }
    }

    /// The size of the whole object. What has to be received for it is kept.
    pub fn size(&mut self) -> io::Result<u64> {
        if self.meta.is_none() {
            self.receive()?;
        }
        Ok(self.meta.as_ref().map_or(0, |meta| meta.size))
    }

    /// Receives another chunk; an empty one is the end.
    fn receive(&mut self) -> io::Result<()> {
        let network = self.network.clone();
        self.chunk = network.wait_for(self.persist())?;
        Ok(())
    }

    /// Tries again as long as it may help.
    async fn persist(&mut self) -> Result<Bytes, Failure> {
        let mut failures = 0;
        loop {
            let failure = match self.next_chunk().await {
                Ok(chunk) => return Ok(chunk),
                Err(failure) => failure,
            };
            self.answer = None;
            failures += 1;
            if !failure.passing {
                return Err(failure);
            }
            if failures > self.patience.retries {
                let reason = failure.reason;
                return Err(Failure::lasting(format!(
                    "{reason} (tried {failures} times in a row)"
                )));
            }
            sleep(self.patience.wait_after(failures)).await;
        }
    }

    async fn next_chunk(&mut self) -> Result<Bytes, Failure> {
        if self.is_complete() {
            return Ok(Bytes::new());
        }
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => self.ask().await?,
        };
        while let Some(chunk) = self.within_patience(answer.stream.next()).await? {
            let mut chunk = chunk?;
            let known = answer.known.min(chunk.len() as u64);
            answer.known -= known;
            let new = chunk.split_off(known as usize);
            if !new.is_empty() {
                self.position += new.len() as u64;
                self.answer = Some(answer);
                return Ok(new);
            }
        }
        if self.is_complete() {
            return Ok(Bytes::new());
        }
        Err(Failure::passing(format!("the connection broke after {} bytes", self.position)))
    }

    fn is_complete(&self) -> bool {
        self.meta.as_ref().is_some_and(|meta| self.position >= meta.size)
    }

    /// Asks for what hasn't arrived.
    async fn ask(&mut self) -> Result<Answer, Failure> {
        let part = GetOptions {
            range: (self.position > 0 && self.sends_parts)
                .then_some(GetRange::Offset(self.position)),
            if_match: self.strong_tag(),
            ..GetOptions::default()
        };
        let is_part = part.range.is_some();
        let result = match self.get(part).await? {
            Err(object_store::Error::NotSupported { .. }) if is_part => {
                self.sends_parts = false;
                self.get(GetOptions::default()).await?
            }
            result => result,
        }?;
        self.check(&result.meta)?;
        let known = self.position.saturating_sub(result.range.start);
        Ok(Answer { stream: result.into_stream(), known })
    }

    async fn get(&self, options: GetOptions) -> Result<object_store::Result<GetResult>, Failure> {
        self.within_patience(self.object.store.get_opts(&self.object.path, options)).await
    }

    async fn within_patience<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        timeout(self.patience.timeout, work).await.map_err(|_| {
            let seconds = self.patience.timeout.as_secs_f64();
            Failure::passing(format!("the server sent nothing for {seconds} seconds"))
        })
    }

    /// Whether the server still has the same object; before the first byte, any will do.
    fn check(&mut self, found: &ObjectMeta) -> Result<(), Failure> {
        match &self.meta {
            Some(known) if self.position > 0 && !is_same(known, found) => Err(Failure::changed()),
            _ => {
                self.meta = Some(found.clone());
                Ok(())
            }
        }
    }

    /// The object's tag, where the server vouches for every byte of it.
    fn strong_tag(&self) -> Option<String> {
        let tag = self.meta.as_ref()?.e_tag.clone()?;
        (self.position > 0 && !tag.starts_with("W/")).then_some(tag)
    }
}

impl ShardBytes for Download {
    fn pass_over(&mut self, bytes: u64) -> io::Result<()> {
        // What has arrived but isn't read counts as well.
        let there = self.chunk.len() as u64;
        if bytes <= there {
            self.chunk.advance(bytes as usize);
            return Ok(());
        }
        self.position += bytes - there;
        (self.chunk, self.answer) = (Bytes::new(), None);
        Ok(())
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && !buffer.is_empty() {
            self.receive()?;
        }
        let count = buffer.len().min(self.chunk.len());
        buffer[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}

/// By tag, or by time where there is none. Either may be missing, the time as zero.
fn is_same(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    let same = match (&one.e_tag, &other.e_tag) {
        (Some(one), Some(other)) => one == other,
        _ => {
            let times = [one, other].map(|meta| meta.last_modified.timestamp());
            times.contains(&0) || times[0] == times[1]
        }
    };
    same && one.size == other.size
}
