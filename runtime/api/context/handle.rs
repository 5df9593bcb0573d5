//! `Context`: a place in the tree of cancellation, and in the list of values.
#![forbid(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::api::context::error::{Cause, Error};
use crate::api::context::node::Node;
use crate::api::context::values::Values;
use crate::channel::Receiver;
use crate::channel::never;

static NEVER: Receiver<()> = never();

/// A deadline, a sign to stop, and values. Clones are the same context.
///
/// # Examples
/// ```
/// use gosched::context::{background, with_cancel, with_value};
///
/// let (ctx, cancel) = with_cancel(&with_value(&background(), "user", 7));
/// assert_eq!(ctx.value(&"user"), Some(&7));
/// assert_eq!(ctx.err(), None);
/// cancel.cancel();
/// assert!(ctx.done().recv().is_err(), "closed");
/// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
/// ```
///
/// Go: context.Context
#[derive(Clone)]
pub struct Context {
    root: &'static str,
    pub(crate) node: Option<Arc<Node>>,
    pub(crate) values: Option<Arc<Values>>,
}

impl Context {
    pub(crate) const fn empty(root: &'static str) -> Context {
        Context {
            root,
            node: None,
            values: None,
        }
    }

    /// The same values, cancelled with that node.
    pub(crate) fn under(&self, node: Option<Arc<Node>>) -> Context {
        Context {
            root: self.root,
            node,
            values: self.values.clone(),
        }
    }

    /// A channel that is closed when work for this context is to stop; no message comes. It
    /// stays open forever if the context can never be cancelled.
    ///
    /// `err` says why, and has the answer at the latest when the channel is closed.
    ///
    /// # Examples
    /// ```
    /// use gosched::channel::select;
    /// use gosched::context::{background, with_cancel};
    ///
    /// let (ctx, cancel) = with_cancel(&background());
    /// select! {
    ///     recv(ctx.done()) -> _ => unreachable!(),
    ///     default => cancel.cancel(),
    /// }
    /// assert!(ctx.done().recv().is_err()); // closed
    /// ```
    ///
    /// Go: Context.Done
    #[must_use]
    pub fn done(&self) -> &Receiver<()> {
        self.node.as_deref().map_or(&NEVER, Node::done)
    }

    /// Why it is done; `None` if it is not. `done` is closed at the latest when it is `Some`.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::{Error, background, with_cancel};
    ///
    /// let (ctx, cancel) = with_cancel(&background());
    /// assert_eq!(ctx.err(), None);
    /// cancel.cancel();
    /// assert_eq!(ctx.err(), Some(Error::Canceled));
    /// ```
    ///
    /// Go: Context.Err
    #[must_use]
    pub fn err(&self) -> Option<Error> {
        self.node.as_ref()?.error()
    }

    /// The cause that was given when this context, or one that it derives from, was cancelled;
    /// the error itself if none was given, `None` if it is not done.
    ///
    /// # Examples
    /// See [`CancelCauseFunc::cancel`](crate::context::CancelCauseFunc::cancel).
    ///
    /// Go: context.Cause
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.node.as_ref()?.cause()
    }

    /// When it is done by itself, if ever. Never later than those it derives from.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    /// use gosched::context::{background, with_deadline};
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let soon = Instant::now() + Duration::from_secs(1);
    ///     let (ctx, _cancel) = with_deadline(&background(), soon);
    ///     let (below, _cancel) = with_deadline(&ctx, soon + Duration::from_secs(1));
    ///     assert_eq!(below.deadline(), Some(soon));
    ///     assert_eq!(background().deadline(), None);
    /// }) };
    /// ```
    ///
    /// Go: Context.Deadline
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.node.as_ref()?.deadline
    }

    /// The value for a key, from the nearest context that has it. `None` if there is none, or
    /// if the nearest one is of another type.
    ///
    /// Keys are equal if their types and values are: with a type of its own as key, a module
    /// keeps others from meeting its values.
    ///
    /// # Examples
    /// See [`with_value`](crate::context::with_value).
    ///
    /// Go: Context.Value
    #[must_use]
    pub fn value<V: 'static>(&self, key: &(impl Eq + 'static)) -> Option<&V> {
        let values = self.values.as_ref()?;
        values.find(key as &dyn Any)?.downcast_ref()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node.is_none() && self.values.is_none() {
            return f.pad(self.root);
        }
        f.debug_struct("Context")
            .field("root", &format_args!("{}", self.root))
            .field("err", &self.err())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
