//! The same thread-locals as in the program, in a library: the compiler reaches them
//! differently.
pub mod keys;
