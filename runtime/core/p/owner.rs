//! Evidence that the caller holds a P: what only its owner may do asks for it.
#![allow(unsafe_code, reason = "an unsafe constructor: a promise, no memory")]

use std::marker::PhantomData;

/// The calling thread holds a P and is in the runtime: nobody else touches that P's owner half.
///
/// A thread holds at most one P, so the evidence stands for the P that its M names.
#[derive(Debug)]
pub(crate) struct HoldsP(PhantomData<*mut ()>);

impl HoldsP {
    /// # Safety
    /// The calling thread's M has a P, and keeps it while this value lives.
    pub(crate) unsafe fn assume() -> HoldsP {
        HoldsP(PhantomData)
    }
}
