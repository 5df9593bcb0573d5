//! The root contexts, and derived contexts without a deadline.
//!
//! Go: context.go Background, TODO, WithCancel, WithCancelCause, WithValue, WithoutCancel,
//! AfterFunc.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::Arc;

use crate::api::context::cancel::{CancelCauseFunc, CancelFunc};
use crate::api::context::error::Cause;
use crate::api::context::func::Func;
use crate::api::context::handle::Context;
use crate::api::context::node::{Child, Node};
use crate::api::context::stop::Stop;
use crate::api::context::values::Values;
use crate::core::sched::start::assert_started;

/// The root: never done, without values. For `main`, tests, and what comes in from outside.
///
/// # Examples
/// ```
/// let root = gosched::context::background();
/// assert!(root.err().is_none() && root.deadline().is_none());
/// ```
///
/// Go: context.Background
#[must_use]
pub const fn background() -> Context {
    Context::empty("context.Background")
}

/// As [`background`], where it is not clear yet which context there should be.
///
/// # Examples
/// ```
/// assert_eq!(format!("{:?}", gosched::context::todo()), "context.TODO");
/// ```
///
/// Go: context.TODO
#[must_use]
#[doc(alias = "TODO")]
pub const fn todo() -> Context {
    Context::empty("context.TODO")
}

/// A context that is done when `parent` is, or when it is cancelled.
///
/// # Examples
/// See [`CancelFunc::cancel`].
///
/// Go: context.WithCancel
#[must_use = "the context is done when somebody cancels it: keep the handle"]
pub fn with_cancel(parent: &Context) -> (Context, CancelFunc) {
    let (context, node) = below(parent);
    (context, CancelFunc(node))
}

/// As [`with_cancel`]; the caller that cancels it gives the cause.
///
/// # Examples
/// See [`CancelCauseFunc::cancel`].
///
/// Go: context.WithCancelCause
#[must_use = "the context is done when somebody cancels it: keep the handle"]
pub fn with_cancel_cause(parent: &Context) -> (Context, CancelCauseFunc) {
    let (context, node) = below(parent);
    (context, CancelCauseFunc(node))
}

fn below(parent: &Context) -> (Context, Arc<Node>) {
    let node = Node::new(parent.node.as_ref(), parent.deadline());
    (parent.under(Some(Arc::clone(&node))), node)
}

/// A context in which `key` has this value, whatever it has in `parent`.
///
/// # Examples
/// ```
/// use gosched::context::{background, with_value};
///
/// #[derive(PartialEq, Eq)]
/// struct UserId; // a key that only this module can name
///
/// let ctx = with_value(&background(), UserId, 42_u32);
/// let inner = with_value(&ctx, "UserId", "a string key is another key");
/// assert_eq!(inner.value::<u32>(&UserId), Some(&42));
/// assert_eq!(inner.value::<String>(&UserId), None, "not a string");
/// ```
///
/// Go: context.WithValue
#[must_use]
pub fn with_value<K, V>(parent: &Context, key: K, value: V) -> Context
where
    K: Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    let mut context = parent.clone();
    context.values = Some(Values::new(key, value, context.values));
    context
}

/// A context with the values of `parent` that is never done.
///
/// # Examples
/// ```
/// use gosched::context::{background, with_cancel, with_value, without_cancel};
///
/// let (ctx, cancel) = with_cancel(&with_value(&background(), "name", "gopher"));
/// let detached = without_cancel(&ctx);
/// cancel.cancel();
/// assert_eq!(detached.err(), None);
/// assert_eq!(detached.value(&"name"), Some(&"gopher"));
/// ```
///
/// Go: context.WithoutCancel
#[must_use]
pub fn without_cancel(parent: &Context) -> Context {
    parent.under(None)
}

/// Why `context` was cancelled: [`Context::cause`] in Go's form.
///
/// # Examples
/// See [`Context::cause`], which it calls.
///
/// Go: context.Cause
#[must_use]
pub fn cause(context: &Context) -> Option<Cause> {
    context.cause()
}

/// Starts `f` in a goroutine of its own when `context` is done; at once if it is already. Each
/// call is for itself.
///
/// Dropping the returned handle does not stop it.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// ```
/// use gosched::context::{after_func, background, with_cancel};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let (ctx, cancel) = with_cancel(&background());
///     let (sender, receiver) = gosched::channel::bounded(1);
///     let other = after_func(&ctx, || unreachable!("stopped"));
///     let _ = after_func(&ctx, move || sender.send("done").unwrap());
///     assert!(other.stop());
///     cancel.cancel();
///     assert_eq!(receiver.recv(), Ok("done"));
///     assert!(!other.stop());
/// }) };
/// ```
///
/// Go: context.AfterFunc
#[track_caller]
pub fn after_func<F>(context: &Context, f: F) -> Stop
where
    F: FnOnce() + Send + 'static,
{
    assert_started();
    let func = Arc::new(Func::new(Location::caller(), Box::new(f)));
    let Some(node) = &context.node else {
        return Stop::new(func, None);
    };
    let seq = node.take_seq();
    if node.adopt(seq, Child::Func(Arc::clone(&func))).is_err() {
        func.start();
    }
    Stop::new(func, Some((Arc::downgrade(node), seq)))
}
