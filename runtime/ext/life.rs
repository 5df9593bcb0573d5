//! The functions of the extras for a goroutine's birth, its stack and its end; and goroutines
//! that are prepared now and started later, by a timer.
#![allow(
    unsafe_code,
    reason = "stores the closure in a G that it owns, and where its identity is"
)]

use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::free_gs;
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::gqueue::GQueue;
use crate::core::m::enter::{NoPreempt, enter};
use crate::core::m::machine::M;
use crate::core::p::processor::LentP;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::spawn::dead_g;
use crate::core::sched::start;
use crate::ext::allgs;
use crate::ext::diagnostics::identity::Place;
use crate::ext::diagnostics::identity_table;
use crate::ext::kind::Kind;
use crate::ext::pins::LOOKED_AT;
use crate::ext::stackalloc::promise::{self, default_class};
use crate::ext::stackalloc::{Class, SlotRef, StackError, StackSpec};
use crate::ext::thread_locals::locals;
use crate::ext::threads::incarnation::Incarnation;
use crate::ext::trace::said;

/// The properties of a new goroutine, besides its closure.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) at: &'static Location<'static>,
    pub(crate) class: Option<Class>,
    pub(crate) kind: Kind,
    /// Where the handles find it; the id is filled in by the spawn.
    pub(crate) place: Option<PlaceOfBirth>,
}

/// The place of an identity, for a goroutine whose closure keeps it, and drops it last.
#[derive(Debug)]
pub(crate) struct PlaceOfBirth(NonNull<Place>);

impl PlaceOfBirth {
    /// # Safety
    /// As the name of the type says, if a goroutine is started with it.
    pub(crate) unsafe fn new(place: &Place) -> PlaceOfBirth {
        PlaceOfBirth(NonNull::from(place))
    }
}

impl Birth {
    #[track_caller]
    pub(crate) fn plain() -> Birth {
        Birth {
            at: Location::caller(),
            class: None,
            kind: Kind::Goroutine,
            place: None,
        }
    }
}

/// The stack that it will have. Of a size that somebody asked for there is one when this returns: if
/// the first of its kind cannot be had, there is nobody who could give one back.
#[inline]
pub(crate) fn promise_stack(birth: &Birth) -> Result<StackSpec, StackError> {
    promise::take(birth.class)
}

/// Gs that are dead: the first, and the others. Allocates.
pub(crate) fn new_gs() -> (GRef, &'static [G]) {
    allgs::new_slab(Kind::Goroutine)
}

/// Whose child it is, what it is, where it was asked for.
#[inline]
pub(crate) fn describe(rt: &NoPreempt, g: GRef, birth: &Birth, stack: StackSpec) {
    g.set_kind(birth.kind);
    g.set_stack_spec(stack);
    g.spawned_at.set(Some(birth.at));
    let parent = rt.m().and_then(|m| m.curg()).map_or(0, |g| g.id());
    g.parent.set(parent);
}

/// One goroutine more.
#[inline]
pub(crate) fn count_spawn(p: Option<LentP<'_>>, g: GRef) {
    if g.kind() == Kind::Goroutine {
        match p {
            Some(p) => {
                p.created.add(1);
            }
            None => {
                SCHED.created_outside.fetch_add(1, Relaxed);
            }
        }
    }
}

/// The G is somebody with a name, or a handle.
#[inline]
pub(crate) fn put_identity(g: GRef, id: u64, birth: Birth) {
    if let Some(PlaceOfBirth(place)) = birth.place {
        // SAFETY: the closure keeps it: the promise of who made the `PlaceOfBirth`.
        let place = unsafe { place.as_ref() };
        // SAFETY: as above; when the closure has run, `ends` comes.
        unsafe { identity_table::put_place(g, id, place) };
    }
}

/// On the goroutine's stack, its closure has run.
pub(crate) fn ends(g: GRef) {
    identity_table::leave_place(g); // it went away with the closure
    locals::free(g);
    // The name first: a recording that ends just now finds it in one of the two places.
    if let Some(identity) = identity_table::borrow_if_any(g)
        && let Some(name) = identity.name.as_deref()
    {
        said::note_name(name);
    }
    drop(identity_table::take_identity(g));
}

/// A stack for its first run, if one is to be had now.
#[inline]
pub(crate) fn take_stack(p: LentP<'_>, g: GRef) -> Option<SlotRef> {
    p.take_stack(g.stack_spec().class()).ok()
}

/// It has left `m`, and its stack, for good: both G and stack are to be used again.
#[inline]
pub(crate) fn ended(m: &'static M, p: LentP<'_>, g: GRef, mut slot: SlotRef) {
    if g.locked_m.get().is_some() {
        m.remove_locked();
        m.set_ending();
        g.locked_m.set(None);
    }
    m.affinity.left_last.set(None);
    if slot.is_segment() {
        slot = own_stack(slot);
    }
    g.locked_count.set(0);
    g.last_m.store(Incarnation::NONE, Relaxed); // nobody's thread is needed for it
    g.stay.set(g.stay.get() & LOOKED_AT); // nor is it suspected of what its last goroutine did
    slot.set_owner(0);
    g.stack_spec().give_back();
    if g.kind() == Kind::Goroutine {
        p.finished.add(1);
    }
    p.give_stack(slot);
}

/// It has ended on a segment: a coroutine of some other library was left there.
#[cold]
fn own_stack(segment: SlotRef) -> SlotRef {
    segment.chain().last().unwrap_or(segment)
}

/// A goroutine that is ready to be started, by `birth`, at any time later: dead, in no list. It
/// has no identity.
///
/// # Safety
/// As for `spawn`; `f` fits into a G.
pub(crate) unsafe fn prepare<F: FnOnce() + Send>(birth: &Birth, f: F) -> GRef {
    start::assert_started();
    let class = birth.class.unwrap_or(default_class());
    let (rt, g) = dead_g();
    // Nobody is there for an error when it is started: it takes its promise then.
    describe(&rt, g, birth, StackSpec::new(class, false));
    // SAFETY: the G is dead and out of every list: ours. The rest is the caller's promise.
    unsafe { g.closure.put(f) };
    drop(rt);
    g
}

/// Undoes a [`prepare`].
///
/// # Safety
/// `g` comes from [`prepare`], was not started, and will not be.
pub(crate) unsafe fn forget(g: GRef) {
    // SAFETY: the caller's promise.
    unsafe { g.closure.take_and_drop() };
    let rt = enter();
    match rt.p() {
        Some(p) => p.give_g(g),
        None => {
            let one = GQueue::new();
            one.push_back(g);
            free_gs::give(&one);
        }
    }
}
