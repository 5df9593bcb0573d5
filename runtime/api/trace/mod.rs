//! Recording what the scheduler does, and looking at it: who ran when and where, who woke whom, who
//! stole what, and which rule chose each goroutine. Go's package runtime/trace.
//!
//! A whole program is recorded without a change to it: `GOSCHED=trace=run.html ./program`. Part of
//! one is recorded between [`start`] and [`stop`]:
//!
//! ```
//! use gosched::trace;
//!
//! # // SAFETY: nothing here is tied to an OS thread.
//! unsafe { gosched::run(|| {
//!     trace::start().unwrap();
//!     gosched::thread::spawn(|| trace::log("greeting", "hello")).join().unwrap();
//!     let recorded = trace::stop().unwrap();
//!     assert!(recorded.to_text().contains("goroutines"));
//!     recorded.write(std::env::temp_dir().join("run.html")).unwrap();
//! }) };
//! ```
//!
//! # Ways to look
//!
//! The ending of the file's name decides:
//!
//! | ending | what it is |
//! |---|---|
//! | `.html` | one page for a browser, which needs no network: lanes, arrows, and for each run the rule that chose it |
//! | `.trace` | for `go tool trace` |
//! | `.perfetto` | for <https://ui.perfetto.dev> |
//! | `.pb.gz` | for `go tool pprof`: time blocked and time runnable, by where the goroutines were started; with `GOSCHED=trace=run.pb.gz` by their stacks |
//! | `.txt` | a timeline of 80 columns; `-` is the standard output |
//!
//! # The last part of a long run
//!
//! A [`FlightRecorder`] has the last seconds always at hand; `GOSCHED=flight=run.html ./program` writes
//! them when the program dies.
//!
//! # What it costs
//!
//! While nothing is recorded, an event is at most a look at one byte. While something is, it is 24 bytes in a
//! buffer of the thread's own, without a lock and without an allocation. There is room for 2.8
//! million events (64 MiB); what comes after that is counted, and not recorded
//! ([`Trace::lost`]). `docs/tracing.md` has the figures.
//!
//! # Tasks, regions, logs
//!
//! [`log`], [`region`] and [`Task`] put the program's own words into the trace, as in Go. They do nothing
//! while nothing is recorded.

mod recorded;
mod flight;
mod words;

pub use flight::{FlightConfig, FlightRecorder};
pub use recorded::{Run, StartError, Trace, is_enabled, start, stop};
pub use words::{Region, Task, log, region};
