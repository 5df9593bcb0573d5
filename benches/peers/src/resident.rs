//! How much memory this process has.

use anyhow::{Context, Result};

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let mut words = text.split_whitespace().skip_while(|&word| word != "VmRSS:");
    let kib: f64 = words.nth(1).context("VmRSS")?.parse()?;
    Ok(kib * 1024.0)
}
