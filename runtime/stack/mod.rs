//! Small, growing, guarded stacks: a million of them. README.md has the picture and the costs.

mod error;
pub(crate) mod class;
pub(crate) mod slot;
mod guard;
mod region;
mod arena;
pub(crate) mod depot;
pub(crate) mod cache;

pub(crate) use class::{Class, class_for};
pub use error::StackError;
pub(crate) use slot::{Slot, SlotRef};
