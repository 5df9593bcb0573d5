//! For tests that end the process, or need a process of their own: the test runs its own binary
//! again, with only this test in it.
#![allow(unsafe_code, reason = "uses slots as a goroutine would")]

use std::ffi::c_void;
use std::process::{Command, Output, exit};

use crate::ext::linux::memory as mem;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::depot;
use crate::ext::stackalloc::slot::SlotRef;

const KEY: &str = "GOSCHED_TEST_CHILD";

/// In the parent: runs the test of this name (its path from the crate on) in a child, and answers
/// how it went. In the child: calls `body`, and leaves with status 0 if that returns.
pub(crate) fn in_child(test: &str, body: impl FnOnce()) -> Output {
    let test = test.split_once("::").map_or(test, |(_, path)| path); // as libtest names it
    if std::env::var_os(KEY).is_some_and(|name| name == test) {
        body();
        exit(0);
    }
    let binary = std::env::current_exe().expect("tests know their binary");
    Command::new(binary)
        .args([test, "--exact", "--nocapture"])
        .env(KEY, test)
        .output()
        .expect("the test binary can be run again")
}

/// The child's standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One slot of `class`, for good.
pub(crate) fn one(class: Class) -> SlotRef {
    let mut out = [None];
    depot::take(class, &mut out).expect("a slot");
    out[0].expect("a slot")
}

/// Writes to the top `pages` pages, as a goroutine that went so deep.
pub(crate) fn go_deep(slot: SlotRef, pages: usize) {
    for i in 1..=pages {
        let at = (slot.end() - i * mem::page_size()) as *mut usize;
        // SAFETY: in the slot, which is the caller's.
        unsafe { at.write(i) };
    }
}

/// What [`go_deep`] has written to that page; 0 when the page was dropped since.
pub(crate) fn deep_mark(slot: SlotRef, page: usize) -> usize {
    let at = (slot.end() - page * mem::page_size()) as *const usize;
    // SAFETY: in the slot, which is the caller's.
    unsafe { at.read_volatile() }
}

/// Writes a zero there.
pub(crate) fn clear_mark(slot: SlotRef, page: usize) {
    let at = (slot.end() - page * mem::page_size()) as *mut usize;
    // SAFETY: in the slot, which is the caller's.
    unsafe { at.write_volatile(0) };
}

/// Runs `entry` on the stack of `slot`, as a goroutine would, and waits for it.
pub(crate) fn run_on(
    slot: SlotRef,
    entry: extern "C" fn(*mut c_void) -> *mut c_void,
    argument: usize,
) {
    let mut thread = 0;
    // SAFETY: all zeros is a place for `init` to fill.
    let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    // SAFETY: the place is ours.
    unsafe { libc::pthread_attr_init(&raw mut attributes) };
    let (at, len) = (slot.limit() as *mut c_void, slot.top() - slot.limit());
    // SAFETY: the slot is ours alone, writable, and stays mapped forever.
    let set = unsafe { libc::pthread_attr_setstack(&raw mut attributes, at, len) };
    assert_eq!(set, 0);
    let argument = argument as *mut c_void;
    // SAFETY: attributes and entry are valid.
    let made = unsafe {
        libc::pthread_create(&raw mut thread, &raw const attributes, entry, argument)
    };
    assert_eq!(made, 0);
    // SAFETY: created above, joined once.
    unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
}

/// Sets a limit of this process, as `ulimit` does.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: reads the struct only.
    let set = unsafe { libc::setrlimit(resource, &raw const limit) };
    assert_eq!(set, 0);
}
