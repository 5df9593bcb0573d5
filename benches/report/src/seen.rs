//! A short run of a workload, in a process of its own: who ran when. Of goroutines by gosched's own recording, of
//! the process's threads by the kernel's (`switches.rs`). The child says it in lines of `key value`, and the
//! parent reads them here.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::env::current_exe;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gosched::{goroutine, trace};

use crate::child::{System, say};
use crate::gauge;
use crate::switches::{End, Switches, Watch, now};
use crate::words::{time, whole};
use crate::workloads;

/// What ran on a P or on a CPU, in nanoseconds since the workload began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) lane: u32,
    /// A goroutine or a thread.
    pub(crate) who: u64,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Of a thread.
    pub(crate) end: Option<End>,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) took: u64,
    pub(crate) operations: u64,
    /// On Ps.
    pub(crate) goroutines: Vec<Bar>,
    /// On CPUs.
    pub(crate) threads: Vec<Bar>,
    /// What is missing of the threads, or why there is none.
    pub(crate) missing: Vec<String>,
}

/// The child's part.
pub(crate) fn record(name: &str, on: System, n: u64, limit: u32) -> Result<()> {
    gauge::give_up_after(limit);
    gauge::look_no_more();
    let workload = workloads::find(name)?;
    let mut watch = Watch::begin(); // before the runtime has threads
    let (window, runs) = match on {
        System::Os => {
            (workload.os)(n / 50 + 1);
            let _ = watch.as_mut().map(Watch::warm);
            let (began, outcome, ended) = (now(), (workload.os)(n), now());
            say("operations", outcome.operations)?;
            ((began, ended), None)
        }
        // SAFETY: no value that is tied to an OS thread lives across a wait.
        System::Green => unsafe {
            gosched::run(|| -> Result<_> {
                (workload.green)(n / 50 + 1);
                let _ = watch.as_mut().map(Watch::warm);
                trace::start()?;
                let look = || (goroutine::id(), now());
                let looks = [(); 5].map(|()| gosched::thread::spawn(look).join().unwrap());
                let (began, outcome, ended) = (now(), (workload.green)(n), now());
                let recorded = trace::stop().context("nothing was recorded")?;
                say("operations", outcome.operations)?;
                let lost = recorded.lost();
                ensure!(lost == 0, "{lost} events were lost");
                Ok(((began, ended), Some((looks, recorded.runs()))))
            })?
        },
        _ => bail!("{on:?} has no timeline"),
    };
    let seen = watch.and_then(Watch::end);
    let (began, ended) = window;
    say("took", ended - began)?;
    // What is in sight.
    let bar = |key, lane: u32, who: u64, from: u64, to: u64, end: &str| {
        let [from, to] = [from, to].map(|t| t.clamp(began, ended) - began);
        if from == to {
            return Ok(());
        }
        say(key, format!("{lane} {who} {from} {to} {end}"))
    };
    if let Some((looks, runs)) = runs {
        let zero = zero(&runs, looks).context("no run has a time on our clock")?;
        let on_our_clock = |t: Duration| zero + t.as_nanos() as u64;
        for run in &runs {
            let [from, to] = [run.start, run.end].map(on_our_clock);
            bar("goroutine", run.p, run.goroutine, from, to, "-")?;
        }
    }
    match seen {
        Ok(Switches {
            slices,
            until,
            lost,
        }) => {
            for slice in &slices {
                let end = format!("{:?}", slice.end);
                bar(
                    "thread",
                    slice.cpu,
                    slice.thread.into(),
                    slice.from,
                    slice.to,
                    &end,
                )?;
            }
            if until >= ended {
                return Ok(());
            }
            let long = time(until.saturating_sub(began) as f64);
            let lost = lost.map_or("some".into(), |lost| whole(lost as f64));
            say(
                "missing",
                format!(
                    "after {long} there was no room for more switches of threads: {lost} are missing"
                ),
            )
        }
        Err(why) => say(
            "missing",
            format!("what the kernel's threads did cannot be read here: {why:#}"),
        ),
    }
}

/// What our clock said at the recording's zero. Goroutines have looked at it as the first thing that they did, and the
/// one whose run began the shortest time before knows it best.
fn zero(runs: &[trace::Run], looks: [(Option<u64>, u64); 5]) -> Option<u64> {
    let began = |id| runs.iter().find(|run| Some(run.goroutine) == id);
    let zeros = looks
        .iter()
        .filter_map(|&(id, at)| Some(at - began(id)?.start.as_nanos() as u64));
    zeros.min()
}

impl Seen {
    /// The parent's part: starts the child and reads what it says.
    pub(crate) fn take(name: &str, on: System, n: u64, limit: &str) -> Result<Seen> {
        let output = Command::new(current_exe().context("my own path")?)
            .args(["--work", name, "--on", &on.arg(), "--n", &n.to_string()])
            .args(["--seen", "--limit", limit])
            .stdin(Stdio::null())
            .output()
            .context("cannot start myself")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "no timeline of {name}: {} {said}",
            output.status
        );
        Seen::read(&String::from_utf8_lossy(&output.stdout))
    }

    fn read(text: &str) -> Result<Seen> {
        let mut seen = Seen::default();
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "took" => seen.took = value.parse()?,
                "operations" => seen.operations = value.parse()?,
                "goroutine" => seen.goroutines.push(bar(value)?),
                "thread" => seen.threads.push(bar(value)?),
                "missing" => seen.missing.push(value.to_owned()),
                _ => {}
            }
        }
        Ok(seen)
    }
}

fn bar(text: &str) -> Result<Bar> {
    let words: Vec<&str> = text.split(' ').collect();
    let &[lane, who, from, to, end] = words.as_slice() else {
        bail!("no bar: {text}");
    };
    let ends = [End::Gave, End::Taken, End::Exit, End::Open];
    Ok(Bar {
        lane: lane.parse()?,
        who: who.parse()?,
        from: from.parse()?,
        to: to.parse()?,
        end: ends.into_iter().find(|known| format!("{known:?}") == end),
    })
}
