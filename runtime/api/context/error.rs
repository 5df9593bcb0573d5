//! Why a context is done, in one of Go's two texts, and the cause in the caller's words.
//!
//! Go: context.go Canceled, DeadlineExceeded.
#![forbid(unsafe_code)]

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a context is done.
///
/// # Examples
/// ```
/// use gosched::context::Error;
///
/// assert_eq!(Error::Canceled.to_string(), "context canceled");
/// assert_eq!(Error::DeadlineExceeded.to_string(), "context deadline exceeded");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// It was cancelled, or one that it derives from was. Go: context.Canceled.
    Canceled,
    /// Its deadline has passed. Go: context.DeadlineExceeded.
    DeadlineExceeded,
}

impl Error {
    /// Did time run out?
    ///
    /// # Examples
    /// ```
    /// use gosched::context::Error;
    ///
    /// assert!(Error::DeadlineExceeded.is_timeout() && !Error::Canceled.is_timeout());
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::DeadlineExceeded)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Error::Canceled => "context canceled",
            Error::DeadlineExceeded => "context deadline exceeded",
        })
    }
}

impl StdError for Error {}

/// Any error, on its way from where it happened. A string is one, by `into`.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a context was cancelled, shared by it and all that derive from it; `downcast_ref` tells
/// which error it is.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// A cause that comes in as a `Cause` stays the same one.
pub(crate) fn shared(error: BoxError) -> Cause {
    match error.downcast::<Cause>() {
        Ok(cause) => *cause,
        Err(error) => Cause::from(error),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cause_keeps_its_identity() {
        let first = shared("broken".into());
        let second = shared(Arc::clone(&first).into());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(second.to_string(), "broken");
        assert!(
            shared(Error::Canceled.into())
                .downcast_ref::<Error>()
                .is_some()
        );
    }
}
