//! The trait that a channel's two sides implement for select: one case, whatever its type.
//!
//! All but `glance`, `notify`, `sweep` and `break_promise` are called with the channel's lock held by the select.
#![forbid(unsafe_code)]

use std::alloc::Layout;
use std::pin::Pin;

use crate::core::m::enter::NoPreempt;
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::fatal;
use crate::core::sys::lock::RawLock;
use crate::ext::chan::hchan::{Accept, Chan};
use crate::ext::chan::late_send::Promised;
use crate::ext::chan::locked::Held;
use crate::ext::chan::patience::NEVER;
use crate::ext::chan::receiver::{Flavor, Receiver};
use crate::ext::chan::sender::Sender;
use crate::ext::chan::value_cell::{AnyCell, CellPtr};
use crate::ext::chan::wait_queue::{Node, Wake};

/// What a case said when it was looked at.
#[must_use]
pub(crate) enum Poll {
    /// It would block.
    Blocked,
    /// Done (a send: promised); a waiter may have to be woken.
    Done(Option<Wake>),
    Disconnected,
    /// A sender that is a select stands first in line: `meet` it.
    Late,
}

/// A side of a channel, as a select sees it.
pub(crate) trait SelectHandle {
    /// `None`: a channel that never has anything to say.
    fn lock_word(&self) -> Option<&RawLock>;
    /// Without the lock: it would not block, as far as one can see.
    fn glance(&self) -> bool;
    /// The room that a received value needs.
    fn need(&self) -> Layout;
    /// Goes through with it, if it does not block.
    fn poll(&self, held: &mut Held<'_>, place: Option<CellPtr<'_>>) -> Poll;
    /// After `Late`: waits for that sender's value and for no other; the sender is told.
    fn meet(&self, held: &mut Held<'_>, node: Pin<&Node>, place: Option<CellPtr<'_>>) -> Wake;
    fn enqueue(&self, held: &mut Held<'_>, node: Pin<&Node>, place: Option<CellPtr<'_>>);
    fn dequeue(&self, held: &mut Held<'_>, node: Pin<&Node>);
    /// Would it not block?
    fn is_ready(&self, held: &mut Held<'_>) -> bool;
    /// Waits to hear that it would not block.
    fn watch(&self, held: &mut Held<'_>, node: Pin<&Node>);
    fn unwatch(&self, held: &mut Held<'_>, node: Pin<&Node>);
    /// When time makes it ready.
    fn due(&self) -> Nanos {
        NEVER
    }
    /// After the unlock, inside the runtime: wakes watchers.
    fn notify(&self, rt: &NoPreempt);
    /// Outside of the runtime: frees what is to be freed.
    fn sweep(&self);
    /// A promised send will not be made.
    fn break_promise(&self) {}
}

fn slot_of(place: Option<CellPtr<'_>>) -> CellPtr<'_> {
    match place {
        Some(place) => place,
        None => fatal!("a receive case without a place for its value"),
    }
}

impl<T> Chan<T> {
    fn notify_if_watched(&self, rt: &NoPreempt) {
        if self.glance().watched() {
            self.notify(rt);
        }
    }

    fn sweep_if_needed(&self) {
        if self.glance().has_excess() {
            self.sweep();
        }
    }
}

impl<T> SelectHandle for Sender<T> {
    fn lock_word(&self) -> Option<&RawLock> {
        Some(self.chan.state.lock_word())
    }

    fn glance(&self) -> bool {
        self.chan.glance().can_send()
    }

    fn need(&self) -> Layout {
        AnyCell::need::<()>()
    }

    fn poll(&self, held: &mut Held<'_>, _: Option<CellPtr<'_>>) -> Poll {
        match self.chan.state.open(held).promise() {
            Promised::Yes => Poll::Done(None),
            Promised::No => Poll::Blocked,
            Promised::Disconnected => Poll::Disconnected,
        }
    }

    fn meet(&self, _: &mut Held<'_>, _: Pin<&Node>, _: Option<CellPtr<'_>>) -> Wake {
        fatal!("a sender met a sender")
    }

    fn enqueue(&self, held: &mut Held<'_>, node: Pin<&Node>, _: Option<CellPtr<'_>>) {
        self.chan.state.open(held).sendq.push(node, None);
    }

    fn dequeue(&self, held: &mut Held<'_>, node: Pin<&Node>) {
        self.chan.state.open(held).sendq.remove(node);
    }

    fn is_ready(&self, held: &mut Held<'_>) -> bool {
        self.chan.state.open(held).can_send()
    }

    fn watch(&self, held: &mut Held<'_>, node: Pin<&Node>) {
        self.chan.state.open(held).send_watch.push(node, None);
    }

    fn unwatch(&self, held: &mut Held<'_>, node: Pin<&Node>) {
        self.chan.state.open(held).send_watch.remove(node);
    }

    fn notify(&self, rt: &NoPreempt) {
        self.chan.notify_if_watched(rt);
    }

    fn sweep(&self) {}

    fn break_promise(&self) {
        self.chan.break_promise();
    }
}

impl<T> SelectHandle for Receiver<T> {
    fn lock_word(&self) -> Option<&RawLock> {
        match &self.flavor {
            Flavor::Chan(chan) => Some(chan.state.lock_word()),
            Flavor::Timer(timer) => Some(timer.state.lock_word()),
            Flavor::Never => None,
        }
    }

    fn glance(&self) -> bool {
        match &self.flavor {
            Flavor::Chan(chan) => chan.glance().can_recv(),
            Flavor::Timer(timer) => !timer.is_empty(),
            Flavor::Never => false,
        }
    }

    fn need(&self) -> Layout {
        AnyCell::need::<T>()
    }

    fn poll(&self, held: &mut Held<'_>, place: Option<CellPtr<'_>>) -> Poll {
        match &self.flavor {
            Flavor::Chan(chan) => {
                let mut state = chan.state.open(held);
                match state.accept() {
                    Accept::Got(value, wake) => {
                        slot_of(place).put(value);
                        Poll::Done(wake)
                    }
                    Accept::Late(sender) => {
                        state.sendq.put_back(sender);
                        Poll::Late
                    }
                    Accept::Empty => Poll::Blocked,
                    Accept::Disconnected => Poll::Disconnected,
                }
            }
            Flavor::Timer(timer) => {
                let now = timer.now();
                match timer.state.open(held).take(now, now) {
                    Some(instant) => {
                        slot_of(place).put((timer.make)(instant));
                        Poll::Done(None)
                    }
                    None => Poll::Blocked,
                }
            }
            Flavor::Never => Poll::Blocked,
        }
    }

    fn meet(&self, held: &mut Held<'_>, node: Pin<&Node>, place: Option<CellPtr<'_>>) -> Wake {
        let Flavor::Chan(chan) = &self.flavor else {
            fatal!("a timer has no sender to meet");
        };
        let mut state = chan.state.open(held);
        let Accept::Late(sender) = state.accept() else {
            fatal!("the sender to meet has gone");
        };
        state.meet(sender, node, slot_of(place).typed())
    }

    fn enqueue(&self, held: &mut Held<'_>, node: Pin<&Node>, place: Option<CellPtr<'_>>) {
        match &self.flavor {
            Flavor::Chan(chan) => {
                let slot = slot_of(place).typed();
                chan.state.open(held).recvq.push(node, Some(slot));
            }
            Flavor::Timer(_) => self.watch(held, node),
            Flavor::Never => {}
        }
    }

    fn dequeue(&self, held: &mut Held<'_>, node: Pin<&Node>) {
        match &self.flavor {
            Flavor::Chan(chan) => {
                chan.state.open(held).recvq.remove(node);
            }
            Flavor::Timer(_) => self.unwatch(held, node),
            Flavor::Never => {}
        }
    }

    fn is_ready(&self, held: &mut Held<'_>) -> bool {
        match &self.flavor {
            Flavor::Chan(chan) => chan.state.open(held).can_recv(),
            Flavor::Timer(timer) => !timer.is_empty(),
            Flavor::Never => false,
        }
    }

    fn watch(&self, held: &mut Held<'_>, node: Pin<&Node>) {
        match &self.flavor {
            Flavor::Chan(chan) => chan.state.open(held).recv_watch.push(node, None),
            Flavor::Timer(timer) => timer.state.open(held).waiters().push(node, None),
            Flavor::Never => {}
        }
    }

    fn unwatch(&self, held: &mut Held<'_>, node: Pin<&Node>) {
        match &self.flavor {
            Flavor::Chan(chan) => {
                chan.state.open(held).recv_watch.remove(node);
            }
            Flavor::Timer(timer) => {
                timer.state.open(held).waiters().remove(node);
            }
            Flavor::Never => {}
        }
    }

    fn due(&self) -> Nanos {
        match &self.flavor {
            Flavor::Timer(timer) => timer.when(),
            _ => NEVER,
        }
    }

    fn notify(&self, rt: &NoPreempt) {
        if let Flavor::Chan(chan) = &self.flavor {
            chan.notify_if_watched(rt);
        }
    }

    fn sweep(&self) {
        if let Flavor::Chan(chan) = &self.flavor {
            chan.sweep_if_needed();
        }
    }
}
