//! Waits that end when a context is done: a sleep, and a semaphore's.
//!
//! Go has no such sleep; golang.org/x/sync/semaphore Acquire.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use crate::api::context::alarm::Alarm;
use crate::api::context::error::Error;
use crate::api::context::handle::Context;
use crate::api::context::node::Child;
use crate::channel::RecvTimeoutError;
use crate::sync::Semaphore;
use crate::sync::SemaphorePermit;

/// As [`thread::sleep`](crate::thread::sleep), unless `context` is done before.
///
/// # Errors
/// Why the context is done. If it is already, there is no sleep, not even of zero.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gosched::context::{self, Error, background, with_cancel};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let (ctx, cancel) = with_cancel(&background());
///     assert_eq!(context::sleep(&ctx, Duration::from_millis(1)), Ok(()));
///     gosched::go(move || cancel.cancel());
///     assert_eq!(context::sleep(&ctx, Duration::from_secs(3600)), Err(Error::Canceled));
/// }) };
/// ```
pub fn sleep(context: &Context, dur: Duration) -> Result<(), Error> {
    match context.err() {
        Some(error) => Err(error),
        None if dur.is_zero() => Ok(()),
        None => match context.done().recv_timeout(dur) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Err(context.err().unwrap_or(Error::Canceled)), // `done` is closed
        },
    }
}

impl Semaphore {
    /// As [`acquire`](Semaphore::acquire), unless `context` is done before.
    ///
    /// # Errors
    /// Why the context is done; nothing was acquired. If it is already, nothing is acquired even
    /// if there is enough.
    ///
    /// # Panics
    /// If `n` is more than there is in all. (Go waits for the context then.)
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use gosched::context::{Error, background, with_timeout};
    /// use gosched::sync::Semaphore;
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let sem = Semaphore::new(1);
    ///     let (ctx, _cancel) = with_timeout(&background(), Duration::from_millis(1));
    ///     let _all = sem.permit(1);
    ///     assert_eq!(sem.acquire_with_context(&ctx, 1), Err(Error::DeadlineExceeded));
    /// }) };
    /// ```
    ///
    /// Go: Weighted.Acquire
    #[track_caller]
    pub fn acquire_with_context(&self, context: &Context, n: usize) -> Result<(), Error> {
        self.demand(n);
        if let Some(error) = context.err() {
            return Err(error);
        }
        if !self.try_acquire(n) {
            self.wait_with_context(context, n)?;
        }
        // It may have been done before there was enough: so nothing is acquired that was released after that.
        match context.err() {
            None => Ok(()),
            Some(error) => {
                self.release(n);
                Err(error)
            }
        }
    }

    fn wait_with_context(&self, context: &Context, n: usize) -> Result<(), Error> {
        let Some(node) = &context.node else {
            self.acquire(n); // that context is never done
            return Ok(());
        };
        let alarm = Arc::new(Alarm::mine());
        let seq = node.take_seq();
        let child = Child::Alarm(Arc::clone(&alarm));
        node.adopt(seq, child).map_err(|(error, _)| error)?;
        let acquired = self.acquire_unless(n, |round| alarm.arm(round));
        if acquired {
            node.remove(seq);
            return Ok(());
        }
        Err(context.err().unwrap_or(Error::Canceled)) // done, or it would have waited on
    }

    /// As [`permit`](Semaphore::permit), unless `context` is done before.
    ///
    /// # Errors
    /// As [`acquire_with_context`](Semaphore::acquire_with_context).
    ///
    /// # Panics
    /// If `n` is more than there is in all.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::{background, with_cancel};
    /// use gosched::sync::Semaphore;
    ///
    /// let sem = Semaphore::new(1);
    /// let (ctx, cancel) = with_cancel(&background());
    /// assert_eq!(sem.permit_with_context(&ctx, 1).unwrap().amount(), 1);
    /// cancel.cancel();
    /// assert!(sem.permit_with_context(&ctx, 1).is_err());
    /// ```
    #[track_caller]
    pub fn permit_with_context(
        &self,
        context: &Context,
        n: usize,
    ) -> Result<SemaphorePermit<'_>, Error> {
        self.acquire_with_context(context, n)?;
        Ok(self.acquired(n))
    }
}
