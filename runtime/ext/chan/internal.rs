//! What `select!` expands to; not for use by hand.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

pub use crate::ext::chan::case::Case;
use crate::ext::chan::case::Selected;
use crate::ext::chan::errors::{RecvError, SendError};
use crate::ext::chan::patience::Patience;
use crate::ext::chan::receiver::Receiver;
use crate::ext::chan::select::Goal;
use crate::ext::chan::sender::Sender;
pub use crate::ext::chan::value_cell::ValueCell;

/// Room for what this receiver may get.
pub fn slot<T>(_receiver: &Receiver<T>) -> ValueCell<T> {
    ValueCell::empty()
}

/// A `recv` case.
pub fn recv_case<'a, T>(receiver: &'a Receiver<T>, slot: &'a ValueCell<T>) -> Case<'a> {
    Case::recv(receiver, Some(slot), 0)
}

/// A `send` case.
pub fn send_case<T>(sender: &Sender<T>) -> Case<'_> {
    Case::send(sender, 0)
}

/// Waits without end.
#[track_caller]
pub fn select<'a>(cases: &[Case<'a>], biased: bool) -> Picked<'a> {
    run(cases, Patience::Endless, biased)
}

/// Does not wait.
#[track_caller]
pub fn try_select<'a>(cases: &[Case<'a>], biased: bool) -> Picked<'a> {
    run(cases, Patience::None, biased)
}

/// Waits for so long.
#[track_caller]
pub fn select_timeout<'a>(cases: &[Case<'a>], timeout: Duration, biased: bool) -> Picked<'a> {
    run(cases, Patience::after(timeout), biased)
}

#[track_caller]
fn run<'a>(cases: &[Case<'a>], patience: Patience, biased: bool) -> Picked<'a> {
    match crate::ext::chan::select::select(cases, None, Goal::Act, patience, biased) {
        Some((at, how)) => Picked(Some((at, Selected::new(cases[at], how, None)))),
        None => Picked(None),
    }
}

/// The case that was selected, or none.
#[must_use]
pub struct Picked<'a>(Option<(usize, Selected<'a>)>);

impl Picked<'_> {
    /// Is it the case at this position?
    pub fn is(&self, at: usize) -> bool {
        matches!(self.0, Some((picked, _)) if picked == at)
    }

    /// Was there none?
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Completes a `recv` case.
    ///
    /// # Errors
    /// The channel is empty and disconnected or closed.
    pub fn recv<T>(self, slot: &ValueCell<T>) -> Result<T, RecvError> {
        match self.0 {
            Some((_, selected)) => selected.fetch(slot),
            None => Err(RecvError),
        }
    }

    /// Completes a `send` case.
    ///
    /// # Errors
    /// The message comes back when the channel is disconnected or closed.
    pub fn send<T>(self, sender: &Sender<T>, msg: T) -> Result<(), SendError<T>> {
        match self.0 {
            Some((_, selected)) => selected.send(sender, msg),
            None => Err(SendError(msg)),
        }
    }
}

impl fmt::Debug for Picked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Picked { .. }")
    }
}
