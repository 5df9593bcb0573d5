//! The source of new slots: one arena for each class, opened at the first request.
//!
//! Slots are made in order, bottom up, and are never destroyed: unused slots are in the depot.
//! The lock is held during a system call, which is right here: any other thread that needs a new
//! slot of this class would wait for the kernel's own lock on the address space anyway.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::lock::RawLock;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::error::StackError;
use crate::ext::stackalloc::region::{self, Region};
use crate::ext::stackalloc::slot::SlotRef;

struct Arena {
    /// Held to make slots: of this class, in any region.
    lock: RawLock,
    /// The region that slots are made from now, as its place in `region::all()` plus one.
    current: OwnerCell<usize>,
    /// Slots made, in all regions.
    made: OwnerCell<usize>,
}

static ARENAS: [Arena; Class::COUNT] = [const { Arena::closed() }; Class::COUNT];

/// New slots of `class` into the front of `out`, at least one, at most a batch. Returns how many.
/// Allocates nothing; makes a few system calls.
///
/// # Errors
/// What the kernel refuses, see [`StackError`]. Slots that exist are not affected.
pub(crate) fn fresh(class: Class, out: &mut [Option<SlotRef>]) -> Result<usize, StackError> {
    if out.is_empty() {
        return Ok(0);
    }
    let arena = &ARENAS[class.number()];
    arena.lock.lock();
    let answer = arena.make(class, out);
    arena.lock.unlock();
    answer
}

/// Slots of `class` ever made.
pub(crate) fn made(class: Class) -> usize {
    ARENAS[class.number()].made.peek()
}

impl Arena {
    const fn closed() -> Arena {
        Arena {
            lock: RawLock::new(),
            current: OwnerCell::zero(),
            made: OwnerCell::zero(),
        }
    }

    fn make(&self, class: Class, out: &mut [Option<SlotRef>]) -> Result<usize, StackError> {
        let made = self.made.get();
        if self.region().is_none_or(Region::is_full) {
            let place = Region::open(class, made)?;
            self.current.set(place + 1);
        }
        let count = match self.region() {
            Some(region) => region.make(out)?,
            None => 0,
        };
        self.made.set(made + count);
        Ok(count)
    }

    fn region(&self) -> Option<&'static Region> {
        region::all().get(self.current.get().checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::guard::{self, Step};
    use crate::ext::stackalloc::test_child::{in_child, limit, stderr};

    /// As many slots as there are, up to `count`.
    fn make(class: Class, count: usize) -> Result<(), StackError> {
        let mut have = 0;
        while have < count {
            have += fresh(class, &mut [None; region::BATCH])?;
        }
        Ok(())
    }

    fn mappings() -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().count()
    }

    /// In a child, as the test of this name: makes stacks, and counts the process's mappings.
    fn takes_few_mappings(test: &str, make_stacks: impl FnOnce()) {
        let output = in_child(&format!("{}::{test}", module_path!()), || {
            make_stacks();
            eprintln!("mappings: {}", mappings());
            assert!(mappings() < 100);
        });
        let text = stderr(&output);
        assert!(text.contains("mappings: "), "{text}");
        assert!(output.status.success(), "{text}");
    }

    #[test]
    fn a_hundred_thousand_guarded_stacks_take_few_mappings() {
        let test = "a_hundred_thousand_guarded_stacks_take_few_mappings";
        takes_few_mappings(test, || {
            make(class_for(64 << 10).unwrap(), 100_000).unwrap();
            make(class_for(1 << 30).unwrap(), 64).unwrap();
        });
    }

    #[test]
    fn a_full_region_is_followed_by_another() {
        // 512 slots fill a region of the largest class.
        let class = class_for(1 << 30).unwrap();
        let regions = || region::all().iter().filter(|r| r.class() == class).count();
        make(class, 512 + 40).unwrap();
        assert!(regions() >= 2);
        assert!(made(class) >= 552);
        let last = region::all().iter().rfind(|r| r.class() == class).unwrap();
        let slot = last.slot(0).unwrap();
        assert_eq!(
            region::find(slot.limit() + 1).unwrap().bottom(),
            slot.bottom()
        );
        assert_eq!(region::find(slot.bottom()).unwrap().bottom(), slot.bottom());
        assert!(region::find(last.slot(0).unwrap().bottom() - 1).is_none());
    }

    #[test]
    fn without_cheap_guards_the_error_comes_before_malloc_dies() {
        let output = in_child(
            concat!(
                module_path!(),
                "::without_cheap_guards_the_error_comes_before_malloc_dies"
            ),
            || {
                guard::start_at(Step::Mprotect);
                let class = class_for(64 << 10).unwrap();
                let error = make(class, usize::MAX).unwrap_err();
                eprintln!("{error}");
                eprintln!("stacks: {}", made(class));
                // Again: the error must be lasting, and allocating still work.
                assert_eq!(make(class, 1).unwrap_err(), error);
                assert!(std::thread::spawn(|| vec![1; 1 << 22].len()).join().is_ok());
            },
        );
        let text = stderr(&output);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("sysctl -w vm.max_map_count="), "{text}");
        let budget = (crate::ext::linux::memory::max_map_count() - 8192) / 2;
        let stacks = budget / region::BATCH * region::BATCH;
        assert!(text.contains(&format!("stacks: {stacks}")), "{text}");
    }

    #[test]
    fn one_call_for_each_guard_works_too() {
        takes_few_mappings("one_call_for_each_guard_works_too", || {
            guard::start_at(Step::Single);
            make(Class::DEFAULT, 1000).unwrap();
        });
    }

    #[test]
    fn limits_of_the_process_are_errors_not_crashes() {
        let output = in_child(
            concat!(
                module_path!(),
                "::limits_of_the_process_are_errors_not_crashes"
            ),
            || {
                limit(libc::RLIMIT_DATA, 1 << 30);
                let error = make(Class::DEFAULT, usize::MAX).unwrap_err();
                eprintln!("{error}\nstacks: {}", made(Class::DEFAULT));
                assert!(made(Class::DEFAULT) > 1000);
                limit(libc::RLIMIT_AS, 4 << 30);
                let error = make(class_for(8 << 20).unwrap(), usize::MAX).unwrap_err();
                eprintln!("{error}");
            },
        );
        let text = stderr(&output);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("ulimit -d"), "{text}");
        assert!(text.contains("ulimit -v"), "{text}");
    }
}
