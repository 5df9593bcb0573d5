//! Asks the dynamic linker for the calling thread's block of a module that was loaded late.
//!
//! Invariant: the module is held during the request, as another thread may unload it.
#![allow(unsafe_code, reason = "asks the dynamic linker")]

#[cfg(not(target_feature = "crt-static"))]
use std::ffi::{CStr, c_int, c_void};

#[cfg(not(target_feature = "crt-static"))]
unsafe extern "C" {
    /// The psABI's: the address of the calling thread's block, which it makes if need be.
    fn __tls_get_addr(index: *const [usize; 2]) -> *mut c_void;
    /// The C library's: what there is to know of a handle of `dlopen`'s.
    fn dlinfo(handle: *mut c_void, request: c_int, answer: *mut c_void) -> c_int;
}

/// Makes the calling thread's block of the module now, as it would not show in the generation.
///
/// Another thread may unload it at any moment, and `__tls_get_addr` of a module that is gone
/// crashes. So it is held meanwhile: by its name, which may be another one's by now.
#[cfg(not(target_feature = "crt-static"))]
pub(crate) fn make_block(id: usize) {
    let mut wanted = Wanted {
        id,
        name: Vec::with_capacity(libc::PATH_MAX as usize),
    };
    // SAFETY: the callback gets our `wanted`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(find), (&raw mut wanted).cast()) };
    let Ok(name) = CStr::from_bytes_with_nul(&wanted.name) else {
        return; // it is gone
    };
    // SAFETY: nothing is loaded, so no code of the module's runs.
    let held = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
    if held.is_null() {
        return;
    }
    let mut held_id = 0_usize;
    // SAFETY: a handle that is held; the answer is one word.
    let told = unsafe { dlinfo(held, RTLD_DI_TLS_MODID, (&raw mut held_id).cast()) };
    if told == 0 && held_id == id {
        let index = [id, 0];
        // SAFETY: the id is of a loaded module with thread-locals, which is held.
        unsafe { __tls_get_addr(&raw const index) };
    }
    // SAFETY: held once above. It may be the last who held it.
    unsafe { libc::dlclose(held) };
}

/// glibc's; musl makes all blocks at once, so nothing is asked for there.
#[cfg(not(target_feature = "crt-static"))]
const RTLD_DI_TLS_MODID: c_int = 9;

/// Whose name is asked for.
#[cfg(not(target_feature = "crt-static"))]
struct Wanted {
    id: usize,
    name: Vec<u8>,
}

/// Notes the name of the one that is wanted, without allocating: under the dynamic linker's lock.
///
/// # Safety
/// As `dl_iterate_phdr` calls it, with `data` a `Wanted`.
#[cfg(not(target_feature = "crt-static"))]
unsafe extern "C" fn find(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    data: *mut c_void,
) -> i32 {
    // SAFETY: the dynamic linker's promise.
    let info = unsafe { &*info };
    // SAFETY: the caller's promise.
    let wanted = unsafe { &mut *data.cast::<Wanted>() };
    if info.dlpi_tls_modid != wanted.id {
        return 0;
    }
    // SAFETY: the dynamic linker's promise.
    let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes_with_nul();
    if name.len() <= wanted.name.capacity() {
        wanted.name.extend_from_slice(name);
    }
    1
}

/// A static program has no `__tls_get_addr` to link to, and one block, which every thread has from
/// its start.
#[cfg(target_feature = "crt-static")]
pub(crate) fn make_block(_id: usize) {}
