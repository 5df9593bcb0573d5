//! What is recorded, in the order in which a goroutine meets it.
//!
//! While nothing is recorded, a goroutine's runs cost nothing: the M looks at the goroutine's word `stay`
//! for other reasons, before it runs and when it has left, and `RECORDED` is a bit of that word. The other
//! events cost a look at one byte.
//!
//! An event is written by whoever owns the goroutine or the P just then, before others can see what
//! it says: so two events of one goroutine are in the order of its moves. `README.md` beside this file
//! has the places.
#![forbid(unsafe_code)]

use crate::core::base::m_id::MId;
use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::context::Switch;
use crate::core::g::goroutine::GRef;
use crate::core::m::current::this_m;
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::p::run_queue::Source;
use crate::core::sched::schedt::SCHED;
use crate::ext::latency;
use crate::ext::looks::{self, LATENCY, looks};
use crate::ext::pins::RECORDED;
use crate::ext::recording::place::place_word;
use crate::ext::recording::record::{Asleep, Fires, Kind, Note, Rule, Why};
use crate::ext::recording::recorder::on;
use crate::ext::recording::words::{start_word, tag, with_number};
use crate::ext::recording::writer::{write_outside, write_unstopped};

/// The number that an M writes under.
pub(crate) fn writer_of(m: MId) -> u32 {
    m.number()
}

fn by(m: &M, kind: Kind, small: u8, a: u64, b: u64) {
    write(m, tag(kind, small), a, b);
}

#[cold]
#[inline(never)]
fn write(m: &M, tag: u64, a: u64, b: u64) {
    if m.trace.has_stop() {
        return write_after_stop(m, tag, a, b);
    }
    let owner = || writer_of(m.id);
    match m.p() {
        Some(_) => m.trace.write(owner, tag, a, b),
        None => write_unstopped(&m.trace, owner, tag, a, b),
    }
}

/// The stop that the M, which has a P, has noted was before this.
#[cold]
#[inline(never)]
fn write_after_stop(m: &M, tag: u64, a: u64, b: u64) {
    write_stop(m);
    write(m, tag, a, b);
}

fn write_stop(m: &M) {
    m.trace.write_stop(writer_of(m.id), with_queues(0, Some(m)));
}

/// What this M does takes time: the next goroutine is not there at once.
fn takes_time(m: &M) {
    m.trace.takes_time();
    if m.trace.has_stop() {
        write_stop(m);
    }
}

/// By the calling thread, whichever it is.
pub(super) fn by_this_thread(kind: Kind, small: u8, a: u64, b: u64) {
    by_thread(this_m(), kind, small, a, b);
}

/// By the calling thread, which is this M or none.
fn by_thread(m: Option<&M>, kind: Kind, small: u8, a: u64, b: u64) {
    match m {
        Some(m) => by(m, kind, small, a, b),
        None => write_outside(|| Some((tag(kind, small), a, b))),
    }
}

/// Of the queue of the P that this M holds.
fn local_len(m: Option<&M>) -> u32 {
    m.and_then(M::p).map_or(0, |p| p.runq.len() as u32)
}

/// A number of moves, and the lengths of the two queues.
fn with_queues(moves: u32, m: Option<&M>) -> u64 {
    start_word(moves, local_len(m), SCHED.global_len())
}

/// One move more. By whoever owns the goroutine or P.
fn move_on(moves: &OwnerCell<u32>) -> u32 {
    moves.add(1);
    moves.get()
}

// A goroutine.

/// It has its number, and is about to be put into a queue.
#[inline(always)]
pub(crate) fn spawned(g: GRef) {
    if looks::anybody() {
        note_spawned(g);
    }
}

#[cold]
#[inline(never)]
fn note_spawned(g: GRef) {
    if looks(LATENCY) {
        latency::spawned(g);
    }
    if on() {
        write_spawned(g);
    }
}

fn write_spawned(g: GRef) {
    g.moves.set(0);
    watch(g);
    let place = g.spawned_at.get().map_or(0, place_word);
    let m = this_m();
    let word = with_number(place, local_len(m).min(u32::from(u16::MAX)) as u16);
    by_thread(m, Kind::Create, 0, g.id(), word);
}

/// The next goroutine comes from elsewhere than the P's own queue.
#[inline(always)]
pub(crate) fn picked(source: Source) {
    if on() {
        write_picked(source);
    }
}

