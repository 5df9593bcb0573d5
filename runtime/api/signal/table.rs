//! Who hears of which signal, and the thread that tells them.
//!
//! A thread, and not a goroutine: signals are heard of before the runtime starts as well, while all Ps
//! compute, and when all goroutines wait for one another. It sleeps until a signal comes. As its existence
//! means that something may still happen, a program that waits for a signal is no deadlock, as in Go.
//!
//! Go: os/signal signal.go handlers, process, loop.
#![forbid(unsafe_code)]

use std::sync::{Arc, PoisonError};

use crate::api::channel::{Sender, TrySendError};
use crate::api::context::CancelCauseFunc;
use crate::api::signal::number::Signal;
use crate::api::sync::{Mutex, MutexGuard};
use crate::ext::linux::helper;
use crate::ext::linux::relay::{self, Actions, LAST};

/// What the thread that tells may need on its stack.
const ROOM: usize = 128 << 10;

/// Somebody who hears of signals.
pub(crate) enum Listener {
    Channel(Sender<Signal>),
    /// The first cancels it.
    Context(Arc<CancelCauseFunc>),
}

struct Entry {
    listener: Listener,
    /// A bit for each signal: signal 1 is the lowest.
    signals: u64,
}

pub(crate) struct Table {
    entries: Vec<Entry>,
    actions: Actions,
    is_told: bool,
}

static TABLE: Mutex<Table> = Mutex::new(Table {
    entries: vec![],
    actions: Actions::new(),
    is_told: false,
});

pub(crate) fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bits of `signals` that can be heard of. None: all that can.
pub(crate) fn bits(signals: impl IntoIterator<Item = Signal>) -> u64 {
    let bit = |signal: Signal| match signal.can_be_heard() {
        true => 1 << (signal.number() - 1),
        false => 0,
    };
    let mut signals = signals.into_iter().peekable();
    if signals.peek().is_some() {
        return signals.map(bit).fold(0, |all, one| all | one);
    }
    all_of(u64::MAX).map(bit).fold(0, |all, one| all | one)
}

/// The signals of these bits.
fn all_of(bits: u64) -> impl Iterator<Item = Signal> {
    let numbers = (1..=LAST).filter(move |number| bits >> (number - 1) & 1 == 1);
    numbers.filter_map(Signal::from_number)
}

impl PartialEq for Listener {
    fn eq(&self, other: &Listener) -> bool {
        match (self, other) {
            (Listener::Channel(a), Listener::Channel(b)) => a.same_channel(b),
            (Listener::Context(a), Listener::Context(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Table {
    /// `listener` hears of these as well.
    #[track_caller]
    pub(crate) fn add(&mut self, listener: Listener, signals: u64) {
        if !self.is_told {
            if let Err(errno) = helper::start(c"gosched-signals", ROOM, tell) {
                let e = std::io::Error::from_raw_os_error(errno);
                panic!("failed to start a thread for signals: {e}");
            }
            self.is_told = true;
        }
        match self
            .entries
            .iter_mut()
            .find(|entry| entry.listener == listener)
        {
            Some(entry) => entry.signals |= signals,
            None => self.entries.push(Entry { listener, signals }),
        }
        all_of(signals).for_each(|signal| self.actions.want(signal.number()));
    }

    /// It hears of nothing more. Whoever is to be told of what has come until now is told first.
    pub(crate) fn remove(&mut self, listener: &Listener) {
        self.tell_what_came();
        let is_meant = |entry: &mut Entry| entry.listener == *listener;
        let gone: Vec<Entry> = self.entries.extract_if(.., is_meant).collect();
        for entry in gone {
            self.restore_if_unheard(entry.signals);
        }
    }

    /// Those of which nobody hears act as before.
    fn restore_if_unheard(&mut self, signals: u64) {
        let heard = self
            .entries
            .iter()
            .fold(0, |all, entry| all | entry.signals);
        for signal in all_of(signals & !heard) {
            self.actions.restore(signal.number());
        }
    }

    /// Nobody hears of these any more, and they act as before.
    pub(crate) fn reset(&mut self, signals: u64) {
        self.forget(signals);
        all_of(signals).for_each(|signal| self.actions.restore(signal.number()));
    }

    /// Nobody hears of these any more, and they do nothing.
    pub(crate) fn ignore(&mut self, signals: u64) {
        self.forget(signals);
        all_of(signals).for_each(|signal| self.actions.ignore(signal.number()));
    }

    fn forget(&mut self, signals: u64) {
        self.tell_what_came();
        for entry in &mut self.entries {
            entry.signals &= !signals;
        }
        self.entries.retain(|entry| entry.signals != 0);
    }

    /// Tells whoever is to be told. Never waits: a channel without room misses the signal.
    fn tell_what_came(&mut self) {
        for signal in all_of(relay::came()) {
            self.tell_all(signal);
        }
    }

    fn tell_all(&mut self, signal: Signal) {
        let bit = 1 << (signal.number() - 1);
        let mut deaf = 0;
        self.entries.retain(|entry| {
            let hears = entry.signals & bit != 0;
            let is_gone = hears && !entry.listener.tell(signal);
            if is_gone {
                deaf |= entry.signals;
            }
            !is_gone
        });
        self.restore_if_unheard(deaf);
    }
}

impl Listener {
    /// Returns `false` if nobody will ever listen there again.
    fn tell(&self, signal: Signal) -> bool {
        match self {
            Listener::Channel(channel) => {
                !matches!(channel.try_send(signal), Err(TrySendError::Disconnected(_)))
            }
            Listener::Context(cancel) => {
                cancel.cancel(format!("{signal} received"));
                true
            }
        }
    }
}

/// The life of the thread that tells.
fn tell(_: &'static ()) {
    loop {
        relay::wait();
        table().tell_what_came();
    }
}
