//! The settings in the environment: `GOMAXPROCS` and `GOSCHED`.
//!
//! `GOSCHED` is a list, `key=value,key=value`, as Go's `GODEBUG`; but an unknown key is an error
//! at the start, and is not ignored. A new key must be added to [`Debug`], to [`KEYS`], to
//! `docs/settings.md` (at the same place), and to the test of the message below; `configure` in
//! `ext/hooks.rs` applies it. If the core needs it: a hook in both hooks files.
//!
//! Go: runtime1.go parsedebugvars, proc.go schedinit; debug.go GOMAXPROCS.
#![forbid(unsafe_code)]

use std::ffi::OsString;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::p::processor::MAX_PS;
use crate::core::sys::clock::Nanos;
use crate::ext::recording::format::Format;
use crate::ext::stackalloc::GuardStep;

/// How many Ps the variable `GOMAXPROCS` asks for; `None`: it is not set.
pub(crate) fn procs(variable: Option<OsString>) -> Result<Option<u32>, String> {
    match variable {
        Some(text) if !text.is_empty() => parse_procs(&text.to_string_lossy()).map(Some),
        _ => Ok(None),
    }
}

fn parse_procs(text: &str) -> Result<u32, String> {
    let number: Result<u32, _> = text.parse();
    match number {
        Ok(n) if (1..=MAX_PS as u32).contains(&n) => Ok(n),
        _ => Err(format!(
            "GOMAXPROCS={text}: want a whole number from 1 to {MAX_PS}"
        )),
    }
}

/// What `GOSCHED` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Debug {
    pub(crate) async_preempt_off: bool,
    /// The first way to guard stacks that is tried.
    pub(crate) stack_guard: Option<GuardStep>,
    /// A line about the scheduler each so often.
    pub(crate) sched_trace: Option<Nanos>,
    /// ... with every P, M and G.
    pub(crate) sched_detail: bool,
    /// After so long a goroutine is preempted when others wait: for tests of preemption.
    pub(crate) slice: Option<Nanos>,
    /// The safety valve stays closed: for tests that show what it is for.
    pub(crate) valve_off: bool,
    /// The schedtick that each P starts at: it decides when the 61st look at the global queue
    /// comes. For comparison with schedules recorded elsewhere.
    pub(crate) sched_tick: u32,
    /// See [`steady`].
    pub(crate) steady: bool,
    /// The program is recorded, to the file that [`file_of`] names.
    pub(crate) trace: bool,
    /// Its last part is recorded, for when it dies.
    pub(crate) flight: bool,
    /// What is still blocked when `run` returns is listed.
    pub(crate) leaks: bool,
    /// The number of Ps stays as it was at the start, whatever CPUs may be used.
    pub(crate) fixed_procs: bool,
}

static STEADY: OwnerCell<bool> = OwnerCell::zero();

/// Does nothing that a goroutine can see depend on the clock, except which of several ready cases a
/// `select` takes (its seed is the clock)? Then there are no time slices, a thread that is blocked in
/// the kernel keeps its P, and no mutex starves: at one P a program without such a `select` makes the
/// same schedule each time, on a busy machine too.
pub(crate) fn steady() -> bool {
    STEADY.peek()
}

/// Before the first goroutine.
pub(crate) fn set_steady(on: bool) {
    STEADY.set(on);
}

/// Stores a value; `None`: it is none of those that the key takes.
type Set = fn(&mut Debug, &str) -> Option<()>;

/// Name, values, and what they do.
const KEYS: &[(&str, &str, Set)] = &[
    ("asyncpreemptoff", "0 or 1", |debug, value| {
        debug.async_preempt_off = flag(value)?;
        Some(())
    }),
    ("stackguard", "batch, single or mprotect", |debug, value| {
        debug.stack_guard = Some(GuardStep::from_name(value)?);
        Some(())
    }),
    ("schedtrace", "milliseconds, 0 for off", |debug, value| {
        let millis: u32 = value.parse().ok()?;
        debug.sched_trace = (millis > 0).then_some(Nanos::from(millis) * 1_000_000);
        Some(())
    }),
    ("scheddetail", "0 or 1", |debug, value| {
        debug.sched_detail = flag(value)?;
        Some(())
    }),
    ("slice", "a time from 100us to 10s", |debug, value| {
        let slice = time(value).filter(|slice| (SHORTEST..=LONGEST).contains(slice));
        debug.slice = Some(slice?);
        Some(())
    }),
    ("valveoff", "0 or 1", |debug, value| {
        debug.valve_off = flag(value)?;
        Some(())
    }),
    ("schedtick", "a number", |debug, value| {
        debug.sched_tick = value.parse().ok()?;
        Some(())
    }),
    ("steady", "0 or 1", |debug, value| {
        debug.steady = flag(value)?;
        Some(())
    }),
    (
        "trace",
        "a file that ends in .html, .trace, .perfetto, .pb.gz or .txt, or -",
        |debug, value| {
            debug.trace = Format::of(value).is_some();
            debug.trace.then_some(())
        },
    ),
    (
        "flight",
        "a file that ends in .html, .trace, .perfetto, .pb.gz or .txt, or -",
        |debug, value| {
            debug.flight = Format::of(value).is_some();
            debug.flight.then_some(())
        },
    ),
    ("leaks", "0 or 1", |debug, value| {
        debug.leaks = flag(value)?;
        Some(())
    }),
    ("updatemaxprocs", "0 or 1", |debug, value| {
        debug.fixed_procs = !flag(value)?;
        Some(())
    }),
];