#[cold]
#[inline(never)]
fn write_picked(source: Source) {
    let (rule, victim, n) = match source {
        Source::Every61st => (Rule::Global61, 0, 0),
        Source::GlobalBatch => (Rule::GlobalBatch, 0, 0),
        Source::Half { victim, n } => (Rule::StealHalf, victim, n),
        Source::Next(p) => (Rule::StealNext, p, 1),
        Source::Timer(p) => (Rule::StealTimer, p, 0), // each timer has an event of its own
        Source::OwnThread => (Rule::Tied, 0, 0),
        Source::NoStack => (Rule::Starved, 0, 0),
        Source::Net => (Rule::Net, 0, 0),
    };
    let Some(m) = this_m() else { return };
    m.trace.set_rule(Some(rule));
    if matches!(rule, Rule::StealHalf | Rule::StealNext | Rule::StealTimer) {
        by(m, Kind::Steal, rule as u8, u64::from(victim), u64::from(n));
    }
}

/// From now on its runs are written down. By whoever owns it.
pub(crate) fn watch(g: GRef) {
    g.stay.set(g.stay.get() | RECORDED);
}

/// A recording has ended: its runs are not written down any more.
fn unwatch(g: GRef) {
    g.stay.set(g.stay.get() & !RECORDED);
}

/// It is this M's, which is about to switch to it. Its word says `RECORDED`, as for [`left`].
pub(crate) fn runs(m: &'static M, g: GRef, inherits: bool) {
    if !on() {
        return unwatch(g);
    }
    let rule = if inherits { Rule::Runnext } else { Rule::Local };
    write_start(m, g, rule);
}

/// It was stopped where it stood, and goes on there.
#[inline(always)]
pub(crate) fn goes_on_in_place(m: &'static M, g: GRef) {
    if on() {
        write_start(m, g, Rule::InPlace);
    }
}

#[cold]
#[inline(never)]
fn write_start(m: &'static M, g: GRef, said: Rule) {
    let found = m.trace.take_rule();
    let moves = move_on(&g.moves);
    if found.is_some() || moves == 1 {
        takes_time(m); // it was looked for elsewhere, or may have got a stack from the kernel
    }
    let rule = found.unwrap_or(said);
    let word = with_queues(moves, Some(m));
    if m.trace.write_switch(rule, g.id(), word) {
        return;
    }
    if m.trace.has_stop() {
        write_stop(m);
    }
    let tag = tag(Kind::Start, rule as u8);
    m.trace.write_starts(|| writer_of(m.id), tag, g.id(), word);
}

/// It has left its stack, whose number is `stack`, and nobody knows yet.
#[inline(always)]
pub(crate) fn left(m: &'static M, g: GRef, switch: Switch, stack: u16) {
    if !on() {
        return unwatch(g);
    }
    let why = match switch {
        Switch::Yield => Why::Yield,
        Switch::YieldLocal => Why::YieldLocal,
        Switch::Preempted => Why::Preempted,
        Switch::Park => {
            let on = with_number(g.waits_for.get() as u64, stack);
            let tag = tag(Kind::Block, g.reason() as u8);
            return m.trace.write_gives_way(|| writer_of(m.id), tag, g.id(), on);
        }
        Switch::Done => return by(m, Kind::End, 0, g.id(), 0),
        Switch::LostP => return, // `comes_back` and `leaves` say what becomes of it
    };
    let yields = matches!(why, Why::Yield | Why::YieldLocal) && stack == 0;
    if !(yields && m.trace.note_yield(why == Why::YieldLocal, g.id())) {
        let word = with_queues(u32::from(stack), Some(m));
        by(m, Kind::Stop, why as u8, g.id(), word); // or it goes into a queue under a lock
    }
}

/// It is stopped where it stands.
#[inline(always)]
pub(crate) fn stops_in_place(m: &'static M, g: GRef, for_world: bool) {
    if on() {
        let why = match for_world {
            true => Why::World,
            false => Why::Preempted,
        };
        by(m, Kind::Stop, why as u8, g.id(), with_queues(0, Some(m)));
    }
}

/// It waits, and may go on. By the one waker that owns the wait.
#[inline(always)]
pub(crate) fn readied(g: GRef) {
    if looks::anybody() {
        note_readied(g);
    }
}

