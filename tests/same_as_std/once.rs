// Once, OnceLock, LazyLock: included behind locks.rs.

#[test]
fn once_runs_one_of_many() {
    run(|| {
        let (once, runs) = (Arc::new(Once::new()), Arc::new(AtomicUsize::new(0)));
        assert!(!once.is_completed());
        let handles: Vec<_> = (0..10)
            .map(|_| {
                let (once, runs) = (once.clone(), runs.clone());
                thread::spawn(move || {
                    (0..4).for_each(|_| thread::yield_now());
                    once.call_once(|| {
                        (0..4).for_each(|_| thread::yield_now());
                        runs.fetch_add(1, Relaxed);
                    });
                    assert_eq!(runs.load(Relaxed), 1);
                })
            })
            .collect();
        once.wait();
        assert!(once.is_completed());
        handles.into_iter().for_each(|h| h.join().unwrap());
        assert_eq!(format!("{once:?}"), "Once { .. }");
    });
}

#[test]
fn a_poisoned_once_can_be_forced() {
    run(|| {
        let once = Once::new();
        panics(|| once.call_once(|| panic!("on purpose")));
        let words = "Once instance has previously been poisoned";
        assert_eq!(panics(|| once.call_once(|| ())), words);
        assert_eq!(panics(|| once.wait()), words);
        panics(|| {
            once.call_once_force(|state| {
                assert!(state.is_poisoned());
                panic!("again");
            });
        });
        assert!(!once.is_completed());
        let mut ran = false;
        once.call_once_force(|state| {
            assert_eq!(format!("{state:?}"), "OnceState { poisoned: true }");
            ran = true;
        });
        assert!(ran && once.is_completed());
        once.call_once(|| unreachable!());
        once.call_once_force(|_| unreachable!());
        once.wait();
        once.wait_force();
    });
}

#[test]
fn those_who_wait_for_a_run_that_panics_hear_of_it() {
    run(|| {
        let (once, inside) = (Arc::new(Once::new()), Arc::new(AtomicUsize::new(0)));
        let first = {
            let (once, inside) = (once.clone(), inside.clone());
            thread::spawn(move || {
                once.call_once(|| {
                    until(|| inside.load(Relaxed) == 3);
                    (0..20).for_each(|_| thread::yield_now());
                    panic!("on purpose");
                });
            })
        };
        let others: Vec<_> = (0..3)
            .map(|i| {
                let (once, inside) = (once.clone(), inside.clone());
                thread::spawn(move || {
                    until(|| inside.fetch_add(0, Relaxed) == i);
                    inside.fetch_add(1, Relaxed);
                    match i {
                        1 => once.call_once_force(|_| ()),
                        _ => once.wait_force(),
                    }
                })
            })
            .collect();
        // The second one may have come first, and run instead of it.
        let _ = first.join();
        others.into_iter().for_each(|h| h.join().unwrap());
        assert!(once.is_completed());
    });
}

#[test]
fn a_once_lock_is_written_once() {
    run(|| {
        let place = OnceLock::new();
        assert_eq!((place.get(), format!("{place:?}")), (None, "OnceLock(<uninit>)".into()));
        assert_eq!(place.set(1), Ok(()));
        assert_eq!(place.set(2), Err(2));
        assert_eq!(*place.get_or_init(|| unreachable!()), 1);
        assert_eq!(place.wait(), &1);
        assert_eq!(format!("{place:?}"), "OnceLock(1)");
        assert!(place.clone() == place && OnceLock::from(2) != place);
        assert!(OnceLock::<u8>::new().clone() == OnceLock::default());
        let mut place = place;
        *place.get_mut().unwrap() += 1;
        assert_eq!((place.take(), place.take(), place.get()), (Some(2), None, None));
        assert_eq!(place.set(3), Ok(()));
        assert_eq!(place.into_inner(), Some(3));
        assert_eq!(OnceLock::<u8>::new().into_inner(), None);
    });
}

#[test]
fn a_once_lock_is_written_by_one_of_many() {
    run(|| {
        let (place, made) = (Arc::new(OnceLock::new()), Arc::new(AtomicUsize::new(0)));
        let handles: Vec<_> = (0..8)
            .map(|i| {
                let (place, made) = (place.clone(), made.clone());
                thread::spawn(move || {
                    *place.get_or_init(|| {
                        thread::yield_now();
                        made.fetch_add(1, Relaxed);
                        i
                    })
                })
            })
            .collect();
        let value = *place.wait();
        assert!(handles.into_iter().all(|h| h.join().unwrap() == value));
        assert_eq!(made.load(Relaxed), 1);
    });
}

#[test]
fn a_once_lock_survives_a_panic_and_drops_once() {
    run(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let place = OnceLock::new();
        panics(|| {
            let _ = place.get_or_init(|| panic!("on purpose"));
        });
        assert!(place.get().is_none());
        place.get_or_init(|| Counted(drops.clone()));
        assert!(place.set(Counted(drops.clone())).is_err());
        assert_eq!(drops.load(Relaxed), 1, "the one that came too late");
        drop(place);
        drop(OnceLock::<Counted>::new());
        assert_eq!(drops.load(Relaxed), 2);
    });
}

/// A place may hold a reference that dies before it.
#[test]
fn a_once_lock_does_not_look_at_what_it_drops() {
    let place = OnceLock::new();
    {
        let short = String::from("short-lived");
        place.set(&short).unwrap();
    }
}

#[test]
fn a_lazy_value_is_made_once_at_first_use() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static LAZY: LazyLock<Vec<u8>> = LazyLock::new(|| {
        thread::yield_now();
        MADE.fetch_add(1, Relaxed);
        vec![1, 2, 3]
    });
    assert_eq!(MADE.load(Relaxed), 0);
    run(|| {
        let handles: Vec<_> = (0..8).map(|_| thread::spawn(|| LAZY.len())).collect();
        assert!(handles.into_iter().all(|h| h.join().unwrap() == 3));
        assert_eq!(MADE.load(Relaxed), 1);
    });
}

#[test]
fn a_lazy_value_in_hand() {
    run(|| {
        let word = String::from("made");
        let mut lazy = LazyLock::new(move || word);
        assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
        assert_eq!(LazyLock::get(&lazy), None);
        assert_eq!(LazyLock::get_mut(&mut lazy), None);
        assert_eq!(LazyLock::force(&lazy), "made");
        lazy.push('!');
        LazyLock::force_mut(&mut lazy).push('!');
        LazyLock::get_mut(&mut lazy).unwrap().push('!');
        assert_eq!(LazyLock::get(&lazy).unwrap(), "made!!!");
        assert_eq!(format!("{lazy:?}"), r#"LazyLock("made!!!")"#);
        assert_eq!(*LazyLock::<u8>::default(), 0);
    });
}

#[test]
fn a_lazy_value_whose_making_panics_is_lost() {
    run(|| {
        let runs = AtomicUsize::new(0);
        let lazy: LazyLock<u8, _> = LazyLock::new(|| {
            runs.fetch_add(1, Relaxed);
            panic!("on purpose")
        });
        panics(|| {
            let _ = *lazy;
        });
        let words = "LazyLock instance has previously been poisoned";
        let again = panics(|| {
            let _ = *lazy;
        });
        assert_eq!(again, words);
        assert_eq!(runs.load(Relaxed), 1);
        assert_eq!(LazyLock::get(&lazy), None);
    });
}
