//! What waiting needs from the scheduler, by name, in one place: the real thing, or the twin
//! that lets loom check the files above this one as they ship.
#![forbid(unsafe_code)]

#[cfg(not(loom))]
pub(crate) use crate::{
    g::goroutine::GRef,
    m::enter::{enter, enter_to_wait},
    sched::config::steady,
    sched::park::{park, park_until, yield_local},
    sched::ready::ready,
    sys::clock::nanotime,
    sys::lock::RawLock,
};

#[cfg(loom)]
pub(crate) use super::twin::{
    GRef, RawLock, enter, enter_to_wait, nanotime, park, park_until, ready, steady, yield_local,
};
