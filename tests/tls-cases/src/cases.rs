// Included twice, with `keys` in scope: the program's own, and the library's.
//
// Each case touches thread-locals before and after a suspension in which it moves to another
// thread. True: what it wrote or read afterwards is the new thread's.
use super::Case;
use crate::migrate::{migrate, next, tid};
use keys::*;
use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;

macro_rules! list {
    ($group:ident: $($name:ident)*) => {
        pub const $group: &[Case] = &[$((stringify!($name), $name),)*];
    };
}

macro_rules! cases {
    ($group:ident: $($name:ident = $body:block)*) => {
        $(#[inline(never)] fn $name() -> bool $body)*
        list!($group: $($name)*);
    };
}


fn errno() -> i32 {
    // SAFETY: always a good address.
    unsafe { *libc::__errno_location() }
}

/// A read that fails with `EBADF` or `EISDIR`.
fn failing_read(directory: i32, bad: bool) -> i32 {
    let mut byte = 0u8;
    let fd = if bad { -1 } else { directory };
    // SAFETY: one byte of ours.
    let n = unsafe { libc::read(fd, (&raw mut byte).cast(), 1) };
    assert_eq!(n, -1);
    if bad { libc::EBADF } else { libc::EISDIR }
}

fn directory() -> i32 {
    // SAFETY: a literal path.
    unsafe { libc::open(c"/".as_ptr(), libc::O_RDONLY) }
}

fn close(fd: i32) {
    // SAFETY: opened by `directory`.
    unsafe { libc::close(fd) };
}

/// A RandomState's keys: the first counts up, the second is the thread's.
fn hash_keys(state: std::hash::RandomState) -> (u64, u64) {
    const { assert!(size_of::<std::hash::RandomState>() == 16) };
    // SAFETY: two words, as std has it today; this is a test.
    unsafe { std::mem::transmute(state) }
}

#[inline(never)]
fn fresh_hash_keys() -> (u64, u64) {
    hash_keys(std::hash::RandomState::new())
}

#[inline]
fn bump(key: &'static std::thread::LocalKey<std::cell::Cell<i64>>) -> i64 {
    let v = next();
    key.set(v);
    v
}

fn recurse(depth: u32) -> bool {
    if depth == 0 {
        return true;
    }
    CONST.set(next());
    migrate();
    let right = recurse(depth - 1);
    right & (CONST.get() == fresh::constant())
}

struct Holder<'a> {
    cell: &'a std::cell::Cell<i64>,
    count: i64,
}

