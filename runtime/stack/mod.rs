//! Small, growing, guarded stacks.
