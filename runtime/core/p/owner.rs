//! Evidence that the caller holds a P. Functions that only the owner of a P may call take it as
//! an argument.
#![allow(unsafe_code, reason = "an unsafe constructor: a promise, no memory")]

use std::marker::PhantomData;

/// The caller has some P's owner half to itself. `HeldP` is made of it, and says which P.
#[derive(Debug)]
pub(crate) struct HoldsP(PhantomData<*mut ()>);

impl HoldsP {
    /// # Safety
    /// While this value, or a value that was made from it, lives: the calling thread's M has the
    /// P and is in the runtime; or no M has the P, and no other thread may take it.
    pub(crate) unsafe fn assume() -> HoldsP {
        HoldsP(PhantomData)
    }
}
