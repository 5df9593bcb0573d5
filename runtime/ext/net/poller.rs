//! Asks the kernel which descriptors are ready, and gives their goroutines to the scheduler.
//!
//! Three ask: an M whose P has nothing to run, without blocking; the timer waiter, which sleeps for
//! sockets as well; and sysmon, when nobody has asked for 10 ms.
//!
//! Go: netpoll_epoll.go netpoll, netpollBreak; proc.go findRunnable, injectglist, sysmon.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::m::machine::M;
use crate::core::p::processor::LentP;
use crate::core::p::run_queue::Slept;
use crate::core::sched::park::spill;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::wake::{start_m_locked, wakep};
use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::note::Note;
use crate::ext::linux::epoll::{self, Events, Patience};
use crate::ext::net::alone;
use crate::ext::net::poll_desc::meant_by;
use crate::ext::recording::emit;
use crate::ext::recording::record::Asleep;
use crate::ext::timers::timer_waiter::Doze;

/// When nobody has asked the kernel for so long, sysmon does. Go: sysmon, 10 ms.
const UNASKED: Nanos = 10_000_000;
/// When somebody asked last; whoever asks writes it. Go: sched.lastpoll.
static LAST_POLL: AtomicU64 = AtomicU64::new(0);

/// Takes one batch of events; the goroutines that they wake join `ready`. When it was.
fn poll(patience: Patience, ready: &GQueue) -> Nanos {
    let Some(epoll) = epoll::opened() else {
        return 0;
    };
    let mut events = Events::new();
    epoll.wait(patience, &mut events);
    collect(&events, ready)
}

fn collect(events: &Events, ready: &GQueue) -> Nanos {
    let now = nanotime();
    LAST_POLL.store(now, Relaxed);
    for event in events.iter() {
        let Some(desc) = meant_by(&event) else {
            continue;
        };
        if event.unusual {
            desc.drained.unusual();
        }
        if event.readable {
            desc.read
                .event()
                .into_iter()
                .for_each(|g| ready.push_back(g));
        }
        if event.writable {
            desc.write
                .event()
                .into_iter()
                .for_each(|g| ready.push_back(g));
        }
    }
    now
}

/// The P has nothing to run: the first goroutine whose descriptor is ready; the others join the P's
/// queue. Nobody asks here while the timer waiter does.
#[inline]
pub(crate) fn poll_net(m: &M, p: LentP<'_>) -> Option<GRef> {
    alone::ends(m);
    if SCHED.io_waiters.load(Relaxed) == 0 || SCHED.timer_waiter.is_taken() {
        return None;
    }
    poll_for(m, p)
}

#[cold]
fn poll_for(m: &M, p: LentP<'_>) -> Option<GRef> {
    let ready = GQueue::new();
    let now = poll(Patience::None, &ready);
    let first = ready.pop_front()?;
    if !ready.is_empty() || !alone::begins(m, now) {
        while let Some(g) = ready.pop_front() {
            p.put(g, spill);
        }
        wakep();
    }
    Some(first)
}

/// The timer waiter, which is `m`, sleeps, without a P: in the kernel's poll if there is one, on its note if
/// not.
pub(crate) fn doze(m: &'static M, note: &Note, until: Nanos, ready: &GQueue) -> Doze {
    emit::m_sleeps_for(m, Asleep::Timers);
    let Some(epoll) = epoll::opened() else {
        note.sleep_until(Some(until));
        emit::m_wakes(m);
        return Doze::LookAgain;
    };
    let mut events = Events::new();
    epoll.wait(Patience::Until(until), &mut events);
    emit::m_wakes(m);
    collect(&events, ready);
    match ready.is_empty() {
        true => Doze::LookAgain,
        false => Doze::Work,
    }
}

/// The timer waiter, `m`, is up again, without a P. If one goroutine is ready, and there is nothing else to
/// see to, `m` runs it. Otherwise they are for all Ms to find.
pub(crate) fn slept(m: &M, ready: &GQueue) -> Slept {
    let now = LAST_POLL.load(Relaxed);
    if ready.len() == 1
        && alone::nothing_else(m, now)
        && alone::begins(m, now)
        && let Some(g) = ready.pop_front()
    {
        return Slept::Run(g);
    }
    if !ready.is_empty() {
        SCHED.lock().global().append(ready);
    }
    Slept::Look
}

/// By sysmon, which never waits for the scheduler's lock: `lock` takes it. If a P is idle, an M with it
/// asks; if none is, sysmon does.
pub(crate) fn poll_if_unasked(now: Nanos, lock: impl Fn() -> SchedGuard) {
    if SCHED.timer_waiter.is_taken() {
        return;
    }
    let last_poll = LAST_POLL.load(Relaxed);
    if alone::is_too_long(now, last_poll) {
        start_ms(1, lock);
        return;
    }
    if SCHED.io_waiters.load(Relaxed) == 0 || now.saturating_sub(last_poll) < UNASKED {
        return;
    }
    let ready = GQueue::new();
    poll(Patience::None, &ready);
    let n = ready.len();
    if n != 0 {
        lock().global().append(&ready);
        start_ms(n, lock);
    }
}

/// With an idle P each, as far as there are any.
fn start_ms(n: u32, lock: impl Fn() -> SchedGuard) {
    for _ in 0..n {
        let sched = lock();
        let Some(p) = sched.pop_idle_p() else { break };
        start_m_locked(sched, p, false);
    }
}
