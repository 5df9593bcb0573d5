//! Goroutines with a common task; the group keeps their first error.
//!
//! A goroutine that panics or calls `goexit` ends abnormally: this cancels the group as an error
//! does, and `wait` passes it on. The limit is a channel whose capacity is the number of
//! goroutines that may run.
//!
//! Go: golang.org/x/sync/errgroup.
#![forbid(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Arc, PoisonError};

use crate::api::go::go_at;
use crate::api::thread::goexit::{goexit, is_goexit};
use crate::api::thread::panic::this_goroutine;
use crate::channel::Receiver;
use crate::channel::Sender;
use crate::channel::bounded;
use crate::context::BoxError;
use crate::context::CancelCauseFunc;
use crate::context::Cause;
use crate::context::Context;
use crate::context::with_cancel_cause;
use crate::sync::Mutex;
use crate::sync::MutexGuard;
use crate::sync::WaitGroup;
use crate::thread::Scope;

/// Runs parts of a task in goroutines, waits for all of them, and returns the first error.
///
/// Clones are the same group, so that a goroutine of it can start others. The functions return
/// `Result<(), BoxError>`: `?` works on every error, and `Err("words".into())` is one.
///
/// # Examples
/// ```
/// use gosched::sync::ErrGroup;
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let group = ErrGroup::new();
///     for text in ["1", "2", "three"] {
///         group.go(move || {
///             text.parse::<i32>()?;
///             Ok(())
///         });
///     }
///     let error = group.wait().unwrap_err();
///     assert_eq!(error.to_string(), "invalid digit found in string");
///     assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// }) };
/// ```
///
/// Go: errgroup.Group
#[derive(Clone, Default)]
#[doc(alias = "Group")]
pub struct ErrGroup(Arc<Shared>);

#[derive(Default)]
struct Shared {
    running: WaitGroup,
    cancel: Option<CancelCauseFunc>,
    limit: Mutex<Option<Limit>>,
    ended: Mutex<Ended>,
}

/// A goroutine that starts sends, a goroutine that has ended receives.
#[derive(Clone)]
struct Limit(Sender<()>, Receiver<()>);

#[derive(Default)]
struct Ended {
    error: Option<Cause>,
    abnormal: bool,
    panic: Option<Box<dyn Any + Send>>,
}

impl ErrGroup {
    /// A group without a limit or a context.
    ///
    /// # Examples
    /// See [`ErrGroup`].
    #[must_use]
    pub fn new() -> ErrGroup {
        ErrGroup::default()
    }

    /// A group with a context, derived from `parent`, that is cancelled when the first of its
    /// goroutines fails (the error is the cause), and at the latest when `wait` returns.
    ///
    /// # Examples
    /// ```
    /// use gosched::context::background;
    /// use gosched::sync::ErrGroup;
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let (group, ctx) = ErrGroup::with_context(&background());
    ///     let waits = ctx.clone();
    ///     group.go(move || {
    ///         let _ = waits.done().recv(); // until the other one fails
    ///         Ok(())
    ///     });
    ///     group.go(|| Err("broken".into()));
    ///     assert_eq!(group.wait().unwrap_err().to_string(), "broken");
    ///     assert_eq!(ctx.cause().unwrap().to_string(), "broken");
    /// }) };
    /// ```
    ///
    /// Go: errgroup.WithContext
    #[must_use]
    pub fn with_context(parent: &Context) -> (ErrGroup, Context) {
        let (context, cancel) = with_cancel_cause(parent);
        let shared = Shared {
            cancel: Some(cancel),
            ..Shared::default()
        };
        (ErrGroup(Arc::new(shared)), context)
    }

    /// From now on at most `limit` of the group's goroutines run at a time; `None`: any number.
    /// With zero none is let in any more.
    ///
    /// # Panics
    /// If goroutines of the group are running under the limit that was set before.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let group = gosched::sync::ErrGroup::new();
    ///     group.set_limit(Some(1));
    ///     let (s, r) = gosched::channel::bounded(0);
    ///     group.go(move || Ok(r.recv()?)); // waits
    ///     assert!(!group.try_go(|| Ok(())));
    ///     s.send(()).unwrap();
    ///     group.wait().unwrap();
    /// }) };
    /// ```
    ///
    /// Go: Group.SetLimit
    #[track_caller]
    pub fn set_limit(&self, limit: Option<usize>) {
        let mut place = lock(&self.0.limit);
        let active = place.as_ref().map_or(0, |limit| limit.1.len());
        if limit.is_some() && active != 0 {
            drop(place);
            panic!(
                "errgroup: modify limit while {active} goroutines in the group are still active"
            );
        }
        *place = limit.map(|n| {
            let (sender, receiver) = bounded(n);
            Limit(sender, receiver)
        });
    }

    fn limit(&self) -> Option<Limit> {
        lock(&self.0.limit).clone()
    }

    /// Runs `f` in a goroutine of the group, waiting until the limit lets it in.
    ///
    /// The first error cancels the group's context, if it has one.
    ///
    /// `f` cannot borrow, because nobody can be made to wait for the group; [`go_scoped`](ErrGroup::go_scoped)'s
    /// can. [Which one when?](crate::thread#which-way-to-start-a-goroutine)
    ///
    /// # Panics
    /// If the runtime has not been started.
    ///
    /// # Examples
    /// See [`ErrGroup`].
    ///
    /// Go: Group.Go
    #[track_caller]
    pub fn go<F>(&self, f: F)
    where
        F: FnOnce() -> Result<(), BoxError> + Send + 'static,
    {
        let member = self.enter();
        go_at(Location::caller(), move || member.run(f));
    }

