// Thread-locals of many shapes, and functions that read them with an address of their own.
// Compiled twice: in the program, and in the library.
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::AtomicI64;

#[derive(Default)]
pub struct Fields {
    pub pad: Cell<i64>,
    pub a: Cell<i64>,
    pub b: Cell<i64>,
}

/// Has a destructor, so the thread-local registers one.
pub struct Owner(pub Cell<i64>);

impl Drop for Owner {
    fn drop(&mut self) {
        std::hint::black_box(self.0.get());
    }
}

thread_local! {
    pub static CONST: Cell<i64> = const { Cell::new(0) };
    pub static OTHER: Cell<i64> = const { Cell::new(0) };
    pub static SMALL: Cell<u8> = const { Cell::new(0) };
    pub static LAZY: Cell<i64> = Cell::new(std::hint::black_box(0));
    pub static FIELDS: Fields = const {
        Fields { pad: Cell::new(0), a: Cell::new(0), b: Cell::new(0) }
    };
    pub static ARRAY: [Cell<i64>; 16] = const { [const { Cell::new(0) }; 16] };
    pub static BIG: [Cell<i64>; 512] = const { [const { Cell::new(0) }; 512] };
    pub static OPTION: Cell<Option<i64>> = const { Cell::new(None) };
    pub static ATOMIC: AtomicI64 = const { AtomicI64::new(0) };
    pub static VEC: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
    pub static NUMBER: RefCell<i64> = const { RefCell::new(0) };
    pub static TEXT: RefCell<String> = RefCell::new(String::new());
    pub static MAP: RefCell<HashMap<i64, i64>> = RefCell::new(HashMap::new());
    pub static OWNER: Owner = Owner(Cell::new(0));
    pub static BOXED: RefCell<Box<i64>> = RefCell::new(Box::new(0));
    pub static RC: Rc<Cell<i64>> = Rc::new(Cell::new(0));
    pub static ONCE: OnceCell<i64> = const { OnceCell::new() };
}

/// Read with an address computed now: what the thread really has.
pub mod fresh {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    macro_rules! reads {
        ($($name:ident($($arg:ident: $ty:ty)?) -> $out:ty { $($body:tt)* })*) => {
            $(#[inline(never)] pub fn $name($($arg: $ty)?) -> $out { $($body)* })*
        };
    }
    reads! {
        constant() -> i64 { CONST.get() }
        other() -> i64 { OTHER.get() }
        small() -> u8 { SMALL.get() }
        lazy() -> i64 { LAZY.get() }
        field_a() -> i64 { FIELDS.with(|f| f.a.get()) }
        field_b() -> i64 { FIELDS.with(|f| f.b.get()) }
        array(i: usize) -> i64 { ARRAY.with(|a| a[i].get()) }
        big(i: usize) -> i64 { BIG.with(|a| a[i].get()) }
        option() -> Option<i64> { OPTION.get() }
        atomic() -> i64 { ATOMIC.with(|a| a.load(Relaxed)) }
        vec_last() -> Option<i64> { VEC.with_borrow(|v| v.last().copied()) }
        vec_len() -> usize { VEC.with_borrow(Vec::len) }
        text() -> String { TEXT.with_borrow(String::clone) }
        map(key: i64) -> Option<i64> { MAP.with_borrow(|m| m.get(&key).copied()) }
        owner() -> i64 { OWNER.with(|o| o.0.get()) }
        boxed() -> i64 { BOXED.with_borrow(|b| **b) }
        rc() -> i64 { RC.with(|r| r.get()) }
        once() -> Option<i64> { ONCE.with(|o| o.get().copied()) }
    }
}
