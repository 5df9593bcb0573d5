//! The calling goroutine's number and name, without the handle that
//! [`thread::current`](crate::thread::current) makes.
//!
//! The number is for messages and logs. Go does not show it, so that programs do not keep state
//! by it; for state there is `goroutine_local!`.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::Arc;

use crate::api::thread::panic::this_goroutine;
use crate::ext::diagnostics::identity::Identity;
use crate::ext::diagnostics::identity_table::identity_of;

/// The calling goroutine; `None` on a plain OS thread.
///
/// # Examples
/// ```
/// assert!(gosched::goroutine::current().is_none());
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let me = gosched::goroutine::current().unwrap();
///     assert_eq!(me.name(), Some("main"));
///     assert_eq!(Some(me.id()), gosched::goroutine::id());
/// }) };
/// ```
#[must_use]
pub fn current() -> Option<Goroutine> {
    this_goroutine().map(|g| Goroutine {
        id: g.id(),
        identity: identity_of(g),
        started_at: g.spawned_at.get(),
    })
}

/// The calling goroutine's number, as dumps and reports show it; `None` on a plain OS thread.
/// Numbers are never used twice.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let mine = gosched::goroutine::id();
///     let other = gosched::thread::spawn(gosched::goroutine::id).join().unwrap();
///     assert!(mine.is_some() && mine != other);
/// }) };
/// ```
///
/// Go: the N of `goroutine N`
#[doc(alias = "goid")]
#[must_use]
pub fn id() -> Option<u64> {
    this_goroutine().map(|g| g.id())
}

/// Facts about a goroutine. It may have ended by the time that the caller reads them.
///
/// # Examples
/// See [`current`].
#[derive(Clone, Debug)]
pub struct Goroutine {
    id: u64,
    identity: Option<Arc<Identity>>,
    started_at: Option<&'static Location<'static>>,
}

impl Goroutine {
    /// Its number.
    ///
    /// # Examples
    /// See [`current`].
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name given to it by [`Builder::name`](crate::thread::Builder::name); `main` for the one
    /// that [`run`](crate::run) started.
    ///
    /// # Examples
    /// See [`current`].
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.identity.as_deref()?.name.as_deref()
    }

    /// The line that started it.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let me = gosched::thread::spawn(gosched::goroutine::current).join().unwrap();
    ///     assert!(me.unwrap().started_at().unwrap().line() > 1);
    /// }) };
    /// ```
    #[must_use]
    pub fn started_at(&self) -> Option<&'static Location<'static>> {
        self.started_at
    }
}
