//! A select's cases, and the operation that was selected: where types are forgotten and
//! where they come back.
//!
//! Go: select.go scase.
#![allow(
    unsafe_code,
    reason = "takes a value out of a space as the type of the receiver that filled it"
)]

use std::marker::PhantomData;

use crate::core::m::enter::enter;
use crate::ext::chan::errors::{RecvError, SendError};
use crate::ext::chan::receiver::Receiver;
use crate::ext::chan::select_handle::SelectHandle;
use crate::ext::chan::sender::Sender;
use crate::ext::chan::value_cell::{AnyCell, CellPtr, ValueCell};

/// One case of a select: a side of a channel. Made by `select!` and `Select`.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub(crate) handle: &'a dyn SelectHandle,
    /// Where a received value goes; `None`: into the select's own space, or it is a send.
    pub(crate) place: Option<CellPtr<'a>>,
    /// Its number for the user.
    pub(crate) index: usize,
    is_send: bool,
    /// The id of the G to which this case belongs; an id is never used again. 0: none.
    owner: u64,
    discard: fn(&AnyCell),
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("Case { .. }")
    }
}

impl<'a> Case<'a> {
    pub(crate) fn recv<T>(
        receiver: &'a Receiver<T>,
        place: Option<&'a ValueCell<T>>,
        index: usize,
    ) -> Case<'a> {
        Case {
            handle: receiver,
            place: place.map(ValueCell::place),
            index,
            is_send: false,
            owner: 0,
            discard: |space| {
                // SAFETY: called on the space that this very case's receiver has filled.
                drop(unsafe { space.take::<T>() });
            },
        }
    }

    pub(crate) fn send<T>(sender: &'a Sender<T>, index: usize) -> Case<'a> {
        Case {
            handle: sender,
            place: None,
            index,
            is_send: true,
            owner: 0,
            discard: |_| (),
        }
    }
}

impl Case<'_> {
    /// Its place in the order of locking.
    pub(crate) fn lock_address(&self) -> usize {
        self.handle
            .lock_word()
            .map_or(0, |lock| std::ptr::from_ref(lock).addr())
    }

    /// What it means that this case is done.
    pub(crate) fn done(&self) -> How {
        if self.is_send {
            How::Promised
        } else {
            How::Received
        }
    }
}

/// The cases of a `Select`, which may go to another thread even when their messages may not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry<'a>(pub(crate) Vec<Case<'a>>);

// SAFETY: to get at a message one needs a handle of its channel, which is `Send` or `Sync` only
// if its messages are. A select on another thread may move a message there by its bytes, but
// nobody can look at it, and `Selected` drops it only on its owner's
// thread: the one whose number the case has.
unsafe impl Send for Registry<'_> {}
// SAFETY: as above.
unsafe impl Sync for Registry<'_> {}

impl<'a> Registry<'a> {
    pub(crate) fn push(&mut self, case: Case<'a>) {
        let owner = this_owner();
        self.0.push(Case { owner, ..case });
    }
}

/// The calling goroutine or foreign thread, as a number that is never used twice (a G is).
fn this_owner() -> u64 {
    enter().current().id()
}

/// What selecting has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The value is in its place.
    Received,
    /// The send will not block.
    Promised,
    Disconnected,
}

/// A selected case that has to be completed.
pub(crate) struct Selected<'a> {
    pub(crate) case: Case<'a>,
    how: How,
    /// Holds the received value, unless the case has a place of its own.
    space: Option<AnyCell>,
    /// Values may not be dropped on other threads than they were meant for.
    not_send: PhantomData<*const ()>,
}

impl<'a> Selected<'a> {
    pub(crate) fn new(case: Case<'a>, how: How, space: Option<AnyCell>) -> Selected<'a> {
        Selected {
            case,
            how,
            space,
            not_send: PhantomData,
        }
    }

    /// Is this the side, and the channel, that was selected? Any handle to it will do: channels
    /// are told apart by the addresses of their locks. A `never`, which has no lock, is not
    /// selected.
    fn is_for(&self, side: &dyn SelectHandle, is_send: bool) -> bool {
        self.case.is_send == is_send
            && match (self.case.handle.lock_word(), side.lock_word()) {
                (Some(selected), Some(given)) => std::ptr::eq(selected, given),
                _ => false,
            }
    }

    /// Completes a send.
    ///
    /// # Panics
    /// This sender's channel was not selected, or not for a send.
    #[track_caller]
    pub(crate) fn send<T>(mut self, sender: &Sender<T>, value: T) -> Result<(), SendError<T>> {
        assert!(
            self.is_for(sender, true),
            "passed a sender that wasn't selected"
        );
        match std::mem::replace(&mut self.how, How::Disconnected) {
            How::Promised => sender.chan.keep_promise(value),
            _ => Err(SendError(value)),
        }
    }

    /// Completes a receive into the select's own space.
    ///
    /// # Panics
    /// This receiver's channel was not selected, or not for a receive.
    #[track_caller]
    pub(crate) fn recv<T>(mut self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        assert!(
            self.is_for(receiver, false),
            "passed a receiver that wasn't selected"
        );
        self.how = How::Disconnected;
        let space = self.space.as_ref().ok_or(RecvError)?;
        // SAFETY: this channel filled the space, so what lies there is a T: the selected handle
        // is borrowed for 'a and keeps the channel alive, so no other's lock can have come to lie
        // at the same address; and channels are invariant in T, lifetimes included.
        unsafe { space.take::<T>() }.ok_or(RecvError)
    }

    /// Completes a receive into the case's own place.
    pub(crate) fn fetch<T>(mut self, slot: &ValueCell<T>) -> Result<T, RecvError> {
        self.how = How::Disconnected;
        slot.take().ok_or(RecvError)
    }
}

impl Drop for Selected<'_> {
    fn drop(&mut self) {
        match self.how {
            How::Disconnected => {}
            How::Promised => self.case.handle.break_promise(),
            How::Received => {
                if let Some(space) = &self.space
                    && self.case.owner == this_owner()
                {
                    (self.case.discard)(space);
                }
            }
        }
    }
}
