//! Everything that waiting needs from the scheduler, in one place: the real functions, or a
//! replacement with which loom checks the files that use this one unchanged.
#![forbid(unsafe_code)]

#[cfg(not(loom))]
pub(crate) use crate::core::g::goroutine::GRef;
#[cfg(not(loom))]
pub(crate) use crate::core::hooks::{steady, waited_for_mutex};
#[cfg(not(loom))]
pub(crate) use crate::core::m::enter::{enter, enter_to_wait};
#[cfg(not(loom))]
pub(crate) use crate::core::sched::park::{park, ready, yield_local};
#[cfg(not(loom))]
pub(crate) use crate::core::sys::clock::nanotime;
#[cfg(not(loom))]
pub(crate) use crate::core::sys::lock::RawLock;

#[cfg(loom)]
pub(crate) use crate::core::wait::loom_sched::{
    GRef, RawLock, enter, enter_to_wait, nanotime, park, ready, steady, waited_for_mutex,
    yield_local,
};
