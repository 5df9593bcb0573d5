//! Every panic of a public function names the line that called it, not one of ours.
//!
//! The one test goes through them in order, because the first ones need a process in which the
//! runtime has not been started. The other one reads the sources: who documents `# Panics` has
//! `#[track_caller]`.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

use std::cell::RefCell;
use std::fs;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::task::{Context, Waker};
use std::time::Duration;

use gosched::Builder;
use gosched::channel::{Select, bounded, select, unbounded};
use gosched::context::{background, with_timeout};
use gosched::sync::{Arc, ErrGroup, LazyLock, Once, Semaphore, WaitGroup, mpsc};
use gosched::thread::{self, scope};
use gosched::time::{Ticker, after_func};

/// Where the last panic was, as its hook heard.
static SEEN: Mutex<Option<(String, u32)>> = Mutex::new(None);

fn listen() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().map(|at| (at.file().to_owned(), at.line()));
        *SEEN.lock().unwrap() = at;
    }));
}

/// `f` stands on the caller's line and panics with these words.
#[track_caller]
fn here<R>(words: &str, f: impl FnOnce() -> R) {
    let line = Location::caller().line();
    let payload = catch_unwind(AssertUnwindSafe(f)).err();
    let payload = payload.unwrap_or_else(|| Box::new("no panic"));
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or(payload.downcast_ref::<&str>().copied());
    let said = said.unwrap_or("?");
    let seen = SEEN.lock().unwrap().take();
    let near = line..line + 6; // rustfmt may have broken the line
    if !said.contains(words)
        || !seen
            .as_ref()
            .is_some_and(|at| at.0 == file!() && near.contains(&at.1))
    {
        let _ = std::panic::take_hook();
        panic!("line {line} wants {words:?}, and there was {said:?} at {seen:?}");
    }
}

const MS: Duration = Duration::from_millis(1);
const NOT_STARTED: &str = "the gosched runtime has not been started";

fn without_a_runtime() {
    here(NOT_STARTED, || gosched::go(|| ()));
    here(NOT_STARTED, || thread::spawn(|| ()));
    here(NOT_STARTED, || thread::Builder::new().spawn(|| ()));
    here(NOT_STARTED, || scope(|s| drop(s.spawn(|| ()))));
    here(NOT_STARTED, || after_func(MS, || ()));
    here(NOT_STARTED, || with_timeout(&background(), MS));
    here(NOT_STARTED, || gosched::gomaxprocs(2));
    here(NOT_STARTED, || gosched::set_default_gomaxprocs());
    here(NOT_STARTED, || Arc::new(WaitGroup::new()).go(|| ()));
    here(NOT_STARTED, || ErrGroup::new().go(|| Ok(())));
    here(NOT_STARTED, || ErrGroup::new().try_go(|| Ok(())));
    here("goexit called outside", || gosched::goexit());
}

/// Settings that cannot be, and variables that nobody can read.
fn refused_settings() {
    // SAFETY: nothing in the closures is tied to a thread.
    here("want a number", || unsafe {
        Builder::new().procs(0).run(|| ())
    });
    let huge = Builder::new().stack_size(usize::MAX);
    // SAFETY: as above.
    here("is too large", || unsafe { huge.run(|| ()) });
    for (name, value) in [("GOSCHED", "nonsense=1"), ("GOMAXPROCS", "many")] {
        // SAFETY: no other thread of this process reads the environment: libtest's one waits.
        unsafe { std::env::set_var(name, value) };
        // SAFETY: nothing in the closure is tied to a thread.
        here(name, || unsafe { gosched::run(|| ()) });
        // SAFETY: as above.
        unsafe { std::env::remove_var(name) };
    }
}

fn channels() {
    here("capacity overflow", || bounded::<u64>(usize::MAX));
    here("capacity overflow", || {
        mpsc::sync_channel::<u64>(usize::MAX)
    });
    let (s, r) = unbounded();
    let (_s2, r2) = bounded::<u8>(1);
    s.send(1_u8).unwrap();
    let mut sel = Select::new();
    sel.recv(&r);
    here("index out of bounds", || sel.remove(7));
    here("wasn't selected", || sel.select().recv(&r2));
    sel.remove(0);
    here("no operation with", || sel.remove(0));
    here("no operations have been", || sel.select());
    here("no operations have been", || sel.ready());
    (0..65_533).for_each(|_| _ = sel.recv(&r2));
    here("too many operations", || drop(sel.try_select()));
    here("too many operations", || drop(sel.select_timeout(MS)));
    here("too many operations", || {
        drop(sel.select_deadline(std::time::Instant::now()))
    });
    here("too many operations", || sel.try_ready());
    here("too many operations", || sel.ready_timeout(MS));
    here("too many operations", || {
        sel.ready_deadline(std::time::Instant::now())
    });
    s.close();
    here("close of closed channel", || s.close());
    select! { recv(r) -> msg => assert!(msg.is_err()) }
}