cases! { CASES:
    const_write = {
        CONST.set(next());
        migrate();
        let v = next();
        CONST.set(v);
        fresh::constant() == v
    }
    const_read = {
        CONST.set(next());
        migrate();
        CONST.get() == fresh::constant()
    }
    const_read_write = {
        CONST.set(CONST.get() + next());
        migrate();
        let was = fresh::constant();
        CONST.set(CONST.get() + 1);
        fresh::constant() == was + 1
    }
    const_branch = {
        if black_box(true) {
            CONST.set(next());
            migrate();
        } else {
            OTHER.set(next());
        }
        let v = next();
        if black_box(true) { CONST.set(v) } else { CONST.set(v + 1) }
        fresh::constant() == v
    }
    const_branch_suspends = {
        let mut right = true;
        for i in 0..4 {
            CONST.set(next());
            if black_box(i % 2 == 0) {
                migrate();
            }
            right &= CONST.get() == fresh::constant();
        }
        right
    }
    const_loop = {
        let mut right = true;
        for _ in 0..black_box(4) {
            CONST.set(next());
            migrate();
            right &= CONST.get() == fresh::constant();
        }
        right
    }
    const_two_suspensions = {
        CONST.set(next());
        migrate();
        migrate();
        let v = next();
        CONST.set(v);
        fresh::constant() == v
    }
    const_two_keys = {
        CONST.set(next());
        OTHER.set(next());
        migrate();
        let v = next();
        CONST.set(v);
        OTHER.set(v + 1);
        fresh::constant() == v && fresh::other() == v + 1
    }
    const_replace = {
        let _ = CONST.replace(next());
        migrate();
        let v = next();
        let was = fresh::constant();
        CONST.replace(v) == was && fresh::constant() == v
    }
    const_take = {
        CONST.set(next());
        migrate();
        let was = fresh::constant();
        CONST.take() == was && fresh::constant() == 0
    }
    const_recursion = { recurse(black_box(3)) }
    const_catch_unwind = {
        CONST.set(next());
        let caught = std::panic::catch_unwind(migrate);
        let v = next();
        CONST.set(v);
        caught.is_ok() && fresh::constant() == v
    }
    const_closure = {
        let write = |v| CONST.set(v);
        write(next());
        migrate();
        let v = next();
        write(v);
        fresh::constant() == v
    }
    key_as_argument = {
        bump(&CONST);
        migrate();
        bump(&CONST) == fresh::constant()
    }
    key_chosen_at_run_time = {
        let key = if black_box(true) { &CONST } else { &OTHER };
        bump(key);
        migrate();
        bump(key) == fresh::constant()
    }
    small = {
        SMALL.set(next() as u8);
        migrate();
        let v = next() as u8;
        SMALL.set(v);
        fresh::small() == v
    }
    lazy_write = {
        LAZY.set(next());
        migrate();
        let v = next();
        LAZY.set(v);
        fresh::lazy() == v
    }
    lazy_read = {
        LAZY.set(next());
        migrate();
        LAZY.get() == fresh::lazy()
    }
    lazy_branch = {
        if black_box(true) {
            LAZY.set(next());
            migrate();
        }
        let v = next();
        LAZY.set(v);
        fresh::lazy() == v
    }
    lazy_loop = {
        let mut right = true;
        for _ in 0..black_box(4) {
            LAZY.set(next());
            migrate();
            right &= LAZY.get() == fresh::lazy();
        }
        right
    }
    fields = {
        FIELDS.with(|f| f.a.set(next()));
        migrate();
        let v = next();
        FIELDS.with(|f| f.b.set(v));
        fresh::field_b() == v
    }
    fields_loop = {
        let mut right = true;
        for _ in 0..black_box(4) {
            FIELDS.with(|f| f.a.set(next()));
            migrate();
            right &= FIELDS.with(|f| f.a.get()) == fresh::field_a();
        }
        right
    }
    array_element = {
        let i = black_box(7);
        ARRAY.with(|a| a[i].set(next()));
        migrate();
        let v = next();
        ARRAY.with(|a| a[i].set(v));
        fresh::array(i) == v
    }
    array_loop = {
        let mut right = true;
        for i in 0..black_box(6) {
            ARRAY.with(|a| a[i].set(next()));
            migrate();
            right &= ARRAY.with(|a| a[i].get()) == fresh::array(i);
        }
        right
    }
    array_loop_from_5 = {
        let mut right = true;
        for i in 5..black_box(9) {
            ARRAY.with(|a| a[i].set(next()));
            migrate();
            right &= ARRAY.with(|a| a[i - 5].get()) == fresh::array(i - 5);
            right &= ARRAY.with(|a| a[i].get()) == fresh::array(i);
        }
        right
    }
    array_loop_backwards = {
        let mut right = true;
        for i in (0..black_box(5)).rev() {
            ARRAY.with(|a| a[i].set(next()));
            migrate();
            right &= ARRAY.with(|a| a[i].get()) == fresh::array(i);
        }
        right
    }
    array_sum = {
        ARRAY.with(|a| a.iter().for_each(|c| c.set(next())));
        migrate();
        let sum: i64 = ARRAY.with(|a| a.iter().map(|c| c.get()).sum());
        sum == (0..16).map(fresh::array).sum::<i64>()
    }
    big_array_far_element = {
        let i = black_box(500);
        BIG.with(|a| a[i].set(next()));
        migrate();
        let v = next();
        BIG.with(|a| a[i].set(v));
        fresh::big(i) == v
    }
    big_array_stride = {
        let mut right = true;
        for i in (16..black_box(500)).step_by(128) {
            BIG.with(|a| a[i].set(next()));
            migrate();
            right &= BIG.with(|a| a[i].get()) == fresh::big(i);
        }
        right
    }
    option = {
        OPTION.set(Some(next()));
        migrate();
        let was = fresh::option();
        match OPTION.get() {
            Some(v) => was == Some(v),
            None => was.is_none(),
        }
    }
    atomic = {
        ATOMIC.with(|a| a.store(next(), Relaxed));
        migrate();
        let v = next();
        ATOMIC.with(|a| a.store(v, Relaxed));
        fresh::atomic() == v
    }
    vec_push = {
        VEC.with_borrow_mut(|v| v.push(next()));
        migrate();
        let len = fresh::vec_len();
        let v = next();
        VEC.with_borrow_mut(|vec| vec.push(v));
        fresh::vec_last() == Some(v) && fresh::vec_len() == len + 1
    }
    vec_loop = {
        let mut right = true;
        for _ in 0..black_box(4) {
            VEC.with_borrow_mut(|v| v.push(next()));
            migrate();
            right &= VEC.with_borrow(|v| v.last().copied()) == fresh::vec_last();
        }
        right
    }
    vec_take = {
        VEC.with_borrow_mut(|v| v.push(next()));
        migrate();
        let len = fresh::vec_len();
        VEC.take().len() == len && fresh::vec_len() == 0
    }
    text = {
        TEXT.with_borrow_mut(|t| t.push('x'));
        migrate();
        let v = next().to_string();
        TEXT.with_borrow_mut(|t| t.clone_from(&v));
        fresh::text() == v
    }
    map = {
        MAP.with_borrow_mut(|m| m.insert(1, next()));
        migrate();
        let v = next();
        MAP.with_borrow_mut(|m| m.insert(1, v));
        fresh::map(1) == Some(v)
    }
    with_destructor = {
        OWNER.with(|o| o.0.set(next()));
        migrate();
        let v = next();
        OWNER.with(|o| o.0.set(v));
        fresh::owner() == v
    }
    boxed = {
        BOXED.with_borrow_mut(|b| **b = next());
        migrate();
        let v = next();
        BOXED.with_borrow_mut(|b| **b = v);
        fresh::boxed() == v
    }
    rc_not_cloned = {
        RC.with(|r| r.set(next()));
        migrate();
        let v = next();
        RC.with(|r| r.set(v));
        fresh::rc() == v
    }
    once = {
        let v = next();
        ONCE.with(|o| *o.get_or_init(|| v));
        migrate();
        ONCE.with(|o| o.get().copied()) == fresh::once()
    }
    with_across = {
        CONST.with(|c| {
            c.set(next());
            migrate();
            let v = next();
            c.set(v);
            fresh::constant() == v
        })
    }
    with_across_two = {
        CONST.with(|c| FIELDS.with(|f| {
            migrate();
            let v = next();
            c.set(v);
            f.b.set(v);
            fresh::constant() == v && fresh::field_b() == v
        }))
    }
    borrow_across = {
        VEC.with_borrow_mut(|vec| {
            migrate();
            vec.push(next());
        });
        VEC.with_borrow_mut(|vec| {
            migrate();
            let v = next();
            vec.push(v);
            vec.last() == Some(&v)
        }) && VEC.with_borrow(|v| v.last().copied()) == fresh::vec_last()
    }
    iterator_across = {
        ARRAY.with(|a| {
            let mut right = true;
            for (i, c) in a.iter().enumerate().take(4) {
                migrate();
                let v = next();
                c.set(v);
                right &= fresh::array(i) == v;
            }
            right
        })
    }
    reference_in_a_struct = {
        CONST.with(|cell| {
            let mut holder = Holder { cell, count: 0 };
            black_box(&mut holder);
            migrate();
            holder.count += 1;
            let v = next();
            holder.cell.set(v);
            fresh::constant() == v && holder.count == 1
        })
    }
    once_init_across = {
        let v = ONCE.with(|o| *o.get_or_init(|| {
            migrate();
            next()
        }));
        fresh::once() == Some(v)
    }
    errno_after_read = {
        let dir = directory();
        let one = failing_read(dir, true);
        let right = errno() == one;
        migrate();
        let two = failing_read(dir, false);
        let right = right && errno() == two;
        close(dir);
        right
    }
    errno_read_loop = {
        let dir = directory();
        let mut right = true;
        for i in 0..black_box(4) {
            let want = failing_read(dir, i % 2 == 0);
            right &= errno() == want;
            migrate();
        }
        close(dir);
        right
    }
    last_os_error = {
        let dir = directory();
        failing_read(dir, true);
        let one = std::io::Error::last_os_error();
        migrate();
        failing_read(dir, false);
        let two = std::io::Error::last_os_error();
        close(dir);
        one.raw_os_error() == Some(libc::EBADF) && two.raw_os_error() == Some(libc::EISDIR)
    }
    hash_map_keys = {
        black_box(std::hash::RandomState::new());
        migrate();
        let mine = hash_keys(std::hash::RandomState::new());
        let fresh = fresh_hash_keys();
        fresh.1 == mine.1 && fresh.0 == mine.0.wrapping_add(1)
    }
    hash_map_of_strings = {
        let mut map = std::collections::HashMap::new();
        map.insert("before".to_string(), next());
        migrate();
        let mut other = std::collections::HashMap::new();
        other.insert("after".to_string(), next());
        map.len() == 1 && other.contains_key("after")
    }
    thread_current = {
        let one = std::thread::current().id();
        black_box(one);
        migrate();
        let two = std::thread::current().id();
        #[inline(never)]
        fn fresh() -> std::thread::ThreadId {
            std::thread::current().id()
        }
        two == fresh()
    }
    pthread_self = {
        // SAFETY: no preconditions.
        black_box(unsafe { libc::pthread_self() });
        migrate();
        // SAFETY: no preconditions.
        let mine = unsafe { libc::pthread_self() };
        #[inline(never)]
        fn fresh() -> libc::pthread_t {
            // SAFETY: no preconditions.
            unsafe { libc::pthread_self() }
        }
        mine == fresh()
    }
    format_and_print = {
        let one = format!("{} {:?}", next(), "x");
        eprint!("");
        migrate();
        eprint!("");
        let two = format!("{} {:?}", next(), "x");
        one != two
    }
    mutex_not_poisoned = {
        let lock = std::sync::Mutex::new(0);
        *lock.lock().unwrap() += 1;
        migrate();
        *lock.lock().unwrap() += 1;
        !lock.is_poisoned()
    }
    panicking_stays_with_the_panic = {
        struct Suspends;
        impl Drop for Suspends {
            fn drop(&mut self) {
                assert!(std::thread::panicking());
                migrate();
                assert!(std::thread::panicking());
            }
        }
        let caught = std::panic::catch_unwind(|| {
            let _suspends = Suspends;
            std::panic::resume_unwind(Box::new(7));
        });
        caught.is_err() && !std::thread::panicking() && {
            // Nobody else sees the panic.
            let seen = gosched::thread::spawn(std::thread::panicking).join();
            !seen.unwrap()
        }
    }
}

