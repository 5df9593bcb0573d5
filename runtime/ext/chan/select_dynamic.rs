//! `Select`: a select whose cases are known only at run time. Go: reflect.Select.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::{Duration, Instant};

use crate::ext::chan::case::{Case, Registry, Selected};
use crate::ext::chan::errors::{
    ReadyTimeoutError, RecvError, SelectTimeoutError, SendError, TryReadyError, TrySelectError,
};
use crate::ext::chan::patience::Patience;
use crate::ext::chan::receiver::Receiver;
use crate::ext::chan::select::{Goal, select};
use crate::ext::chan::sender::Sender;
use crate::ext::chan::value_cell::AnyCell;

/// Selects among operations that are added one by one.
///
/// An operation is ready when it would not block, also when that is because the channel is
/// disconnected. A `select*` method picks one ready operation, which must then be completed
/// through the [`SelectedOperation`]; a `ready*` method only tells which one was ready, and
/// another goroutine may be faster. Among several ready ones each is equally likely, unless the
/// select is biased. Where the list is known in advance, [`select!`](crate::channel::select) is
/// handier.
///
/// # Panics
/// All methods that look at the operations do, when there are more than 65,532 of them; and those
/// that wait without an end do, when there is none.
///
/// ```
/// use gosched::channel::{Select, unbounded};
///
/// let (s1, r1) = unbounded();
/// let (s2, r2) = unbounded();
/// s1.send(1).unwrap();
/// let mut sel = Select::new();
/// let first = sel.recv(&r1);
/// let second = sel.send(&s2);
/// let oper = sel.select();
/// match oper.index() {
///     i if i == first => assert_eq!(oper.recv(&r1), Ok(1)),
///     i if i == second => {
///         oper.send(&s2, 2).unwrap();
///         assert_eq!(r2.recv(), Ok(2));
///     }
///     _ => unreachable!(),
/// }
/// ```
#[doc(alias = "reflect")]
#[doc(alias = "SelectCase")]
pub struct Select<'a> {
    cases: Registry<'a>,
    next_index: usize,
    biased: bool,
}

impl<'a> Select<'a> {
    /// No operations yet; each ready one is as likely to be picked.
    ///
    /// See [`Select`].
    #[must_use]
    pub fn new() -> Select<'a> {
        Select {
            cases: Registry::default(),
            next_index: 0,
            biased: false,
        }
    }

    /// No operations yet; of several ready ones the one that was added first is picked.
    ///
    /// ```
    /// use gosched::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// s.send(()).unwrap();
    /// let mut sel = Select::new_biased();
    /// sel.recv(&r);
    /// sel.recv(&r);
    /// assert_eq!(sel.ready(), 0);
    /// ```
    #[must_use]
    pub fn new_biased() -> Select<'a> {
        Select {
            biased: true,
            ..Select::new()
        }
    }

    /// Adds a send; returns the operation's index.
    ///
    /// See [`Select`].
    pub fn send<T>(&mut self, s: &'a Sender<T>) -> usize {
        self.add(|index| Case::send(s, index))
    }

    /// Adds a receive; returns the operation's index.
    ///
    /// See [`Select`].
    pub fn recv<T>(&mut self, r: &'a Receiver<T>) -> usize {
        self.add(|index| Case::recv(r, None, index))
    }

    fn add(&mut self, case: impl FnOnce(usize) -> Case<'a>) -> usize {
        let index = self.next_index;
        self.cases.push(case(index));
        self.next_index += 1;
        index
    }

    /// Removes an operation. The others keep their indices, and this one is not used again.
    ///
    /// # Panics
    /// When there is no such operation, or it was removed before.
    ///
    /// ```
    /// use gosched::channel::{Select, never};
    ///
    /// let r = never::<i32>();
    /// let mut sel = Select::new();
    /// let index = sel.recv(&r);
    /// sel.remove(index);
    /// assert!(sel.try_select().is_err());
    /// ```
    #[track_caller]
    pub fn remove(&mut self, index: usize) {
        let limit = self.next_index;
        assert!(index < limit, "index out of bounds; {index} >= {limit}");
        let at = self.cases.0.iter().position(|case| case.index == index);
        let at = at.expect("no operation with this index");
        // In place, for the order of a biased select.
        self.cases.0.remove(at);
    }

    #[track_caller]
    fn run(&mut self, patience: Patience) -> Option<SelectedOperation<'a>> {
        let cases = &self.cases.0;
        let space = AnyCell::for_any(cases.iter().map(|case| case.handle.need()));
        let (at, how) = select(cases, Some(&space), Goal::Act, patience, self.biased)?;
        let selected = Selected::new(cases[at], how, Some(space));
        Some(SelectedOperation(Some(selected)))
    }

    #[track_caller]
    fn watch(&mut self, patience: Patience) -> Option<usize> {
        let cases = &self.cases.0;
        let (at, _) = select(cases, None, Goal::Watch, patience, self.biased)?;
        Some(cases[at].index)
    }

    /// Picks a ready operation, if there is one.
    ///
    /// # Errors
    /// None was ready.
    ///
    /// ```
    /// use gosched::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded::<i32>();
    /// let mut sel = Select::new();
    /// sel.recv(&r);
    /// assert!(sel.try_select().is_err());
    /// s.send(3).unwrap();
    /// assert_eq!(sel.try_select().unwrap().recv(&r), Ok(3));
    /// ```
    #[track_caller]
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.run(Patience::None).ok_or(TrySelectError)
    }

    /// Picks a ready operation, waiting until there is one.
    ///
    /// # Panics
    /// When there is no operation at all.
    ///
    /// See [`Select`].
    #[track_caller]
    pub fn select(&mut self) -> SelectedOperation<'a> {
        self.demand_cases();
        match self.run(Patience::Endless) {
            Some(oper) => oper,
            None => unreachable!("a wait without end has ended"),
        }
    }

    /// Picks a ready operation, waiting for so long.
    ///
    /// # Errors
    /// None was ready in time.
    ///
    /// ```
    /// use gosched::channel::{Select, never};
    /// use std::time::Duration;
    ///
    /// let r = never::<i32>();
    /// let mut sel = Select::new();
    /// sel.recv(&r);
    /// assert!(sel.select_timeout(Duration::from_millis(1)).is_err());
    /// ```
    #[track_caller]
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        match Patience::after(timeout) {
            Patience::Endless => Ok(self.select()),
            patience => self.run(patience).ok_or(SelectTimeoutError),
        }
    }

    /// Picks a ready operation, waiting until then.
    ///
    /// # Errors
    /// None was ready in time.
    ///
    /// See [`Select::select_timeout`].
    #[track_caller]
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Patience::until(deadline))
            .ok_or(SelectTimeoutError)
    }

    /// The index of a ready operation, if there is one.
    ///
    /// # Errors
    /// None was ready.
    ///
    /// See [`TryReadyError`](crate::channel::TryReadyError).
    #[track_caller]
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.watch(Patience::None).ok_or(TryReadyError)
    }

    /// The index of a ready operation, waiting until there is one.
    ///
    /// # Panics
    /// When there is no operation at all.
    ///
    /// ```
    /// use gosched::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let sender = std::thread::spawn(move || s.send(4));
    /// let mut sel = Select::new();
    /// let index = sel.recv(&r);
    /// assert_eq!(sel.ready(), index);
    /// assert_eq!(r.try_recv(), Ok(4));
    /// sender.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn ready(&mut self) -> usize {
        self.demand_cases();
        match self.watch(Patience::Endless) {
            Some(index) => index,
            None => unreachable!("a wait without end has ended"),
        }
    }

    /// The index of a ready operation, waiting for so long.
    ///
    /// # Errors
    /// None was ready in time.
    ///
    /// See [`ReadyTimeoutError`](crate::channel::ReadyTimeoutError).
    #[track_caller]
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        match Patience::after(timeout) {
            Patience::Endless => Ok(self.ready()),
            patience => self.watch(patience).ok_or(ReadyTimeoutError),
        }
    }

    /// The index of a ready operation, waiting until then.
    ///
    /// # Errors
    /// None was ready in time.
    ///
    /// See [`Select::ready_timeout`].
    #[track_caller]
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.watch(Patience::until(deadline))
            .ok_or(ReadyTimeoutError)
    }

    #[track_caller]
    fn demand_cases(&self) {
        if self.cases.0.is_empty() {
            panic!("no operations have been added to `Select`");
        }
    }
}

