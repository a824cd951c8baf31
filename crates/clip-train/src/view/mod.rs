//! What a person sees while a run goes on.

mod bar;
#[cfg(feature = "tui")]
mod dashboard;
mod lines;

use std::io::IsTerminal;

use burn::train::Interrupter;

use crate::TrainError;
use crate::report::StepMetrics;
use bar::Bar;
use lines::Lines;

/// A place where a run's progress is shown.
pub trait View {
    /// A step is done.
    fn step(&mut self, metrics: &StepMetrics);

    /// Something a person should know now.
    fn note(&mut self, text: &str);

    /// Ends the show and gives the terminal back.
    fn close(self: Box<Self>);
}

/// How progress is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A bar on a terminal, a line now and then elsewhere.
    Progress,
    /// Burn's dashboard, on a terminal and where the feature `tui` is on.
    Dashboard,
}

/// Whether this build can show progress so.
///
/// # Errors
///
/// When the dashboard is asked for and not compiled in.
pub fn available(show: Show) -> Result<(), TrainError> {
    match show == Show::Dashboard && cfg!(not(feature = "tui")) {
        true => Err(TrainError::Setting(
            "the dashboard is not compiled in; build with `--features tui`".into(),
        )),
        false => Ok(()),
    }
}

/// The view for this output, of a run of `steps` steps that has done `done`.
///
/// # Errors
///
/// When the dashboard is asked for and not compiled in.
pub fn view(
    show: Show,
    done: u64,
    steps: u64,
    interrupter: &Interrupter,
) -> Result<Box<dyn View>, TrainError> {
    match (show, std::io::stdout().is_terminal()) {
        (Show::Dashboard, true) => dashboard(done, steps, interrupter),
        (_, true) => Ok(Box::new(Bar::new(done, steps))),
        (_, false) => Ok(Box::new(Lines::new(done, steps))),
    }
}

#[cfg(feature = "tui")]
fn dashboard(
    done: u64,
    steps: u64,
    interrupter: &Interrupter,
) -> Result<Box<dyn View>, TrainError> {
    Ok(Box::new(dashboard::Dashboard::new(done, steps, interrupter.clone())))
}

#[cfg(not(feature = "tui"))]
fn dashboard(done: u64, steps: u64, _: &Interrupter) -> Result<Box<dyn View>, TrainError> {
    available(Show::Dashboard)?;
    Ok(Box::new(Bar::new(done, steps)))
}

/// The numbers of a step in one line.
fn summary(metrics: &StepMetrics) -> String {
    let StepMetrics { loss, logit_scale, lr, pairs_per_second, .. } = metrics;
    format!("loss {loss:.3}  scale {logit_scale:.1}  lr {lr:.2e}  {pairs_per_second:.0} pairs/s")
}
