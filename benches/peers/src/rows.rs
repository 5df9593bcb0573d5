//! Which workloads there are, and how many operations each does.

use std::time::Duration;

use crate::system::System;
use crate::workloads::ROWS;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// What the number is, if not nanoseconds per operation.
    pub(crate) unit: &'static str,
    n: u64,
    threads_n: u64,
}

/// What only this program measures, see `extra.rs`.
const EXTRA: [(&str, &str, u64); 7] = [
    ("fair/hogs", "ns late", 20),
    ("fair/blocking", "ns late", 20),
    ("gap/undeclared", "us at most", 5),
    ("gap/declared", "us at most", 5),
    ("sleep/accuracy", "ns late", 20),
    ("steal/unbalanced", "of ideal", 100_000),
    ("memory/parked", "bytes", 100_000),
];

/// What `extra.rs` has one task for each of.
const MOST_THREADS: u64 = 2_000;

/// Those with `only` in their id, with `divisor` times fewer operations.
pub(crate) fn all(only: &str, divisor: u64) -> Vec<Row> {
    let shared = ROWS.iter().map(|row| (row.id, "", row.n, row.threads_n));
    let extra = EXTRA.map(|(id, unit, n)| (id, unit, n, n.min(MOST_THREADS)));
    let chosen = shared.chain(extra).filter(|(id, ..)| id.contains(only));
    let fewer = |n| if n > 1000 { n / divisor } else { n };
    let new = |(id, unit, n, threads_n)| Row {
        id,
        unit,
        n: fewer(n),
        threads_n: fewer(threads_n),
    };
    chosen.map(new).collect()
}

impl Row {
    /// may takes ten times longer for most.
    pub(crate) fn operations(&self, on: System) -> u64 {
        match on {
            System::May if self.n > 1000 => self.n / 10,
            System::Std => self.threads_n,
            _ => self.n,
        }
    }

    /// After this a measurement is given up.
    pub(crate) fn limit(&self, on: System) -> Duration {
        let fair = self.id.starts_with("fair/") && on.may_starve();
        Duration::from_secs(if fair { 3 } else { 20 })
    }
}
