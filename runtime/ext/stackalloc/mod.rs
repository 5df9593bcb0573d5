//! Small, growing, guarded stacks: a million of them. README.md has the picture and the costs.

pub(crate) mod error;
pub(crate) mod class;
pub(crate) mod slot;
pub(crate) mod guard;
pub(crate) mod region;
pub(crate) mod arena;
pub(crate) mod quota;
pub(crate) mod depot;
pub(crate) mod cache;
pub(crate) mod promise;
#[cfg(test)]
pub(crate) mod test_child;
pub(crate) mod stats;

pub(crate) use class::{Class, class_for};
pub use error::StackError;
pub(crate) use guard::{Step as GuardStep, start_at as start_guards_at};
pub(crate) use quota::StackSpec;
pub(crate) use slot::{Slot, SlotRef};
pub(crate) use stats::stats;
