// Included by `same_api.rs`: `sync` is std's or ours.

mod locks {
    use std::fmt::{Debug, Display};
    use std::ops::{Deref, DerefMut};
    use std::panic::{RefUnwindSafe, UnwindSafe};
    use std::time::Duration;

    use super::sync::{
        Arc, Barrier, BarrierWaitResult, Condvar, LockResult, Mutex, MutexGuard, PoisonError,
        RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult,
        WaitTimeoutResult, Weak,
    };

    #[allow(clippy::declare_interior_mutable_const, reason = "that it is const is the question")]
    mod made_at_compile_time {
        use super::{Condvar, Mutex, RwLock};

        pub(super) const MUTEX: Mutex<u8> = Mutex::new(1);
        pub(super) const RWLOCK: RwLock<u8> = RwLock::new(1);
        pub(super) const CONDVAR: Condvar = Condvar::new();
        pub(super) const BARRIER: super::Barrier = super::Barrier::new(1);
    }

    fn lock<T: ?Sized + Send + Sync + UnwindSafe + RefUnwindSafe + Debug>() {}
    fn guard<G: Deref<Target = T> + Sync + Debug + Display, T: ?Sized>() {}

    fn mutex<'a>() {
        lock::<Mutex<str>>();
        guard::<MutexGuard<'_, str>, str>();
        let _: fn() -> Mutex<u8> = Default::default;
        let _: fn(u8) -> Mutex<u8> = From::from;
        let _: fn(&'a Mutex<str>) -> LockResult<MutexGuard<'a, str>> = Mutex::lock;
        let _: fn(&'a Mutex<str>) -> TryLockResult<MutexGuard<'a, str>> = Mutex::try_lock;
        let _: fn(&'a Mutex<str>) -> bool = Mutex::is_poisoned;
        let _: fn(&'a Mutex<str>) = Mutex::clear_poison;
        let _: fn(Mutex<String>) -> LockResult<String> = Mutex::into_inner;
        let _: fn(&'a mut Mutex<str>) -> LockResult<&'a mut str> = Mutex::get_mut;
        let _: for<'b> fn(&'b mut MutexGuard<'a, str>) -> &'b mut str = DerefMut::deref_mut;
        let _: &Mutex<dyn Debug> = &made_at_compile_time::MUTEX;
    }

    fn rwlock<'a>() {
        type Read<'a> = RwLockReadGuard<'a, str>;
        type Write<'a> = RwLockWriteGuard<'a, str>;
        lock::<RwLock<str>>();
        guard::<Read<'_>, str>();
        guard::<Write<'_>, str>();
        let _: fn() -> RwLock<u8> = Default::default;
        let _: fn(u8) -> RwLock<u8> = From::from;
        let _: fn(&'a RwLock<str>) -> LockResult<Read<'a>> = RwLock::read;
        let _: fn(&'a RwLock<str>) -> TryLockResult<Read<'a>> = RwLock::try_read;
        let _: fn(&'a RwLock<str>) -> LockResult<Write<'a>> = RwLock::write;
        let _: fn(&'a RwLock<str>) -> TryLockResult<Write<'a>> = RwLock::try_write;
        let _: fn(&'a RwLock<str>) -> bool = RwLock::is_poisoned;
        let _: fn(&'a RwLock<str>) = RwLock::clear_poison;
        let _: fn(RwLock<String>) -> LockResult<String> = RwLock::into_inner;
        let _: fn(&'a mut RwLock<str>) -> LockResult<&'a mut str> = RwLock::get_mut;
        let _: for<'b> fn(&'b mut Write<'a>) -> &'b mut str = DerefMut::deref_mut;
        let _: fn(Write<'a>) -> Read<'a> = RwLockWriteGuard::downgrade;
        let _: &RwLock<dyn Debug> = &made_at_compile_time::RWLOCK;
    }

    fn condvar<'a>() {
        type Guard<'a> = MutexGuard<'a, u8>;
        type Timed<'a> = LockResult<(Guard<'a>, WaitTimeoutResult)>;
        lock::<Condvar>();
        let _: fn() -> Condvar = Default::default;
        let _: fn(&Condvar, Guard<'a>) -> LockResult<Guard<'a>> = Condvar::wait;
        let _: fn(&Condvar, Guard<'a>, fn(&mut u8) -> bool) -> LockResult<Guard<'a>> =
            Condvar::wait_while;
        let _: fn(&Condvar, Guard<'a>, Duration) -> Timed<'a> = Condvar::wait_timeout;
        let _: fn(&Condvar, Guard<'a>, Duration, fn(&mut u8) -> bool) -> Timed<'a> =
            Condvar::wait_timeout_while;
        let _: fn(&Condvar) = Condvar::notify_one;
        let _: fn(&Condvar) = Condvar::notify_all;
        let _: fn(&WaitTimeoutResult) -> bool = WaitTimeoutResult::timed_out;
        let _ = made_at_compile_time::CONDVAR;
        fn result<T: Copy + Eq + Debug>() {}
        result::<WaitTimeoutResult>();
    }

    fn the_rest() {
        lock::<Barrier>();
        let _ = made_at_compile_time::BARRIER;
        let _: fn(&Barrier) -> BarrierWaitResult = Barrier::wait;
        let _: fn(&BarrierWaitResult) -> bool = BarrierWaitResult::is_leader;
        let _: fn(&BarrierWaitResult, &mut std::fmt::Formatter<'_>) -> std::fmt::Result =
            Debug::fmt;
        let _: fn(u8) -> PoisonError<u8> = PoisonError::new;
        let _: fn(u8) -> TryLockError<u8> = |n| TryLockError::Poisoned(PoisonError::new(n));
        let _: TryLockError<u8> = TryLockError::WouldBlock;
        let _: fn(&Arc<u8>) -> Weak<u8> = Arc::downgrade;
    }

    #[test]
    fn all_there() {
        mutex();
        rwlock();
        condvar();
        the_rest();
    }
}
