//! Thread-locals of a library that is loaded while goroutines run: their blocks are on the heap,
//! and no thread knows of them when it starts.
#![allow(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "loads a library"
)]
#![allow(dead_code, unreachable_pub, reason = "uses a part of what it includes")]

#[path = "support/child.rs"]
mod child;
#[path = "tls-cases/src/migrate.rs"]
mod migrate;

use std::ffi::{CStr, CString, c_void};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);
/// So many libraries are loaded: some are known to a thread when it comes to the next.
const LIBRARIES: usize = 3;

const SOURCE: &str = r#"
    use std::cell::Cell;
    use std::hint::black_box;
    thread_local!(static LATE: Cell<u64> = const { Cell::new(0) });

    #[inline(never)]
    fn fresh() -> u64 { LATE.get() }

    /// True: after the suspension, it is still the calling thread's.
    #[unsafe(no_mangle)]
    pub extern "C" fn hold(suspend: extern "C" fn(), value: u64) -> bool {
        LATE.with(|late| {
            let held = black_box(late);
            held.set(value);
            suspend();
            let right = held.get() == value && fresh() == value;
            black_box(&held);
            right
        })
    }
"#;

type Hold = unsafe extern "C" fn(extern "C" fn(), u64) -> bool;

extern "C" fn suspend() {
    migrate::migrate();
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("tls_late")
}

fn library(i: usize) -> PathBuf {
    folder().join(format!("liblate{i}.so"))
}

/// Builds them. False: there is no compiler here.
fn build() -> bool {
    std::fs::create_dir_all(folder()).unwrap();
    let source = folder().join("late.rs");
    std::fs::write(&source, SOURCE).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let first = library(0);
    let built = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=cdylib", "-O", "-o"])
        .args([&first, &source])
        .output();
    let Ok(built) = built else { return false };
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    for i in 1..LIBRARIES {
        std::fs::copy(&first, library(i)).unwrap();
    }
    true
}

/// Where they are. Made before the goroutine, and kept: the block of a thread-local may get the memory of
/// a path that is freed, and a slot of a frame that still has its address would look like a reference.
fn paths() -> Vec<CString> {
    let path = |i| CString::new(library(i).into_os_string().into_encoded_bytes()).unwrap();
    (0..LIBRARIES).map(path).collect()
}

fn load(path: &CStr) -> Hold {
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{path:?}");
    let hold = unsafe { libc::dlsym(library, c"hold".as_ptr()) };
    assert!(!hold.is_null());
    unsafe { std::mem::transmute::<*mut c_void, Hold>(hold) }
}

/// How often it was wrong.
fn wrong(paths: &[CString]) -> usize {
    let mut wrong = 0;
    for path in paths {
        let hold = load(path);
        for _ in 0..20 {
            let value = migrate::next() as u64;
            wrong += usize::from(!unsafe { hold(suspend, value) });
            // Free to go meanwhile: so that each thread gets to know it.
            migrate::migrate();
        }
    }
    wrong
}

const NAME: &str = "thread_locals_of_a_library_loaded_later";

#[test]
fn thread_locals_of_a_library_loaded_later() {
    let builder = gosched::Builder::new().procs(2);
    let paths = paths();
    match child::role().as_deref() {
        Some("guarded") => {
            // SAFETY: what is held is what is tested.
            let wrong = unsafe { builder.run(|| wrong(&paths)) };
            assert_eq!(wrong, 0);
            // Without optimisation an old frame's reference may lie about in a newer frame.
            let moved = migrate::MOVED.load(Relaxed) > 0;
            assert!(moved || cfg!(debug_assertions), "nobody ever moved");
            assert!(migrate::STAYED.load(Relaxed) > 0, "nobody was ever kept");
            return println!("all right");
        }
        Some(_) => {
            // SAFETY: none: to see it go wrong.
            let unguarded = unsafe { builder.without_tls_guard() };
            // SAFETY: as above.
            let wrong = unsafe { unguarded.run(|| wrong(&paths)) };
            return println!("{} went wrong", if wrong > 0 { "some" } else { "none" });
        }
        None => (),
    }
    if !build() {
        eprintln!("no rustc here: nothing was tested");
        return;
    }
    let ended = child::run(&mut child::again(NAME, "guarded"), LIMIT);
    assert!(ended.stdout.contains("all right"), "{ended}");
    let ended = child::run(&mut child::again(NAME, "unguarded"), LIMIT);
    assert!(ended.stdout.contains("some went wrong"), "{ended}");
}
