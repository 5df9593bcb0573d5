//! A word that one owner writes, and others may peek at.
//!
//! At each moment the word has one owner: the holder of its lock, the M that holds the P, the M's
//! own thread, or the holder of the goroutine. The owner reads what the last owner wrote, because
//! the hand-over (a lock, a status word, a note) orders the accesses. Others get some value that
//! was stored: a hint, or a value that another word makes certain.
//!
//! So no method has an ordering, and every ordering that the code does name has a partner.
//!
//! Go: fields that "only the M that owns the P" writes, read by others with atomic loads.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
};

use crate::core::base::atomic_ref::AtomicRef;

/// What fits into an atomic.
pub(crate) trait Word: Copy + fmt::Debug + PartialEq {
    type Atomic: fmt::Debug;
    /// 0, or false; and an atomic that holds it.
    const ZERO: Self;
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "a value to begin with, not a place"
    )]
    const START: Self::Atomic;

    fn load(atomic: &Self::Atomic) -> Self;
    fn store(atomic: &Self::Atomic, value: Self);
    /// In debug builds: no other owner has written since `from` was read.
    fn replace(atomic: &Self::Atomic, from: Self, to: Self);
}

/// A number: something to count with.
pub(crate) trait Number: Word {
    fn wrapping_add(self, n: Self) -> Self;
    fn wrapping_sub(self, n: Self) -> Self;
}

/// See the file's header.
pub(crate) struct OwnerCell<T: Word>(T::Atomic);

impl<T: Word> OwnerCell<T> {
    /// With 0 or false in it.
    pub(crate) const fn zero() -> OwnerCell<T> {
        OwnerCell(T::START)
    }

    /// The value. By the owner.
    #[inline]
    pub(crate) fn get(&self) -> T {
        T::load(&self.0)
    }

    /// A value that was there. By others.
    #[inline]
    pub(crate) fn peek(&self) -> T {
        T::load(&self.0)
    }

    /// By the owner, or by who is about to hand it over.
    #[inline]
    pub(crate) fn set(&self, value: T) {
        T::store(&self.0, value);
    }

    /// The value, and 0 or false in its place.
    #[inline]
    pub(crate) fn take(&self) -> T {
        self.update(|_| T::ZERO)
    }

    /// Changes the value, without a locked instruction; returns what it was.
    #[inline]
    pub(crate) fn update(&self, f: impl FnOnce(T) -> T) -> T {
        let was = self.get();
        let to = f(was);
        if cfg!(debug_assertions) {
            T::replace(&self.0, was, to);
        } else {
            self.set(to);
        }
        was
    }
}

impl<T: Number> OwnerCell<T> {
    /// Adds `n`, wrapping; returns what it was.
    #[inline]
    pub(crate) fn add(&self, n: T) -> T {
        self.update(|was| was.wrapping_add(n))
    }

    /// Takes `n` away, wrapping; returns what it was.
    #[inline]
    pub(crate) fn sub(&self, n: T) -> T {
        self.update(|was| was.wrapping_sub(n))
    }
}

impl<T: Word> fmt::Debug for OwnerCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peek().fmt(f)
    }
}

macro_rules! word {
    ($($word:ty, $atomic:ty, $zero:expr;)*) => {$(
        impl Word for $word {
            type Atomic = $atomic;
            const ZERO: $word = $zero;
            const START: $atomic = <$atomic>::new($zero);

            #[inline]
            fn load(atomic: &$atomic) -> $word {
                atomic.load(Relaxed)
            }

            #[inline]
            fn store(atomic: &$atomic, value: $word) {
                atomic.store(value, Relaxed);
            }

            fn replace(atomic: &$atomic, from: $word, to: $word) {
                let alone = atomic.compare_exchange(from, to, Relaxed, Relaxed);
                assert!(alone.is_ok(), "two owners of one cell: {alone:?}, not {from:?}");
            }
        }
    )*};
}

word! {
    bool, AtomicBool, false;
    u8, AtomicU8, 0;
    u16, AtomicU16, 0;
    u32, AtomicU32, 0;
    u64, AtomicU64, 0;
    usize, AtomicUsize, 0;
    i32, AtomicI32, 0;
}

macro_rules! start {
    ($($word:ty, $atomic:ty;)*) => {$(
        impl OwnerCell<$word> {
            pub(crate) const fn new(value: $word) -> OwnerCell<$word> {
                OwnerCell(<$atomic>::new(value))
            }
        }
    )*};
}

start! {
    bool, AtomicBool;
    u8, AtomicU8;
    u32, AtomicU32;
    u64, AtomicU64;
}

macro_rules! number {
    ($($word:ty)*) => {$(
        impl Number for $word {
            #[inline]
            fn wrapping_add(self, n: $word) -> $word {
                <$word>::wrapping_add(self, n)
            }

            #[inline]
            fn wrapping_sub(self, n: $word) -> $word {
                <$word>::wrapping_sub(self, n)
            }
        }
    )*};
}

number! { u16 u32 u64 usize }

/// The same for a reference, or none.
pub(crate) struct OwnerRef<T: 'static>(AtomicRef<T>);

impl<T: Sync + 'static> OwnerRef<T> {
    pub(crate) const fn none() -> OwnerRef<T> {
        OwnerRef(AtomicRef::none())
    }

    /// The value. By the owner.
    #[inline]
    pub(crate) fn get(&self) -> Option<&'static T> {
        self.0.load(Relaxed)
    }

    /// A value that was there. By others.
    #[inline]
    pub(crate) fn peek(&self) -> Option<&'static T> {
        self.0.load(Relaxed)
    }

    /// By the owner, or by who is about to hand it over.
    #[inline]
    pub(crate) fn set(&self, value: Option<&'static T>) {
        self.0.store(value, Relaxed);
    }

    /// The value, and `value` in its place.
    #[inline]
    pub(crate) fn replace(&self, value: Option<&'static T>) -> Option<&'static T> {
        let was = self.get();
        self.set(value);
        was
    }

    /// The value, and none in its place.
    #[inline]
    pub(crate) fn take(&self) -> Option<&'static T> {
        self.replace(None)
    }
}

impl<T> fmt::Debug for OwnerRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_owner_reads_what_it_wrote() {
        let cell = OwnerCell::<u32>::new(u32::MAX);
        assert_eq!((cell.add(2), cell.get(), cell.peek()), (u32::MAX, 1, 1));
        assert_eq!((cell.sub(1), cell.take(), cell.get()), (1, 0, 0));
        static HERE: u8 = 7;
        let link = OwnerRef::none();
        assert_eq!(link.replace(Some(&HERE)), None);
        assert_eq!(
            (link.peek(), link.take(), link.get()),
            (Some(&7), Some(&7), None)
        );
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "two owners of one cell")]
    fn a_second_owner_is_noticed() {
        let cell = OwnerCell::<u64>::new(0);
        cell.update(|was| {
            cell.set(5); // as another thread would
            was + 1
        });
    }
}
