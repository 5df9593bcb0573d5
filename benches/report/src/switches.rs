//! Which thread of this process the kernel ran on which CPU, from when to when: its own switches, as `perf` gives
//! them (`perf_event_open`, `context_switch`). A plain user may read those of his own process, where
//! `/proc/sys/kernel/perf_event_paranoid` is at most 2.
//!
//! One event and one ring for each CPU: threads that start later belong to them too, and only so may a ring be
//! shared (`inherit`). A ring is read when the warm-up is over and when all is, so that nothing of ours runs meanwhile. What comes when it
//! is full is lost; the kernel counts it.
#![allow(unsafe_code, reason = "clock_gettime, sysconf, gettid")]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

use anyhow::{Context, Result};
use perf_event::events::Software;
use perf_event::{Builder, Clock, ReadFormat, SampleFlag, Sampler};

/// A ring's size: room for 8,192 records. A plain user has 516 KiB of them for each CPU.
const RING: usize = 256 << 10;
/// Of a record: what stands before its data, and how long it is at most.
const HEADER: usize = 8;
const LARGEST: usize = 64;

/// A thread on a CPU, in nanoseconds of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) cpu: u32,
    pub(crate) thread: u32,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It went to sleep, or waits.
    Gave,
    /// It could have gone on: the kernel took the CPU, or it yielded.
    Taken,
    Exit,
    /// It still ran when the recording ended.
    Open,
}

pub(crate) struct Switches {
    /// In the order of their ends.
    pub(crate) slices: Vec<Slice>,
    /// When the recording ended: at its end, or when a ring was full.
    pub(crate) until: u64,
    /// Records for which there was no room; `None` where the kernel is too old to count them (before 6.0).
    pub(crate) lost: Option<u64>,
}

/// What the clock of all this says.
pub(crate) fn now() -> u64 {
    // SAFETY: all zeros is a valid `timespec`.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: it gets a `timespec` of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Records this thread, and those that come of it, until `end`.
pub(crate) struct Watch {
    rings: Vec<Sampler>,
    records: Vec<Record>,
    began: u64,
    /// Since when a ring is full.
    full: Option<u64>,
    lost_before: u64,
}

impl Watch {
    /// # Errors
    /// Where the kernel does not let us.
    pub(crate) fn begin() -> Result<Watch> {
        // SAFETY: no preconditions.
        let cpus = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) }.max(1) as usize;
        let mut rings = Vec::new();
        for cpu in 0..cpus {
            match ring(cpu) {
                // No such CPU, or it is off.
                Err(e) if e.raw_os_error() == Some(libc::ENODEV) => {}
                other => rings.push(other.with_context(paranoid)?),
            }
        }
        let began = now();
        for ring in &mut rings {
            ring.enable().context("cannot turn it on")?;
        }
        Ok(Watch {
            rings,
            records: Vec::new(),
            began,
            full: None,
            lost_before: 0,
        })
    }

    /// The warm-up is over: there shall be room again, and what was lost does not matter. Who ran then is known by
    /// what was recorded, or if something is missing, by the end of his run.
    pub(crate) fn warm(&mut self) {
        self.read();
        if self.full.take().is_some() {
            self.records.clear();
            self.began = now();
            self.lost_before = self.lost().ok().flatten().unwrap_or(0);
        }
    }

    /// Takes what is in the rings.
    fn read(&mut self) {
        for ring in &mut self.rings {
            let (mut bytes, mut last) = (0, 0);
            while let Some(record) = ring.next_record() {
                bytes += record.len() + HEADER;
                let parsed = Record::parse(record.ty(), record.misc(), &record.to_contiguous());
                last = parsed.as_ref().map_or(last, |record| record.time);
                self.records.extend(parsed);
            }
            if bytes + LARGEST > RING {
                self.full = Some(self.full.unwrap_or(last).min(last)); // what came then is not known
            }
        }
    }

    fn lost(&mut self) -> io::Result<Option<u64>> {
        let mut all = Some(0);
        for ring in &mut self.rings {
            all = all
                .zip(ring.read_full()?.lost())
                .map(|(all, lost)| all + lost);
        }
        Ok(all)
    }

    pub(crate) fn end(mut self) -> Result<Switches> {
        let ended = now();
        for ring in &mut self.rings {
            ring.disable().context("cannot turn it off")?;
        }
        self.read();
        let lost = self.lost().context("cannot read what was lost")?;
        let lost = lost.map(|lost| lost - self.lost_before);
        let until = self.full.unwrap_or(ended);
        self.records.retain(|record| record.time <= until);
        self.records.sort_by_key(|record| record.time);
        // SAFETY: no preconditions.
        let me = unsafe { libc::gettid() } as u32;
        Ok(Switches {
            slices: slices(&self.records, me, self.began, until),
            until,
            lost,
        })
    }
}

