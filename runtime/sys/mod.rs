//! The only door to the operating system: one file a concern.

pub(crate) mod fatal;
pub(crate) mod clock;
pub(crate) mod moment;
pub(crate) mod thread;
pub(crate) mod cputime;
pub(crate) mod membarrier;
pub(crate) mod futex;
pub(crate) mod note;
pub(crate) mod lock;
pub(crate) mod prefetch;
pub(crate) mod mem;
pub(crate) mod table;
pub(crate) mod pagemap;
pub(crate) mod ucontext;
pub(crate) mod signal;
