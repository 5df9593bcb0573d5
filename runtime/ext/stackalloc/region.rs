//! A reservation: address space for many slots of one class, and the table of all of them.
//!
//! ```text
//! | records, 40 bytes a slot | to the next 2 MiB | slot 0 | slot 1 | ... | slot room-1 |
//!   readable for `ready` slots                    made      ready (writable)    forbidden
//! ```
//!
//! Invariants: `made <= ready <= room`. Only the holder of the class's lock (arena.rs) grows a
//! region or makes slots of it; any thread, also in a signal handler, may look slots up. Regions
//! are never given back, so a record is valid forever.
#![allow(unsafe_code, reason = "carves records and guards out of raw memory")]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicUsize};

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::lock::RawLock;
use crate::ext::linux::limits;
use crate::ext::linux::memory::{self as mem, Advice, Span};
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::error::StackError;
use crate::ext::stackalloc::guard;
use crate::ext::stackalloc::slot::{Slot, SlotRef};

/// Slots made at a time: their guards go in by one system call.
pub(crate) const BATCH: usize = 32;

const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// A region has at most so many slots, and so many bytes of them.
const MAX_SLOTS: usize = 1 << 20;
const MAX_BYTES: usize = 512 * GIB;

/// Memory becomes writable in steps of at least this, so that a core dump, `RLIMIT_DATA` and
/// strict overcommit count what is in use and not the reservation.
const COMMIT_STEP: usize = 64 * MIB;

/// Regions start at a page table of their own. Slots as large as one are moved by half, so
/// that the top of a slot and the guard of the next share one: 8.2 KiB a slot, not 12.3.
const PAGE_TABLE: usize = 2 * MIB;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Region {
    first: OwnerCell<usize>,
    records: AtomicPtr<Slot>,
    class: OwnerCell<usize>,
    /// The index in the class of slot 0.
    base: OwnerCell<usize>,
    room: OwnerCell<usize>,
    ready: OwnerCell<usize>,
    made: AtomicUsize,
}

/// 512 regions of 512 GiB are twice what the hardware can address.
const MAX_REGIONS: usize = 512;
/// Every region, in a list that only grows.
struct Regions {
    all: [Region; MAX_REGIONS],
    count: AtomicUsize,
    adding: RawLock,
}

static REGIONS: Regions = Regions {
    all: [const { Region::none() }; MAX_REGIONS],
    count: AtomicUsize::new(0),
    adding: RawLock::new(),
};

/// All regions so far.
pub(crate) fn all() -> &'static [Region] {
    // Acquire pairs(region): Release in Region::publish.
    &REGIONS.all[..REGIONS.count.load(Acquire)]
}

/// The slot that `address` lies in, guard included. For the fault handler: no lock.
pub(crate) fn find(address: usize) -> Option<SlotRef> {
    let region = all().iter().find(|region| region.covers(address))?;
    region.slot((address - region.first.get()) / region.class().stride_bytes())
}

impl Region {
    const fn none() -> Region {
        Region {
            first: OwnerCell::zero(),
            records: AtomicPtr::new(std::ptr::null_mut()),
            class: OwnerCell::zero(),
            base: OwnerCell::zero(),
            room: OwnerCell::zero(),
            ready: OwnerCell::zero(),
            made: AtomicUsize::new(0),
        }
    }

    /// Reserves a region for slots of `class` numbered from `base`: as large as it may be,
    /// half of that when the kernel says no, and so on. Its place in [`all`].
    pub(crate) fn open(class: Class, base: usize) -> Result<usize, StackError> {
        let mut room = room_for(class)?;
        loop {
            let len = span_for(class, room);
            match mem::reserve_low(len) {
                Ok(addr) => return Region::publish(class, base, room, Span { addr, len }),
                Err(_) if room > 1 => room /= 2,
                Err(errno) => return Err(StackError::Reserve { bytes: len, errno }),
            }
        }
    }

    fn publish(
        class: Class,
        base: usize,
        room: usize,
        span: Span,
    ) -> Result<usize, StackError> {
        // Without huge pages in the kernel this fails, and is not needed.
        // SAFETY: just reserved, so it is ours.
        let _ = unsafe { mem::advise(span, Advice::NoHugePages) };
        REGIONS.adding.lock();
        let number = REGIONS.count.load(Relaxed);
        let place = REGIONS.all.get(number);
        if let Some(region) = place {
            let first = first_slot(class, span.addr + records_bytes(room));
            region.first.set(first);
            region.records.store(span.addr as *mut Slot, Relaxed);
            region.class.set(class.number());
            region.base.set(base);
            region.room.set(room);
            // Release pairs(region): Acquire in all.
            REGIONS.count.store(number + 1, Release);
        }
        REGIONS.adding.unlock();
        if place.is_none() {
            // SAFETY: just reserved, and nobody else has seen it.
            unsafe { mem::release(span) };
            return Err(StackError::Exhausted);
        }
        Ok(number)
    }

    pub(crate) fn class(&self) -> Class {
        Class::from_number(self.class.get())
    }

    /// Bytes reserved for slots.
    pub(crate) fn reserved_bytes(&self) -> usize {
        self.room.get() * self.class().stride_bytes()
    }

    /// Bytes of slots that are writable.
    pub(crate) fn committed_bytes(&self) -> usize {
        self.ready.get() * self.class().stride_bytes()
    }

