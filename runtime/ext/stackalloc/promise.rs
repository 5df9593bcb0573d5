//! The default stack of a goroutine, and the promise of a stack that each spawn takes.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::core::m::enter::enter;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::depot;
use crate::ext::stackalloc::error::StackError;
use crate::ext::stackalloc::quota::{self, StackSpec};

/// The classes that were set at the start.
struct Classes {
    class: OwnerCell<u8>,
    main_class: OwnerCell<u8>,
}

static CLASSES: Classes = Classes {
    class: OwnerCell::<u8>::new(Class::DEFAULT.number() as u8),
    main_class: OwnerCell::<u8>::new(Class::DEFAULT.number() as u8),
};

/// Before the first goroutine.
pub(crate) fn set_default_class(class: Class) {
    CLASSES.class.set(class.number() as u8);
}

/// Of the goroutines that are a `run`'s main. Little address space (`ulimit -v`): as any other.
pub(crate) fn set_main_class(class: Class) {
    let class = match depot::warm_up(class) {
        Ok(()) => class,
        Err(_) => default_class(),
    };
    CLASSES.main_class.set(class.number() as u8);
}

#[inline]
pub(crate) fn default_class() -> Class {
    Class::from_number(usize::from(CLASSES.class.peek()))
}

pub(crate) fn main_class() -> Class {
    Class::from_number(usize::from(CLASSES.main_class.peek()))
}

/// A stack of this class, or of the default one, for a goroutine that is spawned.
#[inline]
pub(crate) fn take(class: Option<Class>) -> Result<StackSpec, StackError> {
    let class = match class {
        None => default_class(),
        Some(class) if depot::is_open(class) => class,
        Some(class) => open(class).map(|()| class)?,
    };
    Ok(StackSpec::new(class, quota::take(class)?))
}

#[cold]
fn open(class: Class) -> Result<(), StackError> {
    let _inside = enter(); // with the depot's lock nobody is to be preempted
    depot::warm_up(class)
}
