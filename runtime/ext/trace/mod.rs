//! Looking at what was recorded: `README.md` beside this file.

pub(crate) mod possible;
pub(crate) mod order;
pub(crate) mod at_cut;
pub(crate) mod cut;
pub(crate) mod names;
pub(crate) mod lives;
pub(crate) mod follow;
pub(crate) mod stats;
pub(crate) mod timeline;
pub(crate) mod leb128;
pub(crate) mod protobuf;
pub(crate) mod go_format;
pub(crate) mod go_wire;
#[cfg(test)]
pub(crate) mod broken_handoff;
pub(crate) mod said;
pub(crate) mod together;
pub(crate) mod where_left;
pub(crate) mod session;
pub(crate) mod columns;
pub(crate) mod html;
pub(crate) mod perfetto;
pub(crate) mod pprof;
pub(crate) mod death;
pub(crate) mod file;
