//! Writing down what the scheduler does: `../trace/README.md`.

pub(crate) mod record;
pub(crate) mod words;
pub(crate) mod chunk;
pub(crate) mod place;
pub(crate) mod recorder;
pub(crate) mod writer;
mod at_once;
pub(crate) mod streams;
pub(crate) mod stacks;
pub(crate) mod emit;
pub(crate) mod begins;
pub(crate) mod format;