    /// Slots made so far.
    pub(crate) fn made(&self) -> usize {
        // Acquire pairs(slot): Release in Region::make.
        self.made.load(Acquire)
    }

    /// The slots made so far, as one range.
    pub(crate) fn span(&self) -> Span {
        Span::between(self.bottom(0), self.bottom(self.made()))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.made() == self.room.get()
    }

    fn covers(&self, address: usize) -> bool {
        let first = self.first.get();
        (first..first + self.reserved_bytes()).contains(&address)
    }

    /// Slot `i` of the region, if it has been made.
    pub(crate) fn slot(&self, i: usize) -> Option<SlotRef> {
        (i < self.made()).then(|| self.record(i))
    }

    fn record(&self, i: usize) -> SlotRef {
        debug_assert!(i < self.ready.get());
        // SAFETY: `i < ready`, so it is inside the table.
        let record = unsafe { self.records.load(Relaxed).add(i) };
        // SAFETY: readable, since below `ready`; never unmapped; zeros are a valid record.
        unsafe { &*record }
    }

    /// Makes up to [`BATCH`] new slots. The caller holds the class's lock. 0: it is full.
    pub(crate) fn make(&self, out: &mut [Option<SlotRef>]) -> Result<usize, StackError> {
        let made = self.made();
        let room = self.room.get() - made;
        let mut count = out.len().min(BATCH).min(room);
        if count == 0 {
            return Ok(0);
        }
        if self.ready.get() == made {
            self.commit_more()?;
        }
        count = count.min(self.ready.get() - made);
        let mut guards = [Span::EMPTY; BATCH];
        for (i, guard) in guards[..count].iter_mut().enumerate() {
            *guard = Span {
                addr: self.bottom(made + i),
                len: self.class().guard_bytes(),
            };
        }
        // SAFETY: these slots are ours, and nobody has been given them.
        unsafe { guard::install(&guards[..count]) }?;
        for (i, place) in out[..count].iter_mut().enumerate() {
            let record = self.record(made + i);
            let index = self.base.get() + made + i;
            record.describe(self.bottom(made + i), self.class(), index);
            *place = Some(record);
        }
        // Release pairs(slot): Acquire in Region::made.
        self.made.store(made + count, Release);
        Ok(count)
    }

    fn bottom(&self, i: usize) -> usize {
        self.first.get() + i * self.class().stride_bytes()
    }

    /// Makes as many slots writable again as there are, or as many as the kernel allows; under a
    /// limit, a share of what is left of that.
    fn commit_more(&self) -> Result<(), StackError> {
        let ready = self.ready.get();
        let stride = self.class().stride_bytes();
        // A whole number of batches: the pages between slots do not count.
        let mut step = (COMMIT_STEP / self.class().slot_bytes()).max(ready).max(1);
        step = step.min(self.room.get() - ready);
        if let Some(allowance) = limits::writable() {
            step = step.min(BATCH.max(allowance.share() / stride));
            while step > 1 && !allowance.allows(step * stride) {
                step /= 2;
            }
            if !allowance.allows(step * stride) {
                let (bytes, errno) = (step * stride, libc::ENOMEM);
                return Err(StackError::Commit { bytes, errno });
            }
        }
        loop {
            match self.commit(ready, ready + step) {
                Ok(()) => {
                    self.ready.set(ready + step);
                    return Ok(());
                }
                Err(_) if step > 1 => step /= 2,
                Err(errno) => {
                    return Err(StackError::Commit {
                        bytes: step * stride,
                        errno,
                    });
                }
            }
        }
    }

    fn commit(&self, from: usize, to: usize) -> Result<(), mem::Errno> {
        let records = self.records.load(Relaxed) as usize;
        let size = size_of::<Slot>();
        let table = Span::between(
            mem::page_down(records + from * size),
            mem::page_up(records + to * size),
        );
        // SAFETY: inside the reservation, before its first slot.
        unsafe { mem::commit(table) }?;
        // SAFETY: inside the reservation; these slots are not in use yet.
        unsafe { mem::commit(Span::between(self.bottom(from), self.bottom(to))) }
    }
}

fn records_bytes(room: usize) -> usize {
    mem::page_up(room * size_of::<Slot>())
}

/// Where the first slot begins when `free` is the first free address.
fn first_slot(class: Class, free: usize) -> usize {
    let aligned = free.next_multiple_of(PAGE_TABLE);
    if class.slot_bytes() < PAGE_TABLE {
        aligned
    } else {
        aligned + PAGE_TABLE / 2
    }
}

/// How many slots to reserve: all that a region can have, or, where address space is limited, a
/// share of what is left.
fn room_for(class: Class) -> Result<usize, StackError> {
    let most = MAX_SLOTS.min(MAX_BYTES / class.slot_bytes());
    let Some(allowance) = limits::address_space() else {
        return Ok(most);
    };
    let mut room = most.min(BATCH.max(allowance.share() / class.stride_bytes()));
    while room > 1 && !allowance.allows(span_for(class, room)) {
        room /= 2;
    }
    let bytes = span_for(class, room);
    match allowance.allows(bytes) {
        true => Ok(room),
        false => Err(StackError::Reserve {
            bytes,
            errno: libc::ENOMEM,
        }),
    }
}

/// Address space for `room` slots, wherever the kernel puts it.
fn span_for(class: Class, room: usize) -> usize {
    records_bytes(room) + 2 * PAGE_TABLE + room * class.stride_bytes()
}