#[cold]
#[inline(never)]
fn note_readied(g: GRef) {
    if looks(LATENCY) {
        latency::becomes_runnable(g);
    }
    if on() {
        write_readied(g);
    }
}

fn write_readied(g: GRef) {
    if g.is_thread() {
        return;
    }
    let m = this_m();
    let word = || with_queues(move_on(&g.moves), m);
    match m {
        Some(m) => by(m, Kind::Ready, 0, g.id(), word()),
        // It does not stop for the beginning of a recording, which may be just now: it counts its move before
        // the goroutine is described, and nothing is written, or after that.
        None => write_outside(|| on().then(|| (tag(Kind::Ready, 0), g.id(), word()))),
    }
}

/// It ran without a P, and is off the M now.
#[inline(always)]
pub(crate) fn leaves(m: &'static M, g: GRef) {
    if on() {
        watch(g);
        by(m, Kind::Leave, 0, g.id(), 0);
    }
}

/// It ran without a P, and has one again.
#[inline(always)]
pub(crate) fn comes_back(m: &'static M, g: GRef) {
    if on() {
        watch(g);
        by(m, Kind::Return, 0, g.id(), 0);
    }
}

/// It was stopped where it stood, and goes on without a P.
#[inline(always)]
pub(crate) fn through_valve(m: &'static M, g: GRef) {
    if on() {
        watch(g);
        by(m, Kind::Valve, 0, g.id(), 0);
    }
}

// A P.

/// The M, which is the caller's, takes a P that nobody holds.
#[inline(always)]
pub(crate) fn p_starts(m: &'static M, p: &P) {
    if on() {
        write_p_starts(m, p);
    }
}

pub(super) fn write_p_starts(m: &'static M, p: &P) {
    let moves = u64::from(move_on(&p.moves));
    by(m, Kind::PStart, 0, u64::from(p.id), moves);
}

/// The M, which is the caller's, gives its P up.
#[inline(always)]
pub(crate) fn p_stops(m: &'static M, p: &P) {
    if on() {
        m.trace.set_rule(None); // who was picked runs elsewhere
        m.trace.takes_time();
        by(m, Kind::PStop, 0, u64::from(p.id), 0);
    }
}

/// The calling thread has taken `from`'s P.
#[inline(always)]
pub(crate) fn p_retaken(from: &'static M, p: &P) {
    if on() {
        let word = u64::from(move_on(&p.moves)) | u64::from(writer_of(from.id)) << 32;
        by_this_thread(Kind::PRetake, 0, u64::from(p.id), word);
    }
}

/// The calling thread takes a P for another M, which it is about to wake.
#[inline]
pub(crate) fn p_is_for_another() {
    if on()
        && let Some(m) = this_m()
    {
        takes_time(m);
    }
}

// An M.

/// It looks for work from now on, or does not any more.
#[inline(always)]
pub(crate) fn spins(m: &'static M, now: bool) {
    if on() {
        by(m, Kind::Spin, u8::from(now), 0, 0);
    }
}

/// It has nothing to do, and falls asleep.
pub(crate) fn m_sleeps(m: &'static M) {
    m_sleeps_for(m, Asleep::Idle);
}

/// It falls asleep, for that reason.
#[inline(always)]
pub(crate) fn m_sleeps_for(m: &'static M, why: Asleep) {
    if on() {
        by(m, Kind::Sleep, why as u8, 0, 0);
    }
}

/// It is awake.
#[inline(always)]
pub(crate) fn m_wakes(m: &'static M) {
    if on() {
        by(m, Kind::Wake, u8::from(m.spinning.get()), 0, 0);
    }
}

// Others.

/// A timer fires that was in the heap of `p`, for this goroutine. By who makes it ready.
#[inline(always)]
pub(crate) fn fired(g: GRef, fires: Fires, p: &P) {
    if on() && !g.is_thread() {
        by_this_thread(Kind::Timer, fires as u8, g.id(), u64::from(p.id));
    }
}

/// The goroutine, which is the caller's, continues on a stack of so many bytes.
pub(crate) fn grows(g: GRef, bytes: usize) {
    if on() && !g.is_thread() {
        by_this_thread(Kind::Grow, 0, g.id(), bytes as u64);
    }
}

/// Words of the program's, by their number. Inside the runtime.
pub(crate) fn note(note: Note, number: u64) {
    if on() {
        by_this_thread(Kind::Note, note as u8, number, 0);
    }
}
