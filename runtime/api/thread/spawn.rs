//! Joinable goroutines, as std spawns threads.
#![allow(
    unsafe_code,
    reason = "hands the closure to the scheduler, whose contract it keeps"
)]

use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use crate::api::thread::join::{JoinHandle, Packet};
use crate::api::thread::local::end_locals;
use crate::core::sched::spawn::spawn as spawn_g;
use crate::ext::kind::Kind;
use crate::ext::life::{Birth, PlaceOfBirth};
use crate::ext::stackalloc::class_for;

/// Properties of a goroutine to be spawned.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let h = gosched::thread::Builder::new()
///         .name("deep".into())
///         .stack_size(8 << 20)
///         .spawn(|| gosched::thread::current().name().map(str::to_owned))
///         .unwrap();
///     assert_eq!(h.join().unwrap().as_deref(), Some("deep"));
/// }) };
/// ```
#[derive(Debug, Default)]
#[must_use = "must eventually spawn the goroutine"]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// No name, the runtime's stack size.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the goroutine, for panics, dumps and `Thread::name`.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn name(mut self, name: String) -> Builder {
        self.name = Some(name);
        self
    }

    /// The most stack it may use, in bytes; rounded up to a power of two from 64 KiB to 1 GiB.
    /// It takes memory only as it is used.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// Spawns a goroutine that runs `f`.
    ///
    /// # Errors
    /// If the stack size is above 1 GiB, or there is not one stack of that size on this system, or
    /// there can be no more (a kernel before 6.13, `vm.max_map_count`): the error holds a
    /// [`StackError`](crate::StackError), which says why and what to do. A goroutine for which there
    /// is no stack *now*, by a limit of memory, waits until another gives one back.
    ///
    /// # Panics
    /// If the runtime has not been started, or the name holds a NUL byte (as std).
    ///
    /// # Examples
    /// See [`Builder`].
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: F and T are 'static.
        unsafe { self.spawn_unchecked(f) }
    }

    /// As [`spawn`](Builder::spawn), for a closure that borrows.
    ///
    /// # Errors
    /// As [`spawn`](Builder::spawn).
    ///
    /// # Panics
    /// As [`spawn`](Builder::spawn).
    ///
    /// # Safety
    /// Everything that `f` and its result borrow outlives the goroutine and every handle to it.
    /// So join the goroutine, also when a panic unwinds. [`scope`](crate::api::thread::scope)
    /// does this by itself.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let word = String::from("gopher");
    ///     // SAFETY: joined here, before `word` goes.
    ///     let length = unsafe { gosched::thread::Builder::new().spawn_unchecked(|| word.len()) };
    ///     assert_eq!(length.unwrap().join().unwrap(), 6);
    /// }) };
    /// ```
    #[track_caller]
    pub unsafe fn spawn_unchecked<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let packet = Arc::new(Packet::new());
        // SAFETY: the caller's promise.
        unsafe { self.start(Arc::clone(&packet), f) }?;
        Ok(JoinHandle::new(packet))
    }

    /// Starts `f` with its result going to `packet`.
    ///
    /// # Safety
    /// Everything that `f` and `T` borrow outlives the goroutine.
    #[track_caller]
    pub(crate) unsafe fn start<F, T>(self, packet: Arc<Packet<T>>, f: F) -> io::Result<()>
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let class = self.stack_size.map(class_for).transpose()?;
        if let Some(name) = self.name {
            let whole = !name.contains('\0');
            assert!(whole, "thread name may not contain interior null bytes");
            packet.place.set_name(name.into_boxed_str());
        }
        let birth = Birth {
            at: Location::caller(),
            class,
            kind: Kind::Goroutine,
            // SAFETY: it is in the packet, which the body drops last.
            place: Some(unsafe { PlaceOfBirth::new(&packet.place) }),
        };
        let body = move || {
            let result = catch_unwind(AssertUnwindSafe(f));
            end_locals();
            packet.finish(result);
            drop(packet); // maybe with the result; and it has the place: nothing may follow
        };
        // SAFETY: the caller's promise; the body catches its own panics.
        unsafe { spawn_g(birth, body) }?;
        Ok(())
    }
}

/// Spawns a goroutine that runs `f`, and gives a handle to wait for its result.
/// [Which one when?](crate::thread#which-way-to-start-a-goroutine)
///
/// # Panics
/// If the runtime has not been started, or there can be no stack for it; see [`Builder::spawn`]
/// for a way that returns an error.
///
/// # Examples
/// See [`JoinHandle::join`].
///
/// Go: the `go` statement; for one that nobody waits for see [`go`](crate::go).
#[track_caller]
#[doc(alias = "go")]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match Builder::new().spawn(f) {
        Ok(handle) => handle,
        Err(e) => panic!("failed to spawn a goroutine: {e}"),
    }
}
