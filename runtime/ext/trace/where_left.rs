//! Where a goroutine gave up the CPU: its frames, looked at by the M that it has left.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use crate::core::g::goroutine::GRef;
use crate::ext::recording::stacks::{self, FRAMES};
use crate::ext::unwind::objects::{Object, objects};
use crate::ext::unwind::saved::left_frames;

/// The program and its libraries, as they were when stacks were first asked for: what is loaded later has no
/// frames in a profile.
static OBJECTS: OnceLock<Vec<Object>> = OnceLock::new();

/// From now on stacks are noted, or not any more. Allocates.
pub(crate) fn want(wanted: bool) {
    if wanted {
        OBJECTS.get_or_init(objects);
    }
    stacks::want(wanted);
}

/// The number of the stack that it has just left; 0: it is not known, or nobody wants it. Allocates nothing.
#[inline]
pub(crate) fn where_left(g: GRef) -> u16 {
    if stacks::wanted() { look(g) } else { 0 }
}

#[cold]
fn look(g: GRef) -> u16 {
    let Some(objects) = OBJECTS.get() else {
        return 0;
    };
    let (mut frames, mut len) = ([0; FRAMES], 0);
    left_frames(objects, g, |at| {
        frames[len] = at;
        len += 1;
        len < FRAMES
    });
    match len {
        0 => 0,
        _ => stacks::number_of(&frames[..len]),
    }
}
