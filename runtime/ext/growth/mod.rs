//! Deep stacks: a larger stack for a call that needs it, and the report of a stack overflow.

pub(crate) mod overflow;
pub(crate) mod continuation;
pub(crate) mod segment;
