//! The identity of a foreign thread, under its std name, from its first use to the very end of
//! the thread.
//!
//! The thread keeps its identity until the destructors of its thread-locals have run. Then the
//! destructor of a key (`ext/linux/thread_end.rs`) stores the identity under the kernel's number
//! of the thread. The destructors of C libraries' keys may ask for it, wait and be woken after
//! that, through handles that other threads have. The identity stays there until another thread,
//! which stores its own, finds that the first thread is gone.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::p::processor::next_id_without_p;
use crate::ext::diagnostics::identity::Identity;
use crate::ext::linux::tasks::{gettid, is_alive};
use crate::ext::linux::thread_end::ThreadEnd;

#[derive(Clone)]
enum Plain {
    Unknown,
    Known(ManuallyDrop<Arc<Identity>>),
    LaidAside,
}

thread_local! {
    /// Without a destructor: [`END`] takes the place of it.
    static PLAIN: Cell<Plain> = const { Cell::new(Plain::Unknown) };
}

static END: ThreadEnd = ThreadEnd::new(lay_aside);

/// Of threads that are about to end, or have: not one twice.
static ENDING: Mutex<Vec<(i32, Arc<Identity>)>> = Mutex::new(Vec::new());

fn ending() -> MutexGuard<'static, Vec<(i32, Arc<Identity>)>> {
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread ends.
#[cold]
fn lay_aside() {
    let Plain::Known(identity) = PLAIN.replace(Plain::LaidAside) else {
        return;
    };
    let me = gettid();
    let mut ending = ending();
    // Of this number, too: then it was another thread's before.
    let gone = ending.extract_if(.., |(tid, _)| *tid == me || !is_alive(*tid));
    let gone: Vec<_> = gone.collect();
    ending.push((me, ManuallyDrop::into_inner(identity)));
    drop(ending);
    drop(gone);
}

/// The calling thread's identity. This is never called on a goroutine, and never inlined into
/// one.
#[cold]
#[inline(never)]
pub(crate) fn plain_identity() -> Arc<Identity> {
    let found = PLAIN.replace(Plain::Unknown);
    PLAIN.set(found.clone());
    match found {
        Plain::Known(identity) => ManuallyDrop::into_inner(identity),
        Plain::Unknown => first_use(),
        Plain::LaidAside => laid_aside(),
    }
}

#[cold]
fn first_use() -> Arc<Identity> {
    let made = Arc::new(Identity::new(next_id_without_p(), std_name()));
    PLAIN.set(Plain::Known(ManuallyDrop::new(Arc::clone(&made))));
    END.ask();
    made
}

/// The name that std knows the calling thread by.
///
/// `std::thread::current` panics in the later rounds of a key's destructors, when std's own things
/// are gone; `std::thread::scope` goes on with a thread without a name. So the scope is asked first
/// whether there is a name.
fn std_name() -> Option<Box<str>> {
    let scope = std::thread::scope(|scope| format!("{scope:?}"));
    let named = scope.contains("name: Some(");
    named.then(|| std::thread::current().name().map(Box::from))?
}

#[cold]
fn laid_aside() -> Arc<Identity> {
    let me = gettid();
    let found = ending().iter().find(|(tid, _)| *tid == me).cloned();
    found.map_or_else(first_use, |(_, identity)| identity) // not found in a process that was forked
}