// What the guard need not catch: a borrow of a thread-local that lasts over a suspension. The
// compiler may derive the address again on the other thread, so that there is nothing to see.
cases! { DUTY:
    lazy_borrow_across = {
        LAZY.with(|c| {
            migrate();
            let v = next();
            c.set(v);
            fresh::lazy() == v
        })
    }
    number_borrow_across = {
        let before = tid();
        NUMBER.with_borrow_mut(|n| {
            *n = next();
            migrate();
            *n = next();
        });
        // The old thread's flag must be free as well; nobody runs there if we did not move.
        let mine = NUMBER.with(|n| n.try_borrow_mut().is_ok());
        if tid() != before {
            migrate();
        }
        mine && NUMBER.with(|n| n.try_borrow_mut().is_ok())
    }
    value_across = {
        CONST.with(|c| {
            let v = next();
            c.set(v);
            migrate();
            c.get() == v
        })
    }
    reference_in_a_box = {
        CONST.with(|c| {
            let boxed = black_box(Box::new(c));
            migrate();
            let v = next();
            boxed.set(v);
            fresh::constant() == v
        })
    }
    rc_cloned = {
        let rc = RC.with(std::rc::Rc::clone);
        migrate();
        RC.with(|mine| std::rc::Rc::ptr_eq(mine, &rc))
    }
}