impl Clone for Select<'_> {
    fn clone(&self) -> Self {
        Select {
            cases: self.cases.clone(),
            next_index: self.next_index,
            biased: self.biased,
        }
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Select { .. }")
    }
}

/// An operation that a [`Select`] has picked, and that must be completed: a send by
/// [`send`](SelectedOperation::send), a receive by [`recv`](SelectedOperation::recv).
///
/// A receive has its message already; a send has its room, or its receiver, kept for it.
///
/// # Panics
/// When it is dropped without being completed.
///
/// See [`Select`].
#[must_use]
pub struct SelectedOperation<'a>(Option<Selected<'a>>);

impl<'a> SelectedOperation<'a> {
    /// The index of the operation, as `Select::send` or `Select::recv` gave it.
    ///
    /// See [`Select`].
    pub fn index(&self) -> usize {
        self.0
            .as_ref()
            .map_or(usize::MAX, |selected| selected.case.index)
    }

    fn complete(mut self) -> Selected<'a> {
        match self.0.take() {
            Some(selected) => selected,
            None => unreachable!("completed twice"),
        }
    }

    /// Completes a send.
    ///
    /// # Errors
    /// The message comes back when the channel is disconnected or closed.
    ///
    /// # Panics
    /// When it was not a send on this sender's channel that was selected.
    ///
    /// A clone of the sender will do:
    /// ```
    /// use gosched::channel::{Select, unbounded};
    ///
    /// let (s, r) = unbounded();
    /// let mut sel = Select::new();
    /// sel.send(&s);
    /// sel.select().send(&s.clone(), 5).unwrap();
    /// assert_eq!(r.recv(), Ok(5));
    /// ```
    #[track_caller]
    pub fn send<T>(self, s: &Sender<T>, msg: T) -> Result<(), SendError<T>> {
        self.complete().send(s, msg)
    }

    /// Completes a receive.
    ///
    /// # Errors
    /// The channel is empty and disconnected or closed.
    ///
    /// # Panics
    /// When it was not a receive from this receiver's channel that was selected. A clone of the
    /// receiver will do.
    ///
    /// See [`Select`].
    #[track_caller]
    pub fn recv<T>(self, r: &Receiver<T>) -> Result<T, RecvError> {
        self.complete().recv(r)
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SelectedOperation { .. }")
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if self.0.is_some() && !std::thread::panicking() {
            panic!("dropped `SelectedOperation` without completing the operation");
        }
    }
}
