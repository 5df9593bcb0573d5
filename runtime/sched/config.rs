//! What the environment says: `GOMAXPROCS`, and how many CPUs there are.
//!
//! Go: runtime1.go, proc.go schedinit; debug.go GOMAXPROCS.
#![forbid(unsafe_code)]

use std::ffi::OsString;

use crate::p::processor::MAX_PS;

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
}
