//! A recording: from its beginning, with how things are, to its end, when the streams are put in
//! order.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::core::m::current::this_m;
use crate::core::sched::schedt::SCHED;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::is_user;
use crate::ext::linux::ticks::Moment;
use crate::ext::recording::record::Was;
use crate::ext::recording::{emit, recorder};
use crate::ext::stopped::State;
use crate::ext::threads::allm;
use crate::ext::trace::names::{Names, Place, Said};
use crate::ext::trace::order::{Beginning, Impossible, Step, order};
use crate::ext::trace::possible::What;
use crate::ext::world::stop_world;

/// The recording that runs now.
struct Session {
    begin: Moment,
    beginning: Beginning,
}

static SESSION: Mutex<Option<Session>> = Mutex::new(None);
/// There is one, or it begins just now.
static BUSY: AtomicBool = AtomicBool::new(false);
/// What the program has said while it was recorded, in the order of the numbers.
static SAID: Mutex<Vec<Said>> = Mutex::new(Vec::new());

fn session() -> MutexGuard<'static, Option<Session>> {
    SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

fn said() -> MutexGuard<'static, Vec<Said>> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A recording runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlreadyOn;

/// Begins before there is any goroutine.
pub(crate) fn begin_at_start() {
    BUSY.store(true, Relaxed);
    recorder::prepare();
    let begin = recorder::begin();
    SCHED.all_ps().for_each(emit::p_is_idle);
    *session() = Some(Session {
        begin,
        beginning: Beginning::Known,
    });
}

/// Begins in a program that runs: the world is stopped for that.
pub(crate) fn begin() -> Result<(), AlreadyOn> {
    if BUSY.swap(true, Relaxed) {
        return Err(AlreadyOn);
    }
    recorder::prepare();
    said().clear();
    let begin = stop_world::stopped(|_| {
        let sched = SCHED.lock(); // who comes out of the kernel waits, and then writes that down
        let begin = recorder::begin();
        describe_world();
        drop(sched);
        begin
    });
    *session() = Some(Session {
        begin,
        beginning: Beginning::Blurred,
    });
    Ok(())
}

/// Every P and goroutine, in a stopped world: nobody has a P but the caller.
fn describe_world() {
    let me = this_m();
    let mine = me.and_then(|m| m.p());
    SCHED.all_ps().for_each(emit::p_is_idle);
    if let (Some(m), Some(p)) = (me, mine) {
        emit::p_starts(m, p);
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
            State::Waiting => emit::g_is(g, Was::Waiting, None),
            State::Runnable | State::Preempted => emit::g_is(g, Was::Runnable, None),
            State::Running if me => {
                emit::g_is(g, Was::Running, None);
            }
            State::Running => {
                let m = allm::all_ms().find(|m| m.curg().is_some_and(|r| r.same(g)));
                emit::g_is(g, Was::Lost, m.map(|m| m.id));
            }
        }
    });
}

/// What was recorded.
#[derive(Debug)]
pub(crate) struct Recording {
    /// Times are nanoseconds from the beginning.
    pub(crate) steps: Vec<Step>,
    pub(crate) names: Names,
    pub(crate) end: u64,
    pub(crate) lost: u64,
}

/// Ends the recording. `None`: there was none.
pub(crate) fn end() -> Option<Result<Recording, Impossible>> {
    let session = session().take()?;
    let end = recorder::end();
    if SCHED.is_started() {
        stop_world::stopped(|_| ()); // who still writes has written then
    }
    let recording = put_together(&session, &end);
    BUSY.store(false, Relaxed);
    Some(recording)
}

/// Ends the recording at the end of the process: nobody is waited for.
pub(crate) fn end_at_exit() -> Option<Result<Recording, Impossible>> {
    let session = session().take()?;
    let end = recorder::end();
    Some(put_together(&session, &end))
}

fn put_together(session: &Session, end: &Moment) -> Result<Recording, Impossible> {
    let (streams, lost) = (recorder::streams(), recorder::lost());
    let mut steps = order(&streams, lost > 0, session.beginning)?;
    let begin = &session.begin;
    for step in &mut steps {
        step.time = begin.nanos_to(begin.ticks + step.time, end);
    }
    let last = steps.last().map_or(0, |step| step.time);
    let end = if lost > 0 {
        last
    } else {
        last.max(end.nanos - begin.nanos)
    };
    Ok(Recording {
        names: names(&steps),
        steps,
        end,
        lost,
    })
}

/// Where goroutines were asked for: those that were born meanwhile, and those that live.
fn names(steps: &[Step]) -> Names {
    let mut names = Names {
        said: said().clone(),
        ..Names::default()
    };
    allgs::for_each(|g| {
        if is_user(g)
            && let Some(at) = g.spawned_at.peek()
        {
            names
                .places
                .insert(g.id(), Place::new(at.file(), at.line()));
        }
    });
    for step in steps {
        if let What::Create(g, place) = step.what
            && let Some(at) = recorder::place_of(place)
        {
            names.places.insert(g, Place::new(at.file(), at.line()));
        }
    }
    names
}

/// The number of some words of the program's. When events find no room any more, words are not kept.
pub(crate) fn say(words: Said) -> u64 {
    let mut said = said();
    if recorder::lost() > 0 {
        return said.len() as u64;
    }
    said.push(words);
    said.len() as u64 - 1
}