fn locks() {
    let wg = WaitGroup::new();
    here("negative WaitGroup counter", || wg.done());
    here("counter overflow", || wg.add(isize::MAX));
    let sem = Semaphore::new(1);
    here("cannot acquire 2 of 1", || sem.acquire(2));
    here("released more than held", || sem.release(1));
    let once = Once::new();
    here("first", || once.call_once(|| panic!("first")));
    here("previously been poisoned", || once.call_once(|| ()));
    here("previously been poisoned", || once.wait());
    let mut lazy: LazyLock<u8> = LazyLock::new(|| -> u8 { panic!("first") });
    assert!(catch_unwind(AssertUnwindSafe(|| *lazy)).is_err());
    here("previously been poisoned", || *lazy);
    here("previously been poisoned", || *LazyLock::force(&lazy));
    here("previously been poisoned", || {
        *LazyLock::force_mut(&mut lazy)
    });
}

gosched::goroutine_local! {
    static LOCAL: RefCell<u8> = const { RefCell::new(1) };
}

fn locals() {
    let words = |f: &dyn Fn(&RefCell<u8>)| {
        let e = catch_unwind(AssertUnwindSafe(|| f(&RefCell::new(1)))).unwrap_err();
        let text = e.downcast_ref::<&str>().map(|words| (*words).to_owned());
        text.unwrap_or_else(|| e.downcast_ref::<String>().unwrap().clone())
    };
    let std_s = words(&|cell| {
        let _mine = cell.borrow_mut();
        drop(cell.borrow());
    });
    LOCAL.with_borrow_mut(|_| here(&std_s, || LOCAL.with_borrow(|_| ())));
    let std_s = words(&|cell| {
        let _mine = cell.borrow();
        drop(cell.borrow_mut());
    });
    LOCAL.with_borrow(|_| {
        here(&std_s, || LOCAL.with_borrow_mut(|_| ()));
        here(&std_s, || LOCAL.set(2));
        here(&std_s, || LOCAL.take());
        here(&std_s, || LOCAL.replace(2));
    });
    assert_eq!(LOCAL.take(), 1);
}

fn the_rest() {
    here("non-positive interval", || Ticker::new(Duration::ZERO));
    let ticker = Ticker::new(MS);
    here("non-positive interval", || ticker.reset(Duration::ZERO));
    here("want at most 1024", || gosched::gomaxprocs(1025));
    here("interior null bytes", || {
        thread::Builder::new().name("a\0b".into()).spawn(|| ())
    });
    here("stack::grow", || {
        gosched::stack::grow(usize::MAX, usize::MAX, || ())
    });
    here("a scoped thread panicked", || {
        scope(|s| drop(s.spawn(|| std::panic::resume_unwind(Box::new(())))));
    });
    let group = ErrGroup::new();
    group.set_limit(Some(1));
    let (s, r) = bounded::<()>(0);
    group.go(move || {
        let _ = r.recv();
        Ok(())
    });
    here("modify limit while 1", || group.set_limit(Some(2)));
    drop(s);
    group.wait().unwrap();
    let mut handle = std::pin::pin!(thread::spawn(|| ()));
    gosched::future::block_on(handle.as_mut()).unwrap();
    let mut task = Context::from_waker(Waker::noop());
    here("already taken", || handle.as_mut().poll(&mut task));
}

#[test]
fn each_panic_names_its_callers_line() {
    listen();
    without_a_runtime();
    refused_settings();
    channels();
    locks();
    // SAFETY: nothing in the closure is tied to a thread.
    unsafe {
        gosched::run(|| {
            listen(); // `run` has set a hook in front
            [channels, locks, locals, the_rest].iter().for_each(|f| f());
        });
    }
    let _ = std::panic::take_hook();
}

/// Functions whose panic is somebody else's: a future's, or what a goroutine ended with.
const NOT_OURS: [&str; 1] = ["pub fn block_on<"];

#[test]
fn whoever_documents_panics_tracks_its_caller() {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime");
    let mut files = Vec::new();
    ["api", "ext"]
        .iter()
        .for_each(|part| sources(&runtime.join(part), &mut files));
    let mut found = 0;
    for file in files {
        let (mut panics, mut tracks) = (false, false);
        for (number, line) in (1..).zip(fs::read_to_string(&file).unwrap().lines()) {
            let line = line.trim();
            panics |= line == "/// # Panics";
            tracks |= line == "#[track_caller]";
            if line.starts_with("///") || line.starts_with("#[") {
                continue;
            }
            let is_public = line.starts_with("pub ") && line.contains("fn ");
            if panics && is_public && !NOT_OURS.iter().any(|name| line.starts_with(name)) {
                assert!(tracks, "{}:{number}: {line}", file.display());
                found += 1;
            }
            (panics, tracks) = (false, false);
        }
    }
    assert!(found > 40, "only {found} were looked at");
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}
