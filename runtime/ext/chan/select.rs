//! Selecting: one case of several, at one moment.
//!
//! Pass 1 looks at the cases in random order with all channels locked, and performs the first
//! that does not block. If all would block, pass 2 queues the goroutine at all of them under one
//! claim, and the goroutine sleeps. The waker that wins the claim has performed its case. Pass 3
//! leaves the other queues. `README.md#select` has the proof that exactly one case is performed.
//!
//! Go: select.go selectgo.
#![forbid(unsafe_code)]

use std::pin::{Pin, pin};

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::{NoPreempt, enter_to_wait};
use crate::core::sched::park::park;
use crate::core::sys::fatal::fatal;
use crate::core::sys::lock::RawLock;
use crate::ext::chan::case::{Case, How};
use crate::ext::chan::locked::{Held, HeldSet, Locks};
use crate::ext::chan::never::select_nothing;
use crate::ext::chan::patience::Patience;
use crate::ext::chan::select_handle::Poll;
use crate::ext::chan::select_order::Order;
use crate::ext::chan::sudog::Nodes;
use crate::ext::chan::value_cell::{AnyCell, CellPtr};
use crate::ext::chan::wait_queue::{Node, Outcome};
use crate::ext::placement::locked_thread;

/// What the user wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Go through with one case.
    Act,
    /// Hear of one case that would not block.
    Watch,
}

/// A case by its position, and what came of it.
pub(crate) type Winner = (usize, How);

/// Selects; `None`: time is up.
#[track_caller]
pub(crate) fn select(
    cases: &[Case<'_>],
    space: Option<&AnyCell>,
    goal: Goal,
    patience: Patience,
    biased: bool,
) -> Option<Winner> {
    let mut look = Order::straight(cases.len());
    let rt = patience.enter();
    if !biased {
        look.shuffle(&rt);
    }
    let round = Round {
        cases,
        space,
        goal,
        patience,
        look,
    };
    if let Some(winner) = round.glance(rt) {
        return Some(winner);
    }
    if patience == Patience::None && cases.len() == 1 {
        return None; // one channel's word is a look at one moment
    }
    if round.is_idle() {
        select_nothing(patience);
        return None;
    }
    // Cases on one channel keep the shuffled order, so that each is as likely to be caught.
    let locks = round.look.sorted_by(|i| cases[i].lock_address());
    loop {
        match round.run(locks.as_slice()) {
            Slept::Won(winner) => return Some(winner),
            Slept::TimeOut => return None,
            Slept::Again => {}
        }
    }
}

enum Slept {
    Won(Winner),
    TimeOut,
    Again,
}

struct Round<'a> {
    cases: &'a [Case<'a>],
    /// Where values go whose case has no place of its own.
    space: Option<&'a AnyCell>,
    goal: Goal,
    patience: Patience,
    look: Order,
}

impl Locks for Round<'_> {
    #[inline]
    fn lock_of(&self, case: usize) -> Option<&RawLock> {
        self.cases[case].handle.lock_word()
    }
}

