//! A channel hears of signals.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::api::channel::Sender;
use crate::api::context::{Context, with_cancel_cause};
use crate::api::signal::number::Signal;
use crate::api::signal::table::{Listener, bits, table};
use crate::ext::linux::relay::is_ignored;

/// From now on these signals are sent to the channel, and do nothing else. Without any, all that can be heard
/// of.
///
/// The send never waits: a channel without room misses the signal, so for one kind of signal it needs room for
/// one. A signal that comes again before it was sent is sent once. Several channels may hear of one signal, and
/// several calls for one channel add up. If the channel's last receiver is gone, the next of its signals ends
/// this, as [`stop`] does.
///
/// The signals of faults (`SIGSEGV` and so on), `SIGKILL` and `SIGSTOP` cannot be heard of: naming one changes
/// nothing. A handler that the program had for one of the signals is back after the last [`stop`]. With
/// `SIGQUIT` among them, Ctrl-\ no longer writes the goroutines.
///
/// # Panics
/// If the system refuses the thread that a program needs which hears of signals.
///
/// # Examples
/// ```
/// use gosched::channel::bounded;
/// use gosched::signal::{self, Signal};
///
/// let (send, signals) = bounded(1);
/// signal::notify(&send, [Signal::USR1]);
/// // SAFETY: a signal for this process, which hears of it.
/// unsafe { libc::raise(libc::SIGUSR1) };
/// assert_eq!(signals.recv(), Ok(Signal::USR1));
/// signal::stop(&send);
/// ```
///
/// Go: signal.Notify
#[track_caller]
#[doc(alias = "Notify")]
pub fn notify(channel: &Sender<Signal>, signals: impl IntoIterator<Item = Signal>) {
    let signals = bits(signals);
    table().add(Listener::Channel(channel.clone()), signals);
}

/// The channel hears of no more signals: when this returns, none will come. Signals of which nobody hears now
/// act as they did before.
///
/// # Examples
/// See [`notify`].
///
/// Go: signal.Stop
#[doc(alias = "Stop")]
pub fn stop(channel: &Sender<Signal>) {
    let listener = Listener::Channel(channel.clone());
    table().remove(&listener);
}

/// These signals do nothing any more, and nobody hears of them. Without any, all that can be. Child processes
/// ignore them too.
///
/// # Examples
/// ```
/// use gosched::signal::{self, Signal};
///
/// signal::ignore([Signal::HUP]);
/// assert!(signal::ignored(Signal::HUP));
/// signal::reset([Signal::HUP]);
/// assert!(!signal::ignored(Signal::HUP));
/// ```
///
/// Go: signal.Ignore
#[doc(alias = "Ignore")]
pub fn ignore(signals: impl IntoIterator<Item = Signal>) {
    let signals = bits(signals);
    table().ignore(signals);
}

/// Is this signal ignored at present?
///
/// # Examples
/// See [`ignore`].
///
/// Go: signal.Ignored
#[doc(alias = "Ignored")]
pub fn ignored(signal: Signal) -> bool {
    is_ignored(signal.number())
}

/// Undoes [`notify`] and [`ignore`] for these signals: they act as they did before. Without any, for all.
///
/// # Examples
/// See [`ignore`].
///
/// Go: signal.Reset
#[doc(alias = "Reset")]
pub fn reset(signals: impl IntoIterator<Item = Signal>) {
    let signals = bits(signals);
    table().reset(signals);
}

/// A context that is done when one of these signals comes, when `parent` is, or when the handle is used. The
/// signal is the context's cause. Without any, all that can be heard of.
///
/// Until [`StopFunc::stop`], the signals do nothing else: a program that wants a second Ctrl-C to end it stops
/// as soon as the context is done.
///
/// # Panics
/// As [`notify`].
///
/// # Examples
/// ```
/// use gosched::context::background;
/// use gosched::signal::{Signal, notify_context};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let (ctx, stop) = notify_context(&background(), [Signal::USR2]);
/// // SAFETY: a signal for this process, which hears of it.
/// unsafe { libc::raise(libc::SIGUSR2) };
/// assert!(ctx.done().recv().is_err()); // it is closed
/// assert_eq!(ctx.cause().unwrap().to_string(), "SIGUSR2 received");
/// stop.stop();
/// # }) };
/// ```
///
/// Go: signal.NotifyContext
#[track_caller]
#[must_use = "the signals have no other effect until the handle is used"]
#[doc(alias = "NotifyContext")]
pub fn notify_context(
    parent: &Context,
    signals: impl IntoIterator<Item = Signal>,
) -> (Context, StopFunc) {
    let signals = bits(signals);
    let (context, cancel) = with_cancel_cause(parent);
    let cancel = Arc::new(cancel);
    table().add(Listener::Context(Arc::clone(&cancel)), signals);
    (context, StopFunc(cancel))
}

/// Made by [`notify_context`]. Dropping it does nothing.
///
/// # Examples
/// See [`notify_context`].
pub struct StopFunc(Arc<crate::api::context::CancelCauseFunc>);

impl StopFunc {
    /// Cancels the context, and lets the signals act as before if nobody else hears of them.
    ///
    /// # Examples
    /// See [`notify_context`].
    pub fn stop(&self) {
        table().remove(&Listener::Context(Arc::clone(&self.0)));
        self.0.without_cause().cancel();
    }
}

impl fmt::Debug for StopFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("StopFunc { .. }")
    }
}
