//! Who a plain thread is to us: an identity under its std name, from its first use to the thread's
//! very end.
//!
//! It is a thread-local, so it is destroyed while destructors of older ones may still ask, wait
//! and be woken through handles that others have. Therefore it is laid aside when it is destroyed,
//! under the kernel's number of the thread, until somebody who does the same finds the thread gone.
#![forbid(unsafe_code)]

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::p::processor::next_id_without_p;
use crate::core::sys::thread::{gettid, is_alive};
use crate::ext::diagnostics::identity::Identity;

struct Plain(OnceCell<Arc<Identity>>);

thread_local! {
    static PLAIN: Plain = const { Plain(OnceCell::new()) };
}

/// Of threads that are about to end, or have: not one twice.
static LATE: Mutex<Vec<(i32, Arc<Identity>)>> = Mutex::new(Vec::new());

fn late() -> MutexGuard<'static, Vec<(i32, Arc<Identity>)>> {
    LATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Plain {
    fn drop(&mut self) {
        if let Some(identity) = self.0.take() {
            lay_aside(identity);
        }
    }
}

#[cold]
fn lay_aside(identity: Arc<Identity>) {
    let me = gettid();
    let mut late = late();
    // Of this number, too: then it was another thread's before.
    let gone = late.extract_if(.., |(tid, _)| *tid == me || !is_alive(*tid));
    let gone: Vec<_> = gone.collect();
    late.push((me, identity));
    drop(late);
    drop(gone);
}

/// The calling thread's. Never called on a goroutine, nor inlined into one.
#[cold]
#[inline(never)]
pub(crate) fn plain_identity() -> Arc<Identity> {
    let mine = PLAIN.try_with(|plain| {
        let made = plain.0.get_or_init(|| {
            let name = std::thread::current().name().map(Box::from);
            Arc::new(Identity::new(next_id_without_p(), name))
        });
        Arc::clone(made)
    });
    mine.unwrap_or_else(|_| destroyed())
}

/// It was destroyed on this thread, so it was laid aside, if there ever was one.
#[cold]
fn destroyed() -> Arc<Identity> {
    let me = gettid();
    let found = late().iter().find(|(tid, _)| *tid == me).cloned();
    match found {
        Some((_, identity)) => identity,
        None => {
            let fresh = Arc::new(Identity::new(next_id_without_p(), None));
            lay_aside(Arc::clone(&fresh));
            fresh
        }
    }
}
