//! Contexts: a deadline, a sign to stop, and values, handed down from call to call and from
//! goroutine to goroutine. Go's package context.
//!
//! A function that may be stopped takes a [`Context`], and waits for [`Context::done`] together
//! with the other things that it waits for. Its caller derives a new context with
//! [`with_cancel`], [`with_timeout`] and the others, and gets a handle to cancel it. The handle
//! cancels this context and all contexts derived from it before the call returns, and none above.
//!
//! ```
//! use gosched::channel::{select, unbounded};
//! use gosched::context::{self, Context};
//!
//! fn count(ctx: &Context) -> Result<u32, context::Error> {
//!     let (sender, numbers) = unbounded();
//!     (1..=3).for_each(|n| sender.send(n).unwrap());
//!     let mut sum = 0;
//!     loop {
//!         select! {
//!             recv(ctx.done()) -> _ => return ctx.err().map_or(Ok(sum), Err),
//!             recv(numbers) -> n => sum += n.unwrap(),
//!         }
//!     }
//! }
//!
//! let (ctx, cancel) = context::with_cancel(&context::background());
//! let canceler = std::thread::spawn(move || cancel.cancel());
//! assert_eq!(count(&ctx).unwrap_err().to_string(), "context canceled");
//! canceler.join().unwrap();
//! ```
//!
//! A context needs no goroutine. A context with a deadline has a timer, so the runtime must have
//! been started; all other contexts work without it.
//!
//! What differs from Go: a context is a handle, not an interface, so programs cannot define their
//! own contexts. A context is released when all its handles were dropped and no ancestor or timer
//! is left that could cancel it, even if it was never cancelled. A goroutine that still waits for
//! its `done` is woken.

pub(crate) mod error;
pub(crate) mod values;
pub(crate) mod func;
pub(crate) mod alarm;
pub(crate) mod node;
pub(crate) mod stop;
pub(crate) mod handle;
pub(crate) mod cancel;
pub(crate) mod deadline;
pub(crate) mod derive;
pub(crate) mod wait;

pub use cancel::{CancelCauseFunc, CancelFunc, CancelOnDrop};
pub use deadline::{with_deadline, with_deadline_cause, with_timeout, with_timeout_cause};
pub use derive::{
    after_func, background, cause, todo, with_cancel, with_cancel_cause, with_value,
    without_cancel,
};
pub(crate) use error::shared;
pub use error::{BoxError, Cause, Error};
pub use handle::Context;
pub use stop::Stop;
pub use wait::sleep;
