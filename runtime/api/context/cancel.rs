//! The handles that cancel a context: without a cause, with a cause, and when the handle is
//! dropped.
//!
//! Go: context.go CancelFunc, CancelCauseFunc.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::api::context::error::{BoxError, Error, shared};
use crate::api::context::node::Node;

/// Cancels a context and all that derive from it. Dropping it does nothing: see
/// [`on_drop`](CancelFunc::on_drop).
///
/// A context that is no longer needed should be cancelled: until then it is known to the one it
/// derives from, and its timer waits.
///
/// # Examples
/// See [`CancelFunc::cancel`].
///
/// Go: context.CancelFunc
#[derive(Clone)]
pub struct CancelFunc(pub(crate) Arc<Node>);

impl CancelFunc {
    /// Cancels. On return all that derive from it are cancelled as well, whoever was first;
    /// what was registered with [`after_func`](crate::context::after_func) has been started,
    /// but is not waited for.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::{Error, background, with_cancel};
    ///
    /// let (parent, cancel) = with_cancel(&background());
    /// let (child, _) = with_cancel(&parent);
    /// cancel.cancel();
    /// cancel.cancel(); // nothing more
    /// assert_eq!(child.err(), Some(Error::Canceled));
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        self.0.cancel(Error::Canceled, None);
    }

    /// Cancels when it is dropped.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::{background, with_cancel};
    ///
    /// let (ctx, cancel) = with_cancel(&background());
    /// {
    ///     let _guard = cancel.on_drop();
    ///     assert!(ctx.err().is_none());
    /// }
    /// assert!(ctx.err().is_some());
    /// ```
    ///
    /// Go: `defer cancel()`
    #[doc(alias = "defer")]
    pub fn on_drop(self) -> CancelOnDrop {
        CancelOnDrop(self)
    }
}

/// Made by [`CancelFunc::on_drop`].
///
/// # Examples
/// See [`CancelFunc::on_drop`].
#[must_use = "if unused, it cancels at once"]
#[derive(Debug)]
pub struct CancelOnDrop(CancelFunc);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// As [`CancelFunc`], with the cause.
///
/// # Examples
/// See [`CancelCauseFunc::cancel`].
///
/// Go: context.CancelCauseFunc
#[derive(Clone)]
pub struct CancelCauseFunc(pub(crate) Arc<Node>);

impl CancelCauseFunc {
    /// Cancels, and leaves the cause for [`Context::cause`](crate::context::Context::cause): an
    /// error, a string, or the cause of another context. The first one counts.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::{background, with_cancel_cause};
    ///
    /// let (ctx, cancel) = with_cancel_cause(&background());
    /// cancel.cancel("the disk is full");
    /// assert_eq!(ctx.cause().unwrap().to_string(), "the disk is full");
    /// assert_eq!(ctx.err().unwrap().to_string(), "context canceled");
    /// ```
    #[track_caller]
    pub fn cancel(&self, cause: impl Into<BoxError>) {
        self.0.cancel(Error::Canceled, Some(shared(cause.into())));
    }

    /// The handle that cancels without a cause. Go: `cancel(nil)`.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::{background, with_cancel_cause};
    ///
    /// let (ctx, cancel) = with_cancel_cause(&background());
    /// cancel.without_cause().cancel();
    /// assert_eq!(ctx.cause().unwrap().to_string(), "context canceled");
    /// ```
    #[must_use]
    pub fn without_cause(&self) -> CancelFunc {
        CancelFunc(Arc::clone(&self.0))
    }
}

impl fmt::Debug for CancelFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("CancelFunc { .. }")
    }
}

impl fmt::Debug for CancelCauseFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("CancelCauseFunc { .. }")
    }
}
