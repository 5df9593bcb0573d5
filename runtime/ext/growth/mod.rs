//! Deep stacks: a larger one for a call that needs it, and words for the goroutine that needed one.

pub(crate) mod overflow;
pub(crate) mod continuation;
pub(crate) mod segment;
