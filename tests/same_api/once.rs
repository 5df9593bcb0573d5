// Included by `same_api.rs`: `sync` is std's or ours.

mod once {
    use std::fmt::Debug;
    use std::ops::{Deref, DerefMut};
    use std::panic::{RefUnwindSafe, UnwindSafe};

    use super::sync::{LazyLock, Once, OnceLock, OnceState};

    #[allow(clippy::declare_interior_mutable_const, reason = "that it is const is the question")]
    mod made_at_compile_time {
        use super::{LazyLock, Once, OnceLock};

        pub(super) const ONCE: Once = Once::new();
        pub(super) const ONCE_LOCK: OnceLock<u8> = OnceLock::new();
        pub(super) const LAZY_LOCK: LazyLock<u8> = LazyLock::new(|| 1);
    }

    fn lock<T: Send + Sync + UnwindSafe + RefUnwindSafe + Debug>() {}

    fn once() {
        lock::<Once>();
        let _ = made_at_compile_time::ONCE;
        let _: fn(&Once, fn()) = Once::call_once;
        let _: fn(&Once, fn(&OnceState)) = Once::call_once_force;
        let _: fn(&Once) -> bool = Once::is_completed;
        let _: fn(&Once) = Once::wait;
        let _: fn(&Once) = Once::wait_force;
        let _: fn(&OnceState) -> bool = OnceState::is_poisoned;
        fn state<T: Debug>() {}
        state::<OnceState>();
    }

    fn once_lock<'a>() {
        type Lock = OnceLock<String>;
        fn value<T: Clone + Default + Eq + From<String>>() {}
        lock::<Lock>();
        value::<Lock>();
        let _ = made_at_compile_time::ONCE_LOCK;
        let _: fn(&'a Lock) -> Option<&'a String> = Lock::get;
        let _: fn(&'a mut Lock) -> Option<&'a mut String> = Lock::get_mut;
        let _: fn(&'a Lock) -> &'a String = Lock::wait;
        let _: fn(&Lock, String) -> Result<(), String> = Lock::set;
        let _: fn(&'a Lock, fn() -> String) -> &'a String = Lock::get_or_init;
        let _: fn(Lock) -> Option<String> = Lock::into_inner;
        let _: fn(&mut Lock) -> Option<String> = Lock::take;
    }

    fn lazy_lock<'a>() {
        type Lock = LazyLock<String>;
        fn value<T: Default + Deref<Target = String> + DerefMut>() {}
        lock::<Lock>();
        value::<Lock>();
        let _ = made_at_compile_time::LAZY_LOCK;
        let _: fn(&'a Lock) -> &'a String = Lock::force;
        let _: fn(&'a mut Lock) -> &'a mut String = Lock::force_mut;
        let _: fn(&'a Lock) -> Option<&'a String> = Lock::get;
        let _: fn(&'a mut Lock) -> Option<&'a mut String> = Lock::get_mut;
    }

    #[test]
    fn all_there() {
        once();
        once_lock();
        lazy_lock();
    }
}
