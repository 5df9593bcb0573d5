//! Where a goroutine that does not run goes on, and its frames from there.
//!
//! Nothing is stopped for it. The walk reads only words of the goroutine's own stacks, which stay
//! mapped forever; if the goroutine was run meanwhile, what the walk found is thrown away.
#![allow(unsafe_code, reason = "reads the stacks of other goroutines")]

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicUsize, fence};

use crate::core::g::context::CO_WORDS;
use crate::core::g::goroutine::{G, GRef};
use crate::ext::stackalloc::SlotRef;
use crate::ext::stopped::State;
use crate::ext::threads::allm;
use crate::ext::unwind::arch::{PUSHED, PUSHED_FP, PUSHED_PC};
use crate::ext::unwind::objects::Object;
use crate::ext::unwind::registers::{Place, here};
use crate::ext::unwind::walk::{Stack, walk};

/// How many frames are shown at each end of a deep stack. Go: traceback.go tracebackInnerFrames, tracebackOuterFrames.
const SHOWN: usize = 50;
/// A walk gives up here.
const DEEPEST: usize = 200_000;
/// A walk that the goroutine disturbed is tried again so often.
const TRIES: usize = 3;
/// corosensei leaves its words so far below the stack pointer that `suspend` notes, at most; more in
/// debug builds.
const LEFT_BELOW: usize = 4 << 10;

/// The addresses of a stack's frames, the innermost first: see `walk`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Frames {
    pub(crate) inner: Vec<usize>,
    /// Frames in between that are not kept.
    pub(crate) left_out: usize,
    pub(crate) outer: VecDeque<usize>,
}

impl Frames {
    fn push(&mut self, at: usize) {
        if self.inner.len() < SHOWN {
            self.inner.push(at);
            return;
        }
        if self.outer.len() == SHOWN {
            self.outer.pop_front();
            self.left_out += 1;
        }
        self.outer.push_back(at);
    }
}

/// The frames of a goroutine that is off its stack, or was stopped on it. `None`: it runs, has not
/// run yet, or stands on a stack that is not ours.
pub(crate) fn frames_of(objects: &[Object], g: GRef) -> Option<Frames> {
    (0..TRIES).find_map(|_| {
        let before = (g.id(), g.status.state());
        fence(Acquire); // pairs(park-commit): commit_park's Release: the stack as it was left
        let place = place_of(g, before.1)?;
        let frames = frames_from(objects, g, place);
        // So that the walk does not read after the second look. pairs(park-commit): commit_park's
        // Release, if it has run meanwhile.
        fence(Acquire);
        let still =
            (g.id(), g.status.state()) == before && place_of(g, before.1) == Some(place);
        still.then_some(frames)
    })
}

/// The caller's own frames, if it is this goroutine.
#[inline(never)]
pub(crate) fn own_frames(objects: &[Object], g: GRef) -> Frames {
    frames_from(objects, g, here())
}

fn place_of(g: GRef, state: State) -> Option<Place> {
    match state {
        State::Waiting | State::Runnable => left_at(g),
        State::Preempted => g
            .bound_m
            .get()
            .and_then(allm::m_by_id)
            .map(|m| m.stopped_at.peek())
            // For a moment it is still the place of the one that this M stopped before.
            .filter(|place| Stacks(g).read(place.sp & !7).is_some()),
        State::Running | State::Dead => None,
    }
}

/// Where it left its stack, for the M's loop. corosensei pushed the place onto that stack, and noted
/// in the coroutine's control block where: the one word in there that points to right below the
/// stack pointer which `suspend` has noted.
fn left_at(g: GRef) -> Option<Place> {
    let noted = g.stack.peek()?.live_sp()?;
    let block = g.block.peek();
    if block == 0 {
        return None;
    }
    // SAFETY: a block lies on a stack, which stays mapped.
    let word = |i: usize| unsafe { word_at(block + i * size_of::<usize>()) };
    let near = |at: &usize| at.is_multiple_of(8) && (noted - LEFT_BELOW..=noted).contains(at);
    let at = (0..CO_WORDS).map(word).find(near)?;
    let g_stacks = Stacks(g);
    Some(Place {
        pc: g_stacks.read(at + PUSHED_PC)?,
        sp: at + PUSHED,
        fp: g_stacks.read(at + PUSHED_FP)?,
        interrupted: false,
    })
}

/// The frames of a goroutine that has left its stack to the caller, which is the M's loop. Allocates nothing.
pub(crate) fn left_frames(objects: &[Object], g: GRef, frame: impl FnMut(usize) -> bool) {
    if let Some(place) = left_at(g) {
        walk_from(objects, g, place, frame);
    }
}

fn frames_from(objects: &[Object], g: GRef, place: Place) -> Frames {
    let mut frames = Frames::default();
    let mut left = DEEPEST;
    walk_from(objects, g, place, |at| {
        frames.push(at);
        left -= 1;
        left > 0
    });
    frames
}

fn walk_from(objects: &[Object], g: GRef, from: Place, frame: impl FnMut(usize) -> bool) {
    let stacks = Stacks(g);
    let stack = Stack {
        read: &|at| stacks.read(at),
        is_root: &|sp| stacks.is_root(sp),
    };
    walk(objects, from, &stack, frame);
}

/// A goroutine's first stack, and what continues it.
struct Stacks<'a>(&'a G);

impl Stacks<'_> {
    fn all(&self) -> impl Iterator<Item = SlotRef> {
        self.0
            .stack
            .peek()
            .into_iter()
            .flat_map(|slot| slot.chain())
    }

    fn read(&self, at: usize) -> Option<usize> {
        // Both are aligned: a word that begins below the end fits.
        let fits = |slot: SlotRef| (slot.limit()..slot.end()).contains(&at);
        let ours = at.is_multiple_of(align_of::<usize>()) && self.all().any(fits);
        // SAFETY: aligned, and on a stack of ours, which stays mapped.
        ours.then(|| unsafe { word_at(at) })
    }

    /// Above are the frames that a stack has had since before its goroutine.
    fn is_root(&self, sp: usize) -> bool {
        let root = self.all().last();
        root.is_some_and(|root| root.holds(sp) && sp >= root.body_sp().load(Relaxed))
    }
}

/// A word that others may change meanwhile.
///
/// # Safety
/// `at` is the aligned address of mapped memory.
unsafe fn word_at(at: usize) -> usize {
    // SAFETY: the caller's promise; whoever changes it changes whole words.
    unsafe { AtomicUsize::from_ptr(at as *mut usize) }.load(Relaxed)
}
