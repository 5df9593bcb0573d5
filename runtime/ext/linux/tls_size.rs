//! The part of a thread's stack that the C library takes for itself.
//!
//! glibc puts the static thread-locals of all modules and its own control block at the top of a
//! new thread's stack, so the stack must have room for both. A program may have megabytes of
//! thread-locals. (musl makes room by itself; there the stack becomes larger than necessary,
//! which does no harm.)
#![allow(
    unsafe_code,
    reason = "asks the C library and the dynamic linker about thread-locals"
)]

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use crate::ext::linux::memory::page_up;

/// The C library's own part, where only the sizes of the modules' parts are known.
const CONTROL_BLOCK_AND_SURPLUS: usize = 16 << 10;

/// Bytes, at most. They do not change: what is loaded later has its thread-locals on the heap, or in
/// a surplus that is counted in.
pub(crate) fn taken_by_libc() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| page_up(asked().unwrap_or_else(added_up)))
}

/// What glibc says: the least stack that it makes a thread with. std asks the same.
fn asked() -> Option<usize> {
    type MinStack = unsafe extern "C" fn(*const libc::pthread_attr_t) -> usize;
    let name = c"__pthread_get_minstack";
    // SAFETY: a name that ends with a zero byte.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if symbol.is_null() {
        return None;
    }
    // SAFETY: in every glibc that has this symbol it is a function of this type.
    let min_stack = unsafe { std::mem::transmute::<*mut c_void, MinStack>(symbol) };
    let mut attr = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the place is ours.
    if unsafe { libc::pthread_attr_init(attr.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: initialised above.
    let bytes = unsafe { min_stack(attr.as_ptr()) };
    // SAFETY: initialised above, destroyed once.
    unsafe { libc::pthread_attr_destroy(attr.as_mut_ptr()) };
    Some(bytes)
}

/// The thread-locals of all modules that are loaded.
fn added_up() -> usize {
    let mut sum = CONTROL_BLOCK_AND_SURPLUS;
    // SAFETY: the callback gets our `sum`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut sum).cast()) };
    sum
}

/// Adds one module.
///
/// # Safety
/// As `dl_iterate_phdr` calls it, with `sum` a `usize`.
unsafe extern "C" fn add(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    sum: *mut c_void,
) -> libc::c_int {
    // SAFETY: the dynamic linker's promise.
    let info = unsafe { &*info };
    // SAFETY: the dynamic linker's promise.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let bytes: usize = headers
        .iter()
        .filter(|h| h.p_type == libc::PT_TLS)
        .map(|h| (h.p_memsz + h.p_align) as usize)
        .sum();
    // SAFETY: the caller's promise.
    let sum = unsafe { &mut *sum.cast::<usize>() };
    *sum += bytes;
    0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static LARGE: [Cell<u8>; 10_000] = const { [const { Cell::new(1) }; 10_000] };
    }

    #[test]
    fn this_program_s_thread_locals_are_counted_either_way() {
        assert_eq!(LARGE.with(|large| large[7].get()), 1);
        assert!(added_up() > 10_000);
        if let Some(bytes) = asked() {
            assert!(bytes > 10_000, "{bytes}");
            assert!(
                bytes < added_up() + (1 << 20),
                "{bytes}: what else is there?"
            );
        }
        assert!(taken_by_libc() > 10_000);
    }
}