const SHORTEST: Nanos = 100_000;
const LONGEST: Nanos = 10_000_000_000;

/// `1ms`, `500us`, `2s`.
fn time(text: &str) -> Option<Nanos> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let nanos = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<Nanos>().ok()?.checked_mul(nanos)
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Reads `GOSCHED`. The last of equal keys counts; empty items do nothing.
pub(crate) fn debug(variable: Option<OsString>) -> Result<Debug, String> {
    let text = variable.unwrap_or_default();
    let text = text.to_string_lossy();
    let mut debug = Debug::default();
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        let Some((_, values, set)) = KEYS.iter().find(|(known, ..)| *known == key) else {
            return Err(unknown_key(key));
        };
        set(&mut debug, value)
            .ok_or_else(|| format!("GOSCHED: {key}={value}: want {key}={values}"))?;
    }
    Ok(debug)
}

/// The file that the key names, which is `trace` or `flight`.
pub(crate) fn file_of(variable: Option<OsString>, key: &str) -> Option<String> {
    let text = variable.unwrap_or_default();
    let text = text.to_string_lossy();
    let items = text.split(',').rev().map(str::trim);
    let mut files = items.filter_map(|item| item.strip_prefix(key)?.strip_prefix('='));
    files.next().map(String::from)
}

fn unknown_key(key: &str) -> String {
    let mut words = format!("GOSCHED: unknown key `{key}`; there are");
    for (i, (known, values, _)) in KEYS.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        words += &format!("{comma} {known} ({values})");
    }
    words
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn gomaxprocs_is_a_number_from_1_to_1024() {
        let of = |s: &str| procs(Some(s.into()));
        assert_eq!(of("1"), Ok(Some(1)));
        assert_eq!(of("1024"), Ok(Some(1024)));
        assert_eq!((procs(None), of("")), (Ok(None), Ok(None)));
        for bad in ["0", "-1", "1025", "two", "1.5", " 2"] {
            assert_eq!(
                of(bad),
                Err(format!(
                    "GOMAXPROCS={bad}: want a whole number from 1 to 1024"
                ))
            );
        }
    }

    #[test]
    fn gosched_is_a_list_of_keys_and_values() {
        let of = |s: &str| debug(Some(s.into()));
        assert_eq!(debug(None), Ok(Debug::default()));
        assert_eq!(of(" ,"), Ok(Debug::default()));
        let all = of("schedtrace=1000, scheddetail=1,asyncpreemptoff=1,stackguard=mprotect");
        let expected = Debug {
            async_preempt_off: true,
            stack_guard: Some(GuardStep::Mprotect),
            sched_trace: Some(1_000_000_000),
            sched_detail: true,
            ..Debug::default()
        };
        assert_eq!(all, Ok(expected));
        assert_eq!(of("slice=500us").map(|d| d.slice), Ok(Some(500_000)));
        for bad in [
            "slice=",
            "slice=1",
            "slice=ms",
            "slice=1h",
            "slice=1us",
            "slice=99s",
        ] {
            let wrong = format!("GOSCHED: {bad}: want slice=a time from 100us to 10s");
            assert_eq!(of(bad), Err(wrong));
        }
        assert_eq!(of("schedtrace=5,schedtrace=0"), Ok(Debug::default()));
    }

    #[test]
    fn gosched_says_what_is_wrong_and_what_there_is() {
        let of = |s: &str| debug(Some(s.into())).unwrap_err();
        assert_eq!(
            of("asyncpreemptof=1"),
            "GOSCHED: unknown key `asyncpreemptof`; there are asyncpreemptoff (0 or 1), \
             stackguard (batch, single or mprotect), schedtrace (milliseconds, 0 for off), \
             scheddetail (0 or 1), slice (a time from 100us to 10s), valveoff (0 or 1), \
             schedtick (a number), steady (0 or 1), \
             trace (a file that ends in .html, .trace, .perfetto, .pb.gz or .txt, or -), \
             flight (a file that ends in .html, .trace, .perfetto, .pb.gz or .txt, or -), \
             leaks (0 or 1), updatemaxprocs (0 or 1)"
        );
        assert_eq!(
            of("scheddetail"),
            "GOSCHED: scheddetail=: want scheddetail=0 or 1"
        );
        assert_eq!(
            of("schedtrace=soon"),
            "GOSCHED: schedtrace=soon: want schedtrace=milliseconds, 0 for off"
        );
    }
    /// The reference has exactly the keys that the parser knows, with the same values.
    #[test]
    fn every_key_has_its_row_in_the_reference() {
        let page = include_str!("../../../docs/settings.md");
        let mut sections = page.split("\n## ");
        let section = sections.find(|s| s.starts_with("Keys of GOSCHED")).unwrap();
        let rows = section.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((cells.next()?.trim_end_matches('`'), cells.next()?))
        });
        let known = KEYS.iter().map(|&(key, values, _)| (key, values));
        assert_eq!(rows.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    }
}
