// Included by `same_api.rs`: `thread` is std's or ours, `local!` is `thread_local!` or
// `goroutine_local!`.

mod threads {
    use std::any::Any;
    use std::cell::{Cell, RefCell};
    use std::error::Error;
    use std::fmt::{Debug, Display};
    use std::hash::Hash;
    use std::io;
    use std::num::NonZeroUsize;
    use std::panic::{RefUnwindSafe, UnwindSafe};
    use std::time::Duration;

    use super::thread::{
        AccessError, Builder, JoinHandle, LocalKey, Result, Scope, ScopedJoinHandle, Thread,
        ThreadId, available_parallelism, current, panicking, park, park_timeout, scope, sleep,
        spawn, yield_now,
    };

    type Ended<T> = std::result::Result<T, Box<dyn Any + Send + 'static>>;

    super::local! {
        static CELL: Cell<u8> = const { Cell::new(1) };
        pub(crate) static REF_CELL: RefCell<Vec<u8>> = RefCell::new(vec![0]);
    }

    fn functions() {
        let _: fn(fn() -> u8) -> JoinHandle<u8> = spawn;
        let _: fn() -> Thread = current;
        let _: fn() -> bool = panicking;
        let _: fn() -> io::Result<NonZeroUsize> = available_parallelism;
        let _: [fn(); 2] = [park, yield_now];
        let _: [fn(Duration); 2] = [park_timeout, sleep];
        let _: fn(Result<u8>) -> Ended<u8> = |same| same;
    }

    fn builder<'scope, 'env: 'scope>() {
        let _: fn() -> Builder = Builder::new;
        let _: fn(Builder, String) -> Builder = Builder::name;
        let _: fn(Builder, usize) -> Builder = Builder::stack_size;
        let _: fn(Builder, fn() -> u8) -> io::Result<JoinHandle<u8>> = Builder::spawn;
        let _: unsafe fn(Builder, fn() -> u8) -> io::Result<JoinHandle<u8>> =
            Builder::spawn_unchecked;
        let _: fn(
            Builder,
            &'scope Scope<'scope, 'env>,
            fn() -> u8,
        ) -> io::Result<ScopedJoinHandle<'scope, u8>> = Builder::spawn_scoped;
        fn plain<T: Debug>() {}
        plain::<Builder>();
    }

    fn handles<'scope, 'env: 'scope>() {
        let _: fn(JoinHandle<u8>) -> Result<u8> = JoinHandle::join;
        let _: fn(&JoinHandle<u8>) -> bool = JoinHandle::is_finished;
        let _: fn(&JoinHandle<u8>) -> &Thread = JoinHandle::thread;
        let _: fn(ScopedJoinHandle<'scope, u8>) -> Result<u8> = ScopedJoinHandle::join;
        let _: fn(&ScopedJoinHandle<'scope, u8>) -> bool = ScopedJoinHandle::is_finished;
        let _: for<'a> fn(&'a ScopedJoinHandle<'scope, u8>) -> &'a Thread =
            ScopedJoinHandle::thread;
        let _: fn(&'scope Scope<'scope, 'env>, fn() -> u8) -> ScopedJoinHandle<'scope, u8> =
            Scope::spawn;
        let _: fn(fn(&Scope<'_, 'env>) -> u8) -> u8 = scope;
        let _: fn(&Thread) -> ThreadId = Thread::id;
        let _: fn(&Thread) -> Option<&str> = Thread::name;
        let _: fn(&Thread) = Thread::unpark;
        fn handle<T: UnwindSafe + RefUnwindSafe>() {}
        handle::<Thread>();
        fn shared<T: Debug + Send + Sync>() {}
        shared::<Thread>();
        shared::<JoinHandle<Cell<u8>>>();
        shared::<ScopedJoinHandle<'_, Cell<u8>>>();
        shared::<Scope<'_, '_>>();
        fn cloned<T: Clone>() {}
        cloned::<Thread>();
        fn id<T: Copy + Eq + Hash + Debug + Send + Sync>() {}
        id::<ThreadId>();
    }

    fn locals() {
        let _: fn(&'static LocalKey<Cell<u8>>, fn(&Cell<u8>) -> u8) -> u8 = LocalKey::with;
        let _: fn(
            &'static LocalKey<Cell<u8>>,
            fn(&Cell<u8>) -> u8,
        ) -> std::result::Result<u8, AccessError> = LocalKey::try_with;
        CELL.set(CELL.get() + CELL.take() + CELL.replace(1));
        REF_CELL.set(vec![1]);
        REF_CELL.with_borrow_mut(|v| v.push(2));
        REF_CELL.with_borrow(|v| assert_eq!(*v, [1, 2]));
        assert_eq!(REF_CELL.replace(vec![3]), [1, 2]);
        assert_eq!(REF_CELL.take(), [3]);
        fn error<T: Error + Copy + Eq + Debug + Display>() {}
        error::<AccessError>();
        fn key<T: Debug + Send + Sync>() {}
        key::<LocalKey<Cell<u8>>>();
    }

    #[test]
    fn all_there() {
        functions();
        builder();
        handles();
        locals();
    }
}
