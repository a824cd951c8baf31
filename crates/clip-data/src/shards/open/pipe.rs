//! The output of a shell command.

mod process;

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::process::Process;
use super::source::ShardBytes;

/// Bytes read from a command at a time: what a pipe holds.
const CHUNK: usize = 1 << 16;

/// Chunks that wait to be taken: half a megabyte.
const QUEUE: usize = 8;

/// How much of what a command says of its failure is kept: its end.
const MAX_COMPLAINT: usize = 1 << 10;

/// How long the rest of a command's complaint is waited for after it has ended.
const COMPLAINT_WAIT: Duration = Duration::from_secs(1);

/// The output of a command, with an error at its end if the command failed.
///
/// The command and what it has started end when this is dropped.
pub(super) struct Pipe {
    process: Process,
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    complaint: Complaint,
    timeout: Duration,
    ended: bool,
}

impl Pipe {
    /// Runs a command by `sh -c`; it fails when it gives nothing for as long as `timeout`.
    pub fn start(command: &str, timeout: Duration) -> io::Result<Self> {
        let (process, output, errors) = Process::start(command)?;
        let (sender, chunks) = mpsc::sync_channel(QUEUE);
        thread::Builder::new()
            .name("shard pipe".to_owned())
            .spawn(move || pump(output, &sender))?;
        let complaint = Complaint::gather(errors)?;
        let chunk = io::Cursor::default();
        Ok(Self { process, chunks, chunk, complaint, timeout, ended: false })
    }

    /// The next chunk; empty at the end of a command that did well.
    fn next_chunk(&mut self) -> io::Result<Vec<u8>> {
        match self.chunks.recv_timeout(self.timeout) {
            Ok(chunk) => chunk,
            Err(RecvTimeoutError::Disconnected) => self.status().map(|()| Vec::new()),
            Err(RecvTimeoutError::Timeout) => Err(self.stalled("gave nothing")),
        }
    }

    /// Waits for the command to end, and says how if not well.
    fn status(&mut self) -> io::Result<()> {
        match self.process.wait(self.timeout)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                let complaint = self.complaint.end();
                Err(io::Error::other(format!("the command ended with {status}{complaint}")))
            }
            None => Err(self.stalled("did not end")),
        }
    }

    fn stalled(&self, how: &str) -> io::Error {
        let (seconds, complaint) = (self.timeout.as_secs_f64(), self.complaint.so_far());
        let reason = format!("the command {how} for {seconds} seconds{complaint}");
        io::Error::new(io::ErrorKind::TimedOut, reason)
    }
}

impl ShardBytes for Pipe {}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.chunk.read(buffer)?;
        if count > 0 || buffer.is_empty() || self.ended {
            return Ok(count);
        }
        let chunk = self.next_chunk();
        self.ended = chunk.as_ref().map_or(true, Vec::is_empty);
        self.chunk = io::Cursor::new(chunk?);
        self.chunk.read(buffer)
    }
}

/// Passes a command's output on until it ends, which hanging up tells, or nobody wants it.
fn pump(mut output: impl Read, chunks: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let message = match output.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        if chunks.send(message).is_err() || failed {
            return;
        }
    }
}

/// The end of what a command writes to its standard error.
struct Complaint {
    text: Arc<Mutex<Vec<u8>>>,
    complete: Receiver<()>,
}

impl Complaint {
    fn gather(mut errors: impl Read + Send + 'static) -> io::Result<Self> {
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let (sender, complete) = mpsc::sync_channel(1);
        let gathered = text.clone();
        thread::Builder::new().name("shard pipe errors".to_owned()).spawn(move || {
            let mut chunk = [0; MAX_COMPLAINT];
            while let Ok(count @ 1..) = errors.read(&mut chunk) {
                let mut text = gathered.lock().unwrap_or_else(PoisonError::into_inner);
                text.extend_from_slice(&chunk[..count]);
                let surplus = text.len().saturating_sub(MAX_COMPLAINT);
                text.drain(..surplus);
            }
            let _ = sender.send(());
        })?;
        Ok(Self { text, complete })
    }

    /// All of it, behind a colon.
    fn end(&self) -> String {
        // A child that lives on may keep it open.
        let _ = self.complete.recv_timeout(COMPLAINT_WAIT);
        self.so_far()
    }

    fn so_far(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        match String::from_utf8_lossy(&text).trim() {
            "" => String::new(),
            text => format!(": {text}"),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    const SOON: Duration = Duration::from_millis(200);
    const LATE: Duration = Duration::from_secs(20);

    fn output(command: &str, timeout: Duration) -> (Vec<u8>, Result<usize, String>) {
        let mut bytes = Vec::new();
        let mut pipe = Pipe::start(command, timeout).unwrap();
        let outcome = pipe.read_to_end(&mut bytes).map_err(|error| error.to_string());
        assert_eq!(pipe.read(&mut [0; 9]).unwrap(), 0, "a failure is told once");
        (bytes, outcome)
    }

    #[test]
    fn the_whole_output_of_a_command_arrives() {
        let (bytes, outcome) = output("head -c 3000000 /dev/zero; echo end", LATE);
        assert_eq!(outcome, Ok(3_000_004));
        assert!(bytes.ends_with(b"\0end\n"));
    }

    #[test]
    fn a_failing_command_is_told_with_the_end_of_what_it_said() {
        let command = "echo data; yes complaint | head -n 9999 >&2; echo in the end >&2; exit 3";
        let (bytes, outcome) = output(command, LATE);
        let message = outcome.unwrap_err();
        assert_eq!(bytes, b"data\n");
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.ends_with("in the end") && message.len() < 1200, "{message}");
        let (_, outcome) = output("kill -9 $$", LATE);
        assert!(outcome.unwrap_err().contains("signal: 9"));
    }

    #[test]
    fn a_silent_command_is_given_up_and_ended() {
        let start = Instant::now();
        let (bytes, outcome) = output("echo data; sleep 60 & wait", SOON);
        let message = outcome.unwrap_err();
        assert!(
            bytes == b"data\n" && message.contains("gave nothing for 0.2 seconds"),
            "{message}"
        );
        let (_, outcome) = output("exec >&-; sleep 60", SOON);
        assert!(outcome.unwrap_err().contains("did not end"));
        assert!(start.elapsed() < LATE);
    }

    #[test]
    fn a_command_ends_with_all_it_has_started_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let alive = folder.path().join("alive");
        let touching = format!("while sleep 0.02; do touch '{}'; done", alive.display());
        let mut pipe = Pipe::start(&format!("({touching}) & yes"), LATE).unwrap();
        pipe.read_exact(&mut [0; 9]).unwrap();
        wait_for(|| alive.exists());
        drop(pipe);
        wait_for(|| !comes_back(&alive));
    }

    fn comes_back(file: &Path) -> bool {
        let _ = std::fs::remove_file(file);
        thread::sleep(SOON);
        file.exists()
    }

    fn wait_for(mut condition: impl FnMut() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < LATE);
            thread::sleep(Duration::from_millis(5));
        }
    }
}