    /// Waits until the limit lets one in.
    fn enter(&self) -> Member {
        let limit = self.limit();
        if let Some(Limit(sender, _)) = &limit {
            let _ = sender.send(()); // `limit` holds the other end, too
        }
        self.member(limit)
    }

    fn member(&self, limit: Option<Limit>) -> Member {
        let shared = Arc::clone(&self.0);
        shared.running.add(1);
        Member { shared, limit }
    }

    /// As [`go`](ErrGroup::go), for a closure that borrows: the goroutine is one of the scope's as
    /// well, which waits for it even when nobody waits for the group.
    ///
    /// A panic in `f` is the group's: [`wait`](ErrGroup::wait) passes it on, the scope does not.
    ///
    /// # Panics
    /// As [`Scope::spawn`].
    ///
    /// # Examples
    /// ```
    /// use gosched::sync::ErrGroup;
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let numbers = [String::from("1"), String::from("two")];
    ///     let answer = gosched::thread::scope(|s| {
    ///         let group = ErrGroup::new();
    ///         for text in &numbers {
    ///             group.go_scoped(s, || {
    ///                 text.parse::<i32>()?;
    ///                 Ok(())
    ///             });
    ///         }
    ///         group.wait()
    ///     });
    ///     assert_eq!(answer.unwrap_err().to_string(), "invalid digit found in string");
    /// }) };
    /// ```
    #[track_caller]
    pub fn go_scoped<'scope, F>(&self, scope: &'scope Scope<'scope, '_>, f: F)
    where
        F: FnOnce() -> Result<(), BoxError> + Send + 'scope,
    {
        let member = self.enter();
        scope.spawn(move || member.run(f));
    }

    /// As [`go`](ErrGroup::go), if the limit lets it in at once. Was it started?
    ///
    /// # Panics
    /// If the runtime has not been started.
    ///
    /// # Examples
    /// See [`ErrGroup::set_limit`].
    ///
    /// Go: Group.TryGo
    #[track_caller]
    #[must_use = "false: it was not started"]
    pub fn try_go<F>(&self, f: F) -> bool
    where
        F: FnOnce() -> Result<(), BoxError> + Send + 'static,
    {
        let limit = self.limit();
        let full = limit
            .as_ref()
            .is_some_and(|limit| limit.0.try_send(()).is_err());
        if !full {
            let member = self.member(limit);
            go_at(Location::caller(), move || member.run(f));
        }
        !full
    }

    /// Waits until all goroutines of the group have ended, and cancels its context.
    ///
    /// # Errors
    /// The first error that one of them returned.
    ///
    /// # Panics
    /// With the panic of a goroutine, if one panicked. If one called
    /// `goexit`, so does this.
    ///
    /// # Examples
    /// See [`ErrGroup`].
    ///
    /// Go: Group.Wait
    #[track_caller]
    pub fn wait(&self) -> Result<(), Cause> {
        self.0.running.wait();
        let mut ended = lock(&self.0.ended);
        let (error, abnormal, panic) =
            (ended.error.clone(), ended.abnormal, ended.panic.take());
        drop(ended);
        self.0.cancel(error.clone());
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        if abnormal && this_goroutine().is_some() {
            goexit();
        }
        error.map_or(Ok(()), Err)
    }
}

/// Counted, and let in; also when its goroutine cannot be started.
struct Member {
    shared: Arc<Shared>,
    limit: Option<Limit>,
}

impl Member {
    /// Runs `f` as one of the group; it is over when this returns.
    fn run(self, f: impl FnOnce() -> Result<(), BoxError>) {
        let ended = catch_unwind(AssertUnwindSafe(f));
        self.shared.note(ended);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(Limit(_, receiver)) = &self.limit {
            let _ = receiver.try_recv(); // one message is its own
        }
        self.shared.running.done();
    }
}

impl Shared {
    /// One goroutine has ended, in this way.
    fn note(&self, how: std::thread::Result<Result<(), BoxError>>) {
        let first = match how {
            Ok(Ok(())) => return,
            Ok(Err(error)) => self.failed(error),
            Err(payload) => self.broke(payload),
        };
        if first {
            let error = lock(&self.ended).error.clone();
            self.cancel(error);
        }
    }

    /// Returns `true` if it is the first that failed.
    fn failed(&self, error: BoxError) -> bool {
        let error = crate::context::shared(error);
        let mut ended = lock(&self.ended);
        let first = ended.error.is_none();
        if first {
            ended.error = Some(error);
        }
        first
    }

    /// Returns `true` if it is the first that did not return.
    fn broke(&self, payload: Box<dyn Any + Send>) -> bool {
        let mut ended = lock(&self.ended);
        let first = !std::mem::replace(&mut ended.abnormal, true);
        if !is_goexit(&*payload) && ended.panic.is_none() {
            ended.panic = Some(payload);
        }
        first
    }

    fn cancel(&self, error: Option<Cause>) {
        match (&self.cancel, error) {
            (Some(cancel), Some(error)) => cancel.cancel(error),
            (Some(cancel), None) => cancel.without_cause().cancel(),
            (None, _) => {}
        }
    }
}

/// Nothing that runs under these locks can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ErrGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("ErrGroup { .. }")
    }
}
