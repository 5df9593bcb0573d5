//! The frames of a goroutine that does not run, and their names.
//!
//! A stack is walked from outside, by the tables that the compiler writes for panics (`.eh_frame`).
//! The walk reads the stack word by word and runs no code of others, so the goroutine may even run
//! meanwhile: then the result is wrong, and thrown away, but nothing breaks.

#[cfg(target_arch = "x86_64")]
pub(crate) mod arch_x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use arch_x86_64 as arch;
#[cfg(target_arch = "aarch64")]
pub(crate) mod arch_aarch64;
#[cfg(target_arch = "aarch64")]
pub(crate) use arch_aarch64 as arch;
pub(crate) mod registers;
pub(crate) mod bytes;
pub(crate) mod objects;
pub(crate) mod rules;
pub(crate) mod table;
pub(crate) mod expression;
pub(crate) mod walk;
pub(crate) mod saved;
pub(crate) mod replay;
pub(crate) mod symbols;
