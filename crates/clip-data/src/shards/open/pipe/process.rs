//! A shell command and what it starts.

use std::io;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long is waited for a command that was ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The longest time between two looks at a command that should have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A running shell command, which is ended when this is dropped.
pub(super) struct Process {
    child: Child,
    ended: bool,
}

impl Process {
    /// Runs a command by `sh -c`, without input.
    pub fn start(command: &str) -> io::Result<(Self, ChildStdout, ChildStderr)> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, for the shell's children are to end with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell.spawn()?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let process = Self { child, ended: false };
        match (output, errors) {
            (Some(output), Some(errors)) => Ok((process, output, errors)),
            _ => Err(io::Error::other("the command has no output")),
        }
    }

    /// How the command ended; `None` if it hasn't after so long.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(100);
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                return Ok(Some(status));
            }
            if start.elapsed() >= limit {
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (2 * pause).min(LOOK_AGAIN);
        }
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        }
        let _ = self.child.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it was waited for, its number may be another's.
        if !self.ended {
            self.kill();
            let _ = self.wait(LAST_WAIT);
        }
    }
}
