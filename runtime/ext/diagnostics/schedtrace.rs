//! `GOSCHED=schedtrace=X`: a line about the scheduler each X milliseconds, in Go's words.
//!
//! `SCHED 1009ms: gomaxprocs=2 idleprocs=0 threads=5 ... runqueue=1 [ 3 0 ] schedticks=[ 7 9 ]`:
//! the lengths of the Ps' queues (`runnext` not counted), and how often each P has picked. With
//! `scheddetail=1`, a line for each P, M and G instead.
//!
//! sysmon writes the line. It must not wait for another thread, so it takes no lock and does not
//! allocate, and the numbers of one line are from slightly different moments.
//!
//! Go: proc.go schedtrace.
#![forbid(unsafe_code)]

use std::fmt::{self, Write};
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::Nanos;
use crate::ext::allgs;
use crate::ext::kind::Kind;
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::stopped::State;
use crate::ext::threads::allm;

/// What GODEBUG asks for.
struct Trace {
    /// Between two traces; 0: none.
    period: OwnerCell<u64>,
    detailed: OwnerCell<bool>,
}

static TRACE: Trace = Trace {
    period: OwnerCell::zero(),
    detailed: OwnerCell::zero(),
};

/// Before the runtime's threads start.
pub(crate) fn configure(period: Option<Nanos>, detailed: bool) {
    TRACE.period.set(period.unwrap_or(0));
    TRACE.detailed.set(detailed);
}

/// How often it is wanted.
pub(crate) fn period() -> Option<Nanos> {
    Some(TRACE.period.peek()).filter(|&period| period > 0)
}

/// One trace; `age` is how long the runtime has been there.
pub(crate) fn print(age: Nanos) {
    let mut out = BufferedStderr::hasty(); // sysmon waits for nobody
    let millis = age / 1_000_000;
    // Nobody is left to hear that stderr is closed.
    let _ = if TRACE.detailed.peek() {
        detailed(&mut out, millis)
    } else {
        line(&mut out, millis)
    };
}

fn line(out: &mut impl Write, millis: u64) -> fmt::Result {
    head(out, millis)?;
    write!(out, " [")?;
    for p in SCHED.ps() {
        write!(out, " {}", p.runq.len())?;
    }
    write!(out, " ] schedticks=[")?;
    for p in SCHED.ps() {
        write!(out, " {}", p.schedtick.peek())?;
    }
    writeln!(out, " ]")
}

fn head(out: &mut impl Write, millis: u64) -> fmt::Result {
    let idle = SCHED.idle.load();
    let idle_ms = SCHED.idle_ms.len() + u32::from(SCHED.timer_waiter.is_taken());
    write!(
        out,
        "SCHED {millis}ms: gomaxprocs={} idleprocs={} threads={} spinningthreads={} \
         needspinning={} idlethreads={idle_ms} runqueue={}",
        SCHED.procs(),
        idle.idle_ps(),
        SCHED.m_count.peek(),
        idle.spinning(),
        u32::from(idle.need_spinning()),
        SCHED.global_len(),
    )
}

fn detailed(out: &mut impl Write, millis: u64) -> fmt::Result {
    head(out, millis)?;
    writeln!(
        out,
        " gcwaiting={} nmidlelocked={} stopwait={} sysmonwait={}",
        SCHED.stopping.peek(),
        SCHED.idle_locked.peek(),
        SCHED.still_running.peek(),
        SCHED.sysmon_asleep.peek(),
    )?;
    SCHED.ps().try_for_each(|p| describe_p(out, p))?;
    allm::all_ms().try_for_each(|m| describe_m(out, m))?;
    let mut result = Ok(());
    allgs::for_each(|g| {
        let alive = g.kind() != Kind::Thread && g.status.state() != State::Dead;
        if alive && result.is_ok() {
            result = describe_g(out, g);
        }
    });
    result
}

fn describe_p(out: &mut impl Write, p: &P) -> fmt::Result {
    writeln!(
        out,
        "  P{}: status={} schedtick={} syscalltick={} m={} runqsize={} gfreecnt={} timerslen={}",
        p.id,
        p.status() as u8,
        p.schedtick.peek(),
        p.syscalltick.peek(),
        OrNil(p.m.get()),
        p.runq.len(),
        p.gs_kept(),
        p.timers.len(),
    )
}

fn describe_m(out: &mut impl Write, m: &M) -> fmt::Result {
    writeln!(
        out,
        "  M{}: p={} curg={} inruntime={} lost={} blocking={} spinning={} bound={} lockedg={}",
        m.id,
        OrNil(m.p().map(|p| p.id)),
        OrNil(m.curg().map(|g| g.id())),
        m.retake.depth(),
        m.retake.is_lost(),
        m.blocking.peek(),
        m.spinning.peek(),
        m.bound_asleep.peek(),
        OrNil(locked_to(m)),
    )
}

/// A goroutine that is locked to it.
fn locked_to(m: &M) -> Option<u64> {
    let mut found = None;
    if m.locked() != 0 {
        allgs::for_each(|g| {
            if g.locked_m.get() == Some(m.id) {
                found = Some(g.id());
            }
        });
    }
    found
}

fn describe_g(out: &mut impl Write, g: GRef) -> fmt::Result {
    let state = g.status.state();
    let running = matches!(state, State::Running | State::Preempted);
    let waiting = state == State::Waiting;
    writeln!(
        out,
        "  G{}: status={}({}) m={} lockedm={}",
        g.id(),
        state as u8,
        if waiting { g.reason().as_str() } else { "" },
        OrNil(running.then(|| g.last_m.load(Relaxed).id())),
        OrNil(g.locked_m.get()),
    )
}

/// Go's word for none.
struct OrNil<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrNil<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("nil"),
        }
    }
}
