//! Diagnostics: dumps, `schedtrace`, SIGQUIT, and the report of a deadlock.

pub(crate) mod watched;
#[cfg(not(loom))]
pub(crate) mod panics;
pub(crate) mod first_made;
#[cfg(not(loom))]
pub(crate) mod identity;
#[cfg(not(loom))]
pub(crate) mod identity_table;
#[cfg(not(loom))]
pub(crate) mod blame;
#[cfg(not(loom))]
pub(crate) mod stacks;
#[cfg(not(loom))]
pub(crate) mod dump;
#[cfg(not(loom))]
pub(crate) mod leaks;
#[cfg(not(loom))]
pub(crate) mod last_look;
#[cfg(not(loom))]
pub(crate) mod sigquit;
#[cfg(not(loom))]
pub(crate) mod others;
#[cfg(not(loom))]
pub(crate) mod exit_watcher;
#[cfg(not(loom))]
pub(crate) mod deadlock;
#[cfg(not(loom))]
pub(crate) mod schedtrace;
