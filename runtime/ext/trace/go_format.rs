//! Go's format of traces, version 1.26: the numbers of its events, batches, tables.
//!
//! Go: internal/trace/tracev2/events.go.
#![forbid(unsafe_code)]

use crate::ext::trace::leb128;
use crate::ext::trace::possible::WriterId;

pub(super) const BATCH: u8 = 1;
pub(super) const STACKS: u8 = 2;
pub(super) const STACK: u8 = 3;
pub(super) const STRINGS: u8 = 4;
pub(super) const STRING: u8 = 5;
pub(super) const FREQUENCY: u8 = 8;
pub(super) const PROC_START: u8 = 10;
pub(super) const PROC_STOP: u8 = 11;
pub(super) const PROC_STEAL: u8 = 12;
pub(super) const PROC_STATUS: u8 = 13;
pub(super) const GO_CREATE: u8 = 14;
pub(super) const GO_START: u8 = 16;
pub(super) const GO_DESTROY: u8 = 17;
pub(super) const GO_STOP: u8 = 19;
pub(super) const GO_BLOCK: u8 = 20;
pub(super) const GO_UNBLOCK: u8 = 21;
pub(super) const GO_SYSCALL_BEGIN: u8 = 22;
pub(super) const GO_SYSCALL_END_BLOCKED: u8 = 24;
pub(super) const GO_STATUS: u8 = 25;
pub(super) const GO_LABEL: u8 = 39;
pub(super) const USER_TASK_BEGIN: u8 = 40;
pub(super) const USER_TASK_END: u8 = 41;
pub(super) const USER_REGION_BEGIN: u8 = 42;
pub(super) const USER_REGION_END: u8 = 43;
pub(super) const USER_LOG: u8 = 44;
pub(super) const GO_STATUS_STACK: u8 = 48;
pub(super) const SYNC: u8 = 50;
pub(super) const CLOCK_SNAPSHOT: u8 = 51;
pub(super) const END_OF_GENERATION: u8 = 52;

pub(super) const NO_M: u64 = u64::MAX;
/// The most that a batch's payload may have, and room for one event more.
pub(super) const FULL: usize = 65536 - 128;
pub(super) const NANOS_PER_SECOND: u64 = 1_000_000_000;

pub(super) const IDLE: u64 = 2;
pub(super) const RUNNABLE: u64 = 1;
pub(super) const RUNNING: u64 = 2;
pub(super) const WAITING: u64 = 4;

pub(super) fn numbers(out: &mut Vec<u8>, all: &[u64]) {
    all.iter().for_each(|&n| leb128::push(out, n));
}

/// One thread's events.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Full batches.
    pub(super) done: Vec<u8>,
    pub(super) base: u64,
    pub(super) last: u64,
    pub(super) payload: Vec<u8>,
}

pub(super) fn table<T>(
    out: &mut Vec<u8>,
    first: u8,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Vec<u8>, T),
) {
    let mut payload = vec![first];
    for item in items {
        if payload.len() > FULL - 1200 {
            batch(out, NO_M, 1, &payload);
            payload = vec![first];
        }
        write(&mut payload, item);
    }
    batch(out, NO_M, 1, &payload);
}

/// Go's tools do not draw arrows from a lane with the number 0.
pub(super) fn wire_m(m: WriterId) -> u64 {
    u64::from(m) + 1
}

pub(super) fn close(stream: &mut Stream, m: WriterId) {
    if !stream.payload.is_empty() {
        batch(
            &mut stream.done,
            wire_m(m),
            stream.base.max(1),
            &stream.payload,
        );
        stream.payload.clear();
    }
}

pub(super) fn batch(out: &mut Vec<u8>, m: u64, time: u64, payload: &[u8]) {
    out.push(BATCH);
    numbers(out, &[1, m, time, payload.len() as u64]);
    out.extend_from_slice(payload);
}
