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
use crate::ext::diagnostics::dump::is_user;
use crate::ext::linux::ticks::Moment;
use crate::ext::recording::record::{Record, Was};
use crate::ext::recording::recorder::{Keep, Stream};
use crate::ext::recording::{emit, recorder};
use crate::ext::stopped::State;
use crate::ext::threads::allm;
use crate::ext::trace::at_cut::Standing;
use crate::ext::trace::cut::{cut, earliest};
use crate::ext::trace::names::{Names, Place, Said, Words};
use crate::ext::trace::order::{Beginning, Impossible, Step, order};
use crate::ext::trace::possible::{What, WriterId};
use crate::ext::world::stop_world;

/// The recording that runs now.
#[derive(Clone, Copy)]
struct Session {
    begin: Moment,
    beginning: Beginning,
    /// Of a flight recording: how much of the past is asked for.
    min_age: Option<Duration>,
}

static SESSION: Mutex<Option<Session>> = Mutex::new(None);
/// There is one, or it begins just now.
static BUSY: AtomicBool = AtomicBool::new(false);
/// What the program has said while it was recorded.
static SAID: Mutex<Words> = Mutex::new(Words::new());

fn session() -> MutexGuard<'static, Option<Session>> {
    SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

fn said() -> MutexGuard<'static, Words> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
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
    SCHED.all_ps().for_each(emit::p_is_idle);
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
    *said() = Words::new();
    let begin = stop_world::stopped(|_| {
        let sched = SCHED.lock(); // who comes out of the kernel waits, and then writes that down
        let begin = recorder::begin(keep(flight));
        describe_world();
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
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// Times are nanoseconds from the beginning.
    pub(crate) steps: Vec<Step>,
    pub(crate) names: Names,
    pub(crate) end: u64,
    pub(crate) lost: u64,
    /// Records of the last moment, before which others are missing.
    pub(crate) left_out: usize,
}

/// Ends the recording. `None`: there was none, or it is in flight.
pub(crate) fn end() -> Option<Result<Recording, Impossible>> {
    let session = session().take_if(|session| session.min_age.is_none())?;
    let end = recorder::end();
    if SCHED.is_started() {
        stop_world::stopped(|_| ()); // who still writes has written then
    }
    let recording = put_together(&session, &end, Tail::Whole, None);
    BUSY.store(false, Release); // pairs(trace-busy)
    Some(recording)
}

/// Ends the recording at the end of the process: nobody is waited for.
pub(crate) fn end_at_exit(tail: Tail) -> Option<Result<Recording, Impossible>> {
    let session = session().take()?;
    let end = recorder::end();
    Some(put_together(&session, &end, tail, None))
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
    let end = stop_world::stopped(|_| {
        look_around(&mut standing);
        Moment::now()
    });
    Some(put_together(&session, &end, Tail::Open, Some(standing)))
}

/// What the last events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The last ones there were.
    Whole,
    /// Others were being written, or came later: the order ends where one of these is needed.
    Open,
}

fn put_together(
    session: &Session,
    end: &Moment,
    tail: Tail,
    standing: Option<Standing>,
) -> Result<Recording, Impossible> {
    let goes_on = session.min_age.is_some() && recorder::on();
    let until = goes_on.then_some(*end);
    let (streams, lost) = (recorder::streams(end, until), recorder::lost());
    let begin = &session.begin;
    let (mut steps, from, left_out) = match session.min_age {
        Some(age) => the_last(session, &streams, end, age, standing)?,
        None => {
            let streams: Vec<_> = streams.into_iter().map(|s| (s.owner, s.records)).collect();
            let lossy = lost > 0 || tail == Tail::Open;
            let steps = order(&streams, lossy, session.beginning)?;
            let left_out = count(&streams) - steps.len();
            (steps, 0, left_out)
        }
    };
    let nanos = |time| begin.nanos_to(begin.ticks + time, end);
    let first = nanos(from);
    for step in &mut steps {
        step.time = nanos(step.time).saturating_sub(first);
    }
    let last = steps.last().map_or(0, |step| step.time);
    let whole = session.min_age.is_some() || lost == 0;
    let end = match whole {
        true => last.max((end.nanos - begin.nanos).saturating_sub(first)),
        false => last,
    };
    Ok(Recording {
        names: names(&steps),
        steps,
        end,
        lost: if session.min_age.is_some() { 0 } else { lost },
        left_out,
    })
}

fn count(streams: &[(WriterId, Vec<Record>)]) -> usize {
    streams.iter().map(|(_, records)| records.len()).sum()
}

/// How often a later cut is tried, if not nearly all of what comes after it can be put in order.
const CUTS: u32 = 4;

/// The last part of a recording, and when that begins.
fn the_last(
    session: &Session,
    streams: &[Stream],
    end: &Moment,
    age: Duration,
    standing: Option<Standing>,
) -> Result<(Vec<Step>, u64, usize), Impossible> {
    let until = end.ticks - session.begin.ticks;
    let nanos = (end.nanos - session.begin.nanos).max(1);
    let mut time = earliest(streams, so_long_before(until, age, nanos));
    if time == 0 {
        let streams: Vec<_> = streams
            .iter()
            .map(|s| (s.owner, s.records.clone()))
            .collect();
        let steps = order(&streams, true, session.beginning)?;
        let left_out = count(&streams) - steps.len();
        return Ok((steps, 0, left_out));
    }
    let standing = standing.unwrap_or_else(|| {
        let mut standing = Standing::with_room(allgs::count());
        look_around(&mut standing);
        standing
    });
    let mut best = (Vec::new(), time, 0);
    for _ in 0..CUTS {
        let parts = cut(streams, time, &standing);
        let steps = order(&parts, true, Beginning::Blurred)?;
        let left_out = count(&parts) - steps.len();
        let nearly_all = left_out <= steps.len() / 10;
        if steps.len() > best.0.len() {
            best = (steps, time.saturating_sub(1), left_out);
        }
        if nearly_all {
            break;
        }
        time += until.saturating_sub(time) / 4;
    }
    Ok(best)
}

/// The tick that is `age` before tick `until`, which is `nanos` after tick 0.
fn so_long_before(until: u64, age: Duration, nanos: u64) -> u64 {
    let ticks = u128::from(until).saturating_mul(age.as_nanos()) / u128::from(nanos);
    until.saturating_sub(u64::try_from(ticks).unwrap_or(u64::MAX))
}

/// How everything is now, as far as it can be seen from outside. Allocates nothing.
fn look_around(standing: &mut Standing) {
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

/// Where goroutines were asked for: those that were born meanwhile, and those that live.
fn names(steps: &[Step]) -> Names {
    let mut names = Names {
        words: said().clone(),
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

/// The number of some words of the program's; 0, which no words have, if events find no room any more.
pub(crate) fn say(words: Said) -> u64 {
    if recorder::is_full() {
        return 0;
    }
    let mut said = said();
    said.push(words);
    said.next() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_without_end_goes_back_to_the_beginning() {
        let hour = 3_600_000_000_000;
        assert_eq!(
            so_long_before(3 * hour, Duration::from_secs(60), hour),
            3 * (hour - 60_000_000_000)
        );
        assert_eq!(so_long_before(3 * hour, Duration::MAX, hour), 0);
        assert_eq!(so_long_before(3 * hour, Duration::ZERO, hour), 3 * hour);
    }
}
