//! Contexts that are done at a given time.
//!
//! Go: context.go WithDeadlineCause, timerCtx.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::api::context::cancel::CancelFunc;
use crate::api::context::error::{BoxError, Cause, Error, shared};
use crate::api::context::handle::Context;
use crate::api::context::node::Node;
use crate::core::sched::start::assert_started;
use crate::time::after_func;

/// A context that is done when `deadline` comes, or `parent` is done, or it is cancelled. If
/// that of `parent` is earlier, its deadline stays; one that has passed is exceeded at once.
///
/// Its error is [`Error::DeadlineExceeded`] when the time has come.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// See [`with_timeout`].
///
/// Go: context.WithDeadline
#[track_caller]
#[must_use = "the context is done when somebody cancels it: keep the handle"]
pub fn with_deadline(parent: &Context, deadline: Instant) -> (Context, CancelFunc) {
    until(parent, deadline, None)
}

/// As [`with_deadline`], with the cause for when the time has come. A cancellation, or the
/// deadline of `parent`, has a cause of its own.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// ```
/// use std::time::Instant;
/// use gosched::context::{background, with_deadline_cause};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let (ctx, _cancel) = with_deadline_cause(&background(), Instant::now(), "too late");
///     assert_eq!(ctx.cause().unwrap().to_string(), "too late");
/// }) };
/// ```
///
/// Go: context.WithDeadlineCause
#[track_caller]
#[must_use = "the context is done when somebody cancels it: keep the handle"]
pub fn with_deadline_cause(
    parent: &Context,
    deadline: Instant,
    cause: impl Into<BoxError>,
) -> (Context, CancelFunc) {
    until(parent, deadline, Some(shared(cause.into())))
}

/// A context that is done after `timeout`, or when `parent` is done, or it is cancelled.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gosched::context::{background, with_timeout};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let (ctx, cancel) = with_timeout(&background(), Duration::from_millis(1));
///     let _cancel = cancel.on_drop();
///     assert!(ctx.done().recv().is_err());
///     assert_eq!(ctx.err().unwrap().to_string(), "context deadline exceeded");
/// }) };
/// ```
///
/// Go: context.WithTimeout
#[track_caller]
#[must_use = "the context is done when somebody cancels it: keep the handle"]
pub fn with_timeout(parent: &Context, timeout: Duration) -> (Context, CancelFunc) {
    until(parent, after(timeout), None)
}

/// As [`with_timeout`], with the cause for when the time has come.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gosched::context::{background, with_timeout_cause};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let (ctx, _cancel) = with_timeout_cause(&background(), Duration::ZERO, "too late");
///     assert_eq!(ctx.cause().unwrap().to_string(), "too late");
/// }) };
/// ```
///
/// Go: context.WithTimeoutCause
#[track_caller]
#[must_use = "the context is done when somebody cancels it: keep the handle"]
pub fn with_timeout_cause(
    parent: &Context,
    timeout: Duration,
    cause: impl Into<BoxError>,
) -> (Context, CancelFunc) {
    until(parent, after(timeout), Some(shared(cause.into())))
}

/// So long from now; beyond all counting it is 30 years.
fn after(timeout: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or_else(|| now + FAR)
}

#[track_caller]
fn until(parent: &Context, deadline: Instant, cause: Option<Cause>) -> (Context, CancelFunc) {
    assert_started();
    let earlier = parent.deadline().filter(|&parents| parents < deadline);
    let node = Node::new(parent.node.as_ref(), Some(earlier.unwrap_or(deadline)));
    // With an earlier one the parent's timer does it.
    if earlier.is_none() {
        start_timer(&node, deadline, cause);
    }
    let context = parent.under(Some(Arc::clone(&node)));
    (context, CancelFunc(node))
}

fn start_timer(node: &Arc<Node>, deadline: Instant, cause: Option<Cause>) {
    let rest = deadline.saturating_duration_since(Instant::now());
    if rest.is_zero() {
        return node.cancel(Error::DeadlineExceeded, cause);
    }
    // The timer owns the node until it has fired or was stopped.
    let target = Arc::clone(node);
    node.arm(|| {
        after_func(rest, move || {
            target.cancel(Error::DeadlineExceeded, cause.clone())
        })
    });
}
