//! How much memory a process has.

use anyhow::{Context, Result};

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> Result<f64> {
    resident_of("self")
}

/// Of this process, which may be another.
pub(crate) fn resident_of(pid: &str) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mut words = text.split_whitespace().skip_while(|&word| word != "VmRSS:");
    let kib: f64 = words.nth(1).context("VmRSS")?.parse()?;
    Ok(kib * 1024.0)
}
