//! A recording: from its beginning, with how things are, to its end, when the streams are put in
//! order.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::core::m::current::this_m;
use crate::core::m::machine::M;
use crate::core::sched::schedt::SCHED;
use crate::ext::allgs;
use crate::ext::linux::ticks::Moment;
use crate::ext::recording::record::Was;
use crate::ext::recording::recorder::{Keep, Still};
use crate::ext::recording::{begins, emit, recorder};
use crate::ext::stopped::State;
use crate::ext::threads::allm;
use crate::ext::trace::at_cut::Standing;
use crate::ext::trace::order::{Beginning, Impossible};
use crate::ext::trace::said;
use crate::ext::trace::together::{Recording, Session, Tail, put_together};
use crate::ext::world::stop_world;

static SESSION: Mutex<Option<Session>> = Mutex::new(None);
/// There is one, or it begins just now.
static BUSY: AtomicBool = AtomicBool::new(false);

fn session() -> MutexGuard<'static, Option<Session>> {
    SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a recording did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// One runs already.
    AlreadyOn,
    NoMemory,
}

/// Of a flight recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) min_age: Duration,
    pub(crate) max_bytes: usize,
}

fn keep(flight: Option<Flight>) -> Keep {
    flight.map_or(Keep::Beginning, |flight| Keep::End(flight.max_bytes))
}

/// Takes the right to record, and the memory.
fn reserve() -> Result<(), Refused> {
    // Acquire pairs(trace-busy): whoever ended the last recording has read it.
    if BUSY.swap(true, Acquire) {
        return Err(Refused::AlreadyOn);
    }
    if !recorder::prepare() {
        BUSY.store(false, Release); // pairs(trace-busy)
        return Err(Refused::NoMemory);
    }
    Ok(())
}

/// Begins before there is any goroutine.
pub(crate) fn begin_at_start(flight: Option<Flight>) -> Result<(), Refused> {
    reserve()?;
    let begin = recorder::begin(keep(flight));
    SCHED.all_ps().for_each(begins::p_is_idle);
    recorder::open();
    *session() = Some(Session {
        begin,
        beginning: Beginning::Known,
        min_age: flight.map(|flight| flight.min_age),
    });
    Ok(())
}

/// Begins in a program that runs: the world is stopped for that.
pub(crate) fn begin(flight: Option<Flight>) -> Result<(), Refused> {
    reserve()?;
    said::forget();
    let begin = stop_world::stopped(|_| {
        let sched = SCHED.lock(); // who comes out of the kernel waits, and then writes that down
        let begin = recorder::begin(keep(flight));
        describe_world();
        recorder::open();
        drop(sched);
        begin
    });
    *session() = Some(Session {
        begin,
        beginning: Beginning::Blurred,
        min_age: flight.map(|flight| flight.min_age),
    });
    Ok(())
}

/// Every P and goroutine, in a stopped world: nobody has a P but the caller.
fn describe_world() {
    let me = this_m();
    let mine = me.and_then(|m| m.p());
    for p in SCHED.all_ps() {
        match (me, mine) {
            (Some(m), Some(held)) if held.id == p.id => begins::p_is_held(m, p),
            _ => begins::p_is_idle(p),
        }
    }
    let running = me.and_then(|m| m.curg());
    allgs::for_each(|g| {
        if g.is_thread() {
            return;
        }
        let me = running.is_some_and(|r| r.same(g));
        if g.status.state() != State::Running || me {
            emit::watch(g); // others come out of the kernel, and see to that themselves
        }
        match g.status.state() {
            State::Dead => (),
            State::Waiting => begins::g_is(g, Was::Waiting, None),
            State::Runnable | State::Preempted => begins::g_is(g, Was::Runnable, None),
            State::Running if me => {
                begins::g_is(g, Was::Running, None);
            }
            State::Running => {
                let m = allm::all_ms().find(|m| m.curg().is_some_and(|r| r.same(g)));
                begins::g_is(g, Was::Lost, m.map(|m| m.id));
            }
        }
    });
}

/// Ends the recording. `None`: there was none, or it is in flight.
pub(crate) fn end() -> Option<Result<Recording, Impossible>> {
    let session = session().take_if(|session| session.min_age.is_none())?;
    let lived = said::living();
    let end = if SCHED.is_started() {
        // Whoever has a P has written what it did: no wake-up is there without the sleep before it.
        stop_world::stopped(|_| {
            let _sched = SCHED.lock();
            recorder::end()
        })
    } else {
        recorder::end()
    };
    let recording = put_together(&session, &end, lived, None, Tail::Whole, look_around);
    BUSY.store(false, Release); // pairs(trace-busy)
    Some(recording)
}

/// Ends the recording at the end of the process: nobody is waited for.
pub(crate) fn end_at_exit(tail: Tail) -> Option<Result<Recording, Impossible>> {
    let session = session().take()?;
    let lived = said::living();
    let end = recorder::end();
    Some(put_together(&session, &end, lived, None, tail, look_around))
}

/// Ends a flight recording.
pub(crate) fn stop_flight() {
    if session()
        .take_if(|session| session.min_age.is_some())
        .is_some()
    {
        recorder::end();
        BUSY.store(false, Release); // pairs(trace-busy)
    }
}

/// The past of a flight recording, which goes on. `None`: there is none.
pub(crate) fn snapshot() -> Option<Result<Recording, Impossible>> {
    let session = (*session()).filter(|session| session.min_age.is_some())?;
    // Who has a P has written then what it did: nobody is between an event and its record.
    let mut standing = Standing::with_room(allgs::count());
    let lived = said::living();
    let (end, still) = stop_world::stopped(|_| {
        look_into(&mut standing);
        (Moment::now(), Some(Still::hold()))
    });
    Some(put_together(
        &session,
        &end,
        lived,
        still,
        Tail::Open,
        || standing,
    ))
}

/// How everything is now, as far as it can be seen from outside.
fn look_around() -> Standing {
    let mut standing = Standing::with_room(allgs::count());
    look_into(&mut standing);
    standing
}

/// The same. Allocates nothing.
fn look_into(standing: &mut Standing) {
    allgs::for_each(|g| {
        if g.is_thread() {
            return;
        }
        let was = match g.status.state() {
            State::Dead => return,
            State::Waiting => Was::Waiting,
            State::Runnable | State::Preempted => Was::Runnable,
            State::Running => Was::Running,
        };
        let runs_it = |m: &&M| m.curg().is_some_and(|r| r.same(g));
        let m = (was == Was::Running).then(|| allm::all_ms().find(runs_it));
        let on = m
            .flatten()
            .map_or(recorder::OUTSIDE, |m| emit::writer_of(m.id));
        standing.g(g.id(), was, on);
    });
    for p in SCHED.all_ps() {
        standing.p(p.id, p.m.get().map(emit::writer_of));
    }
}
