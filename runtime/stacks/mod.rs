//! Small, growing, guarded stacks: a million of them. README.md has the picture and the costs.

mod error;
pub(crate) mod class;
pub(crate) mod slot;
mod guard;
mod region;
mod arena;
pub(crate) mod promise;
pub(crate) mod depot;
pub(crate) mod cache;
#[cfg(test)]
mod child;
pub(crate) mod depth;
pub(crate) mod trim;
pub(crate) mod aging;
pub(crate) mod stats;
pub(crate) mod overflow;

pub(crate) use class::{Class, class_for};
pub use error::StackError;
pub(crate) use guard::{Step as GuardStep, start_at as start_guards_at};
pub(crate) use promise::StackWord;
pub(crate) use slot::{Slot, SlotRef};
pub(crate) use stats::stats;