impl Round<'_> {
    /// No case can ever become ready.
    fn is_idle(&self) -> bool {
        self.cases
            .iter()
            .all(|case| case.handle.lock_word().is_none())
    }

    fn place(&self, i: usize) -> Option<CellPtr<'_>> {
        self.cases[i]
            .place
            .or_else(|| self.space.map(AnyCell::place))
    }

    /// The case that comes first of those that say, without a lock, that they would not
    /// block: it is tried under its own lock alone. To find none proves nothing.
    fn glance(&self, rt: NoPreempt) -> Option<Winner> {
        let mut rt = rt;
        for i in self.look.as_slice().iter().map(|&i| i as usize) {
            if !self.cases[i].handle.glance() {
                continue;
            }
            let me = rt.current(); // may allocate: before the lock
            let one = [i as u16];
            let mut set = HeldSet::lock(&rt, &one, self);
            let poll = match set.held(i) {
                Some(mut held) => self.look_at(i, &mut held),
                None => Poll::Blocked,
            };
            match self.settle(poll, rt, me, set, i) {
                Ok(Slept::Won(winner)) => return Some(winner),
                Ok(_) => return None,
                Err((back, set)) => {
                    drop(set);
                    rt = back;
                }
            }
        }
        None
    }

    /// Pass 1, and a sleep if there is need.
    fn run(&self, locks: &[u16]) -> Slept {
        let more = Nodes::extra(self.cases.len());
        let mut rt = self.patience.enter();
        let me = rt.current(); // may allocate: before the locks
        let mut set = HeldSet::lock(&rt, locks, self);
        for i in self.look.as_slice().iter().map(|&i| i as usize) {
            let Some(mut held) = set.held(i) else {
                continue;
            };
            let poll = self.look_at(i, &mut held);
            match self.settle(poll, rt, me, set, i) {
                Ok(end) => return end,
                Err(back) => (rt, set) = back,
            }
        }
        if self.patience.is_over() {
            drop(set);
            drop(rt);
            return Slept::TimeOut;
        }
        self.sleep(rt, me, set, locks, more)
    }

    /// The end of a case that did not say that it would block.
    #[inline]
    fn settle<'s>(
        &'s self,
        poll: Poll,
        rt: NoPreempt,
        me: GRef,
        set: HeldSet<'s, Self>,
        i: usize,
    ) -> Result<Slept, (NoPreempt, HeldSet<'s, Self>)> {
        match poll {
            Poll::Blocked => Err((rt, set)),
            Poll::Late => Ok(self.meet(rt, me, set, i)),
            Poll::Done(wake) => {
                drop(set);
                if let Some(wake) = wake {
                    wake.ready(&rt);
                }
                self.cases[i].handle.notify(&rt);
                drop(rt);
                self.cases[i].handle.sweep();
                Ok(Slept::Won((i, self.cases[i].done())))
            }
            Poll::Disconnected => {
                drop(set);
                drop(rt);
                Ok(Slept::Won((i, How::Disconnected)))
            }
        }
    }

    fn look_at(&self, i: usize, held: &mut Held<'_>) -> Poll {
        let handle = self.cases[i].handle;
        match self.goal {
            Goal::Act => handle.poll(held, self.place(i)),
            Goal::Watch if handle.is_ready(held) => Poll::Done(None),
            Goal::Watch => Poll::Blocked,
        }
    }

    /// Pass 2 and pass 3: queue at all, sleep, leave all.
    #[cold]
    fn sleep(
        &self,
        rt: NoPreempt,
        me: GRef,
        mut set: HeldSet<'_, Self>,
        locks: &[u16],
        more: Option<Box<[Node]>>,
    ) -> Slept {
        let nodes = pin!(Nodes::new(more));
        let nodes = nodes.into_ref();
        let round = me.open_round();
        me.announce_park(WaitReason::Select);
        let mut patience = self.patience;
        for i in locks.iter().map(|&i| i as usize) {
            let (handle, node) = (self.cases[i].handle, nodes.get(i));
            let Some(mut held) = set.held(i) else {
                continue;
            };
            node.arm(me, Some(round), i as u16);
            match self.goal {
                Goal::Act => handle.enqueue(&mut held, node, self.place(i)),
                Goal::Watch => handle.watch(&mut held, node),
            }
            patience = patience.no_later_than(handle.due());
        }
        drop(set);
        self.cases.iter().for_each(|case| case.handle.notify(&rt));
        patience.sleep(rt, Some(round));
        self.leave(nodes, locks);
        match me.wait_round.winner().map(usize::from) {
            Some(i) if i < self.cases.len() => self.verdict(i, nodes.get(i).outcome()),
            _ => Slept::Again,
        }
    }

    fn leave(&self, nodes: Pin<&Nodes>, locks: &[u16]) {
        let rt = enter_to_wait();
        let mut set = HeldSet::lock(&rt, locks, self);
        for i in locks.iter().map(|&i| i as usize) {
            if let Some(mut held) = set.held(i) {
                match self.goal {
                    Goal::Act => self.cases[i].handle.dequeue(&mut held, nodes.get(i)),
                    Goal::Watch => self.cases[i].handle.unwatch(&mut held, nodes.get(i)),
                }
            }
        }
    }

    fn verdict(&self, i: usize, outcome: Outcome) -> Slept {
        match outcome {
            Outcome::Done => Slept::Won((i, self.cases[i].done())),
            Outcome::Closed => Slept::Won((i, How::Disconnected)),
            Outcome::Retry | Outcome::Pending => Slept::Again,
        }
    }

    /// The sender is a select too, without a value yet: wait for it alone.
    #[cold]
    fn meet(&self, rt: NoPreempt, me: GRef, mut set: HeldSet<'_, Self>, i: usize) -> Slept {
        let node = pin!(Node::new());
        let node = node.into_ref();
        node.arm(me, None, i as u16);
        let Some(mut held) = set.held(i) else {
            fatal!("a select met a sender on no channel");
        };
        me.announce_park(WaitReason::Select);
        let wake = self.cases[i].handle.meet(&mut held, node, self.place(i));
        drop(set);
        let stay = match self.patience {
            Patience::None => locked_thread::lock_to_wait(&rt),
            _ => None,
        };
        wake.ready(&rt);
        park(rt);
        drop(stay);
        self.verdict(i, node.outcome())
    }
}
