//! How far a long run is: a bar on a terminal, a line per stage elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Tells on standard error how far a run is.
pub struct Progress {
    /// `None` where nobody watches.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar if standard error is a terminal.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{msg:40!} {bar:30} {pos}/{len} {percent}% {eta} left",
            );
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar }
    }

    /// Begins a stage of `steps` steps.
    pub fn stage(&self, what: &str, steps: usize) {
        match &self.bar {
            Some(bar) => {
                bar.reset();
                bar.set_length(steps as u64);
                bar.set_message(what.to_owned());
            }
            None if steps > 0 => eprintln!("{what}: {steps}"),
            None => eprintln!("{what}"),
        }
    }

    /// One step more.
    pub fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