fn paranoid() -> String {
    let level = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
    let level = level.map_or("not there".into(), |level| level.trim().to_owned());
    format!("perf_event_open (kernel.perf_event_paranoid is {level})")
}

fn ring(cpu: usize) -> io::Result<Sampler> {
    let open = |format| {
        Builder::new(Software::DUMMY)
            .context_switch(true)
            .task(true) // the end of a thread is no switch
            .inherit(true)
            .one_cpu(cpu)
            .clockid(Clock::MONOTONIC)
            .read_format(format)
            .sample(SampleFlag::TID | SampleFlag::TIME | SampleFlag::CPU)
            .sample_id_all(true)
            .build()
    };
    let counter = match open(ReadFormat::LOST) {
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => open(ReadFormat::empty())?,
        other => other?,
    };
    counter.sampled(RING)
}

/// What a ring holds, as `linux/perf_event.h` describes it.
struct Record {
    time: u64,
    cpu: u32,
    thread: u32,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    In,
    Out(End),
    Exit,
}

impl Record {
    fn parse(kind: u32, misc: u16, data: &[u8]) -> Option<Record> {
        const EXIT: u32 = 4;
        const SWITCH: u32 = 14;
        const OUT: u16 = 1 << 13;
        const PREEMPT: u16 = 1 << 14;
        let what = match kind {
            EXIT => What::Exit,
            SWITCH if misc & OUT == 0 => What::In,
            SWITCH if misc & PREEMPT != 0 => What::Out(End::Taken),
            SWITCH => What::Out(End::Gave),
            _ => return None,
        };
        // At the end of each: pid, tid, time, CPU, nothing.
        let sample: [u8; 24] = data.get(data.len().checked_sub(24)?..)?.try_into().ok()?;
        let word = |at: usize| u32::from_ne_bytes(sample[at..at + 4].try_into().unwrap());
        Some(Record {
            time: u64::from_ne_bytes(sample[8..16].try_into().unwrap()),
            cpu: word(16),
            thread: word(4),
            what,
        })
    }
}

/// `me` ran when it began; and whose first record is an end ran then, too.
fn slices(records: &[Record], me: u32, began: u64, ended: u64) -> Vec<Slice> {
    let mut all = Vec::new();
    let mut running: HashMap<u32, (u32, u64)> = HashMap::new(); // thread: CPU, since
    let mut seen = HashSet::new();
    for record in records {
        let &Record {
            time,
            cpu,
            thread,
            what,
        } = record;
        let first = seen.insert(thread);
        let end = match what {
            What::In => {
                running.insert(thread, (cpu, time));
                continue;
            }
            What::Out(end) => end,
            What::Exit => End::Exit,
        };
        let from = match running.remove(&thread) {
            Some((_, from)) => from,
            None if first => began,
            None => continue,
        };
        all.push(Slice {
            cpu,
            thread,
            from,
            to: time,
            end,
        });
    }
    if !seen.contains(&me) {
        // SAFETY: no preconditions.
        let cpu = unsafe { libc::sched_getcpu() }.max(0) as u32;
        running.insert(me, (cpu, began));
    }
    all.extend(running.into_iter().map(|(thread, (cpu, from))| Slice {
        cpu,
        thread,
        from,
        to: ended,
        end: End::Open,
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: u64, cpu: u32, thread: u32, what: What) -> Record {
        Record {
            time,
            cpu,
            thread,
            what,
        }
    }

    #[test]
    fn who_ran_from_when_to_when() {
        let records = [
            at(10, 0, 7, What::Out(End::Gave)), // ran from the beginning
            at(11, 0, 8, What::In),
            at(15, 0, 8, What::Out(End::Taken)),
            at(15, 0, 7, What::In),
            at(18, 1, 8, What::In),
            at(20, 1, 8, What::Exit),
        ];
        let slice = |cpu, thread, from, to, end| Slice {
            cpu,
            thread,
            from,
            to,
            end,
        };
        assert_eq!(
            slices(&records, 7, 5, 30),
            [
                slice(0, 7, 5, 10, End::Gave),
                slice(0, 8, 11, 15, End::Taken),
                slice(1, 8, 18, 20, End::Exit),
                slice(0, 7, 15, 30, End::Open),
            ]
        );
    }
}
