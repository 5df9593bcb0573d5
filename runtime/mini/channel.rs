//! Channels with room for so many values, or for none: then a send waits for its receive.
//!
//! Whoever comes second does the work for both: a sender puts its value into the slot of a
//! receiver that waits, a receiver takes it out of the slot of a sender that waits.
//!
//! The full runtime: `runtime/chan/hchan.rs`, `send.rs`, `recv.rs`, `close.rs`. Go: chan.go.
#![allow(unsafe_code, reason = "reaches into stacks that wait")]

use std::collections::VecDeque;
use std::sync::{Mutex as ThreadMutex, MutexGuard};

use crate::g::GRef;
use crate::prim::CALM;
use crate::sched::ready;
use crate::spawn::{announce_park, park};

// [channel]
pub(crate) struct Channel<T>(ThreadMutex<State<T>>);

pub(crate) struct State<T> {
    buffer: VecDeque<T>,
    capacity: usize,
    pub(crate) closed: bool,
    /// Only while the buffer is empty.
    receivers: VecDeque<Waiter<T>>,
    /// Only while the buffer is full.
    senders: VecDeque<Waiter<T>>,
}

struct Waiter<T> {
    g: GRef,
    /// On its stack: a sender's value; empty, a receiver's place.
    slot: *mut Option<T>,
}

// SAFETY: a waiter's slot is its waker's: the waiter does not touch it until it is woken.
unsafe impl<T: Send> Send for Waiter<T> {}

impl<T> Channel<T> {
    pub(crate) fn send(&self, value: T) -> Result<(), T> {
        let mut state = self.lock();
        match state.offer(value) {
            Ok(woken) => {
                drop(state);
                woken.into_iter().for_each(ready);
                Ok(())
            }
            Err(value) if state.closed => Err(value),
            Err(value) => {
                // Still there when we wake: the channel was closed.
                wait(state, |state| &mut state.senders, Some(value)).map_or(Ok(()), Err)
            }
        }
    }

    pub(crate) fn recv(&self) -> Option<T> {
        let mut state = self.lock();
        match state.accept() {
            Some((value, woken)) => {
                drop(state);
                woken.into_iter().for_each(ready);
                Some(value)
            }
            None if state.closed => None,
            // Still empty when we wake: the channel was closed.
            None => wait(state, |state| &mut state.receivers, None),
        }
    }

    /// All that wait go on, the last of them first.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let mut woken: Vec<_> = state.receivers.drain(..).map(|waiter| waiter.g).collect();
        woken.extend(state.senders.drain(..).map(|waiter| waiter.g));
        drop(state);
        woken.into_iter().rev().for_each(ready);
    }
}

impl<T> State<T> {
    /// Takes a value in, if that need not wait: and who is to be woken.
    pub(crate) fn offer(&mut self, value: T) -> Result<Option<GRef>, T> {
        if self.closed {
            return Err(value);
        }
        if let Some(receiver) = self.receivers.pop_front() {
            // SAFETY: from the push to `ready` it is not touched by its goroutine; we are the one waker.
            unsafe { *receiver.slot = Some(value) };
            return Ok(Some(receiver.g));
        }
        if self.buffer.len() == self.capacity {
            return Err(value);
        }
        self.buffer.push_back(value);
        Ok(None)
    }

    /// Hands a value out, if that need not wait: and who is to be woken.
    pub(crate) fn accept(&mut self) -> Option<(T, Option<GRef>)> {
        let sender = self.senders.pop_front();
        if let Some(sender) = &sender {
            // SAFETY: from the push to `ready` it is not touched by its goroutine; we are the one waker.
            self.buffer.extend(unsafe { &mut *sender.slot }.take());
        }
        let value = self.buffer.pop_front()?;
        Some((value, sender.map(|sender| sender.g)))
    }
}

/// Announce, publish, switch. Answers what is in the slot after that.
fn wait<T>(
    mut state: MutexGuard<'_, State<T>>,
    queue: fn(&mut State<T>) -> &mut VecDeque<Waiter<T>>,
    mut slot: Option<T>,
) -> Option<T> {
    queue(&mut state).push_back(Waiter {
        g: announce_park(),
        slot: &raw mut slot,
    });
    drop(state); // from here on we can be woken
    park();
    slot
}
// [/channel]

impl<T> Channel<T> {
    pub(crate) fn new(capacity: usize) -> Channel<T> {
        Channel(ThreadMutex::new(State {
            buffer: VecDeque::with_capacity(capacity.min(1024)),
            capacity,
            closed: false,
            receivers: VecDeque::new(),
            senders: VecDeque::new(),
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().expect(CALM)
    }
}
