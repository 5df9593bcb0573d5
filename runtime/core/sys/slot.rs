//! The slot for the current M: a thread-local that the compiler does not know (`core/m/current.rs`
//! says why). How a CPU reads it is in `core/sys/cpu_*.rs`.
#![allow(unsafe_code, reason = "a thread-local of our own, in assembler")]

/// The slot's name: another version of the package in the same program has its own.
macro_rules! slot {
    () => {
        concat!("gosched_this_m_", env!("CARGO_PKG_VERSION"))
    };
}
pub(crate) use slot;

std::arch::global_asm!(
    ".pushsection .tbss.gosched_this_m, \"awT\", %nobits",
    ".balign 8",
    concat!(".globl ", slot!()),
    concat!(".hidden ", slot!()),
    concat!(".type ", slot!(), ", %object"),
    concat!(".size ", slot!(), ", 8"),
    concat!(slot!(), ":"),
    ".zero 8",
    ".popsection",
);
