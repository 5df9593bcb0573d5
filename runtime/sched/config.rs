//! What the environment says: `GOMAXPROCS`, `GOSCHED`, and how many CPUs there are.
//!
//! `GOSCHED` is a comma-separated list of settings, as Go's `GODEBUG`; what nobody knows is
//! ignored. `asyncpreemptoff=1` turns preemption off. `slice=1ms` (or `us`, `s`) sets the time
//! after which a goroutine is preempted when others wait: for tests of preemption.
//! `valveoff=1` closes the safety valve for good: for tests that show what it is for.
//!
//! Go: runtime1.go, proc.go schedinit; debug.go GOMAXPROCS.
#![forbid(unsafe_code)]

use std::ffi::OsString;

use crate::p::processor::MAX_PS;
use crate::sys::clock::Nanos;

/// How many Ps to start with: `GOMAXPROCS` if set, else the CPUs that this process may use.
///
/// `num_cpus` minds the affinity mask and the cgroup's quota; as Go, a quota never leads to
/// fewer than two where there are two CPUs.
pub(crate) fn default_procs(variable: Option<OsString>) -> Result<u32, String> {
    match variable {
        None => Ok(cpus()),
        Some(text) if text.is_empty() => Ok(cpus()),
        Some(text) => parse(&text.to_string_lossy()),
    }
}

fn cpus() -> u32 {
    num_cpus::get().clamp(1, MAX_PS) as u32
}

fn parse(text: &str) -> Result<u32, String> {
    let number: Result<u32, _> = text.parse();
    match number {
        Ok(n) if (1..=MAX_PS as u32).contains(&n) => Ok(n),
        _ => Err(format!(
            "GOMAXPROCS={text}: want a whole number from 1 to {MAX_PS}"
        )),
    }
}

/// The part of `GOSCHED` that concerns preemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gosched {
    pub(crate) async_preempt: bool,
    pub(crate) slice: Option<Nanos>,
    pub(crate) valve: bool,
}

pub(crate) fn gosched(variable: Option<OsString>) -> Result<Gosched, String> {
    let mut settings = Gosched {
        async_preempt: true,
        slice: None,
        valve: true,
    };
    let text = variable.unwrap_or_default();
    for setting in text.to_string_lossy().split(',') {
        match setting.split_once('=') {
            Some(("asyncpreemptoff", value)) => settings.async_preempt = value != "1",
            Some(("valveoff", value)) => settings.valve = value != "1",
            Some(("slice", value)) => {
                let slice = time(value).filter(|slice| (SHORTEST..=LONGEST).contains(slice));
                let wrong = || format!("GOSCHED={setting}: want a time from 100us to 10s");
                settings.slice = Some(slice.ok_or_else(wrong)?);
            }
            _ => (),
        }
    }
    Ok(settings)
}

const SHORTEST: Nanos = 100_000;
const LONGEST: Nanos = 10_000_000_000;

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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn gomaxprocs_is_a_number_from_1_to_1024() {
        let of = |s: &str| default_procs(Some(s.into()));
        assert_eq!(of("1"), Ok(1));
        assert_eq!(of("1024"), Ok(1024));
        assert!(default_procs(None).unwrap() >= 1 && of("").unwrap() >= 1);
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
    fn gosched_is_a_list_of_settings() {
        let of = |s: &str| gosched(Some(s.into()));
        let expect = |async_preempt, slice| {
            Ok(Gosched {
                async_preempt,
                slice,
                valve: true,
            })
        };
        assert_eq!(gosched(None), expect(true, None));
        assert_eq!(of("x,asyncpreemptoff=1,y=2"), expect(false, None));
        assert_eq!(
            of("asyncpreemptoff=0,slice=1ms"),
            expect(true, Some(1_000_000))
        );
        assert_eq!(of("slice=500us"), expect(true, Some(500_000)));
        for bad in [
            "slice=",
            "slice=1",
            "slice=ms",
            "slice=1h",
            "slice=1us",
            "slice=99s",
        ] {
            let wrong = format!("GOSCHED={bad}: want a time from 100us to 10s");
            assert_eq!(of(bad), Err(wrong));
        }
    }
}
