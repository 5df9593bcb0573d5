//! Starts a child and reads what it measured; puts samples together.

use std::env::current_exe;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};

use crate::child::System;

/// What one child measured; numbers are for one operation, or for one task of a crowd.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) nanos: f64,
    pub(crate) cpu: f64,
    /// For a thousand of them.
    pub(crate) switches: f64,
    /// OS threads while the tasks were alive.
    pub(crate) threads: f64,
    /// Crowds only.
    pub(crate) bytes: f64,
    pub(crate) alive: f64,
    /// Why it did less than asked, or nothing.
    pub(crate) stopped: Option<String>,
}

impl Sample {
    pub(crate) fn take(name: &str, on: System, n: u64, limit: u32) -> Result<Sample> {
        Sample::take_at(name, on, n, limit, None)
    }

    /// With so many Ps.
    pub(crate) fn take_at(
        name: &str,
        on: System,
        n: u64,
        limit: u32,
        procs: Option<u32>,
    ) -> Result<Sample> {
        let procs = procs.map(|procs| ("GOMAXPROCS", procs.to_string()));
        let output = Command::new(current_exe().context("my own path")?)
            .envs(procs)
            .args(["--work", name, "--on", &on.arg(), "--n", &n.to_string()])
            .args(["--limit", &limit.to_string()])
            .stdin(Stdio::null())
            .output()
            .context("cannot start myself")?;
        let mut sample = Sample::default();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            sample.set(key, value);
        }
        if !output.status.success() {
            sample.stopped = Some(why(&output, limit));
        }
        Ok(sample)
    }

    fn set(&mut self, key: &str, value: &str) {
        let number = value.parse().unwrap_or(0.0);
        match key {
            "nanos" => self.nanos = number,
            "cpu" => self.cpu = number,
            "switches" => self.switches = number,
            "threads" => self.threads = number,
            "bytes" => self.bytes = number,
            "alive" => self.alive = number,
            "stopped" => self.stopped = Some(value.to_owned()),
            _ => {}
        }
    }

    /// Was there anything to measure?
    pub(crate) fn is_whole(&self) -> bool {
        self.nanos > 0.0
    }
}

/// Why a child ended badly, in few words: the first thing it complained of.
fn why(output: &Output, limit: u32) -> String {
    if output.status.signal() == Some(libc::SIGALRM) {
        return format!("no end after {limit} s");
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let said = ["wrong result", "fatal error: ", "failed to ", "Error: "];
    let line = text
        .lines()
        .find(|line| said.iter().any(|word| line.contains(word)));
    line.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned())
}

/// The middle one; of none, nothing.
pub(crate) fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    quantile(samples, of, 0.5)
}

/// How far the middle half of the samples is spread, beside their median.
pub(crate) fn spread(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let middle = median(samples, of).max(f64::MIN_POSITIVE);
    (quantile(samples, of, 0.75) - quantile(samples, of, 0.25)) / middle
}

pub(crate) fn quantile(samples: &[Sample], of: fn(&Sample) -> f64, at: f64) -> f64 {
    let mut all: Vec<f64> = samples.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    let Some(last) = all.len().checked_sub(1) else {
        return 0.0;
    };
    let place = at * last as f64;
    let (low, high) = (all[place as usize], all[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
