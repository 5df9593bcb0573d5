//! A goroutine waits for a future: it polls, and parks until the waker is called.
//!
//! The waker has a park token of its own, not the goroutine's: a future may call `park` and
//! `unpark` itself, and the two tokens must not be mixed up.
#![forbid(unsafe_code)]

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::api::thread::parker;
use crate::core::g::wait_reason::WaitReason;
use crate::ext::diagnostics::identity::Identity;

/// The token of one `block_on`. A waker may outlive it: then it sets a token that is never taken.
struct Signal(Identity);

impl Wake for Signal {
    fn wake(self: Arc<Signal>) {
        parker::unpark(&self.0);
    }

    fn wake_by_ref(self: &Arc<Signal>) {
        parker::unpark(&self.0);
    }
}

/// Waits for a future, and gives its output. Other goroutines run meanwhile; a plain thread
/// blocks.
///
/// The future is polled by the caller, on the caller's stack, once at first and then after each
/// call of its waker, which may come from any thread. A dump shows the goroutine as waiting for
/// `future`.
///
/// # Panics
/// If the future panics.
///
/// # Examples
/// ```
/// use gosched::future::block_on;
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let sum = block_on(async {
///         let one = gosched::thread::spawn(|| 1);
///         let two = gosched::thread::spawn(|| 2);
///         one.await.unwrap() + two.await.unwrap()
///     });
///     assert_eq!(sum, 3);
/// }) };
/// ```
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let signal = Arc::new(Signal(Identity::new(0, None)));
    let waker = Waker::from(Arc::clone(&signal));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        parker::wait(&signal.0, WaitReason::FutureWait, None);
    }
}
