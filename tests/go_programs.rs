//! Whole programs among Go's own tests, written anew: power series over channels, selects in
//! every phrasing, stacks that stay where they are while their goroutines wait.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use gosched::channel::{Receiver, Sender, bounded, never, select, select_biased};
use gosched::thread::{spawn, yield_now};
use support::check;

/// Go: test/chan/powser1.go. A power series is a goroutine that gives a coefficient for each
/// request, so nobody computes what nobody wants.
mod series {
    use super::{Receiver, Sender, bounded};
    use gosched::go;
    use gosched::sync::Mutex;
    use std::sync::Arc;

    /// A rational number in lowest terms.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Rat(pub(crate) i64, pub(crate) i64);

    pub(crate) const ONE: Rat = Rat(1, 1);

    impl Rat {
        fn new(num: i64, den: i64) -> Rat {
            fn gcd(a: i64, b: i64) -> i64 {
                if b == 0 { a } else { gcd(b, a % b) }
            }
            let by = gcd(num.abs(), den.abs()).max(1) * den.signum();
            Rat(num / by, den / by)
        }

        fn plus(self, b: Rat) -> Rat {
            Rat::new(self.0 * b.1 + b.0 * self.1, self.1 * b.1)
        }

        pub(crate) fn times(self, b: Rat) -> Rat {
            Rat::new(self.0 * b.0, self.1 * b.1)
        }
    }

    /// Ask, then take.
    pub(crate) struct Series {
        ask: Sender<()>,
        take: Receiver<Rat>,
    }

    impl Series {
        /// The next coefficient.
        pub(crate) fn get(&self) -> Rat {
            self.ask.send(()).unwrap();
            self.take.recv().unwrap()
        }
    }

    /// Starts a goroutine that gives what `next` says, until nobody asks any more.
    pub(crate) fn generate(mut next: impl FnMut() -> Rat + Send + 'static) -> Series {
        let ((ask, asked), (give, take)) = (bounded(0), bounded(0));
        go(move || {
            while asked.recv().is_ok() {
                if give.send(next()).is_err() {
                    return;
                }
            }
        });
        Series { ask, take }
    }

    /// 1 + x + x^2 + ...
    pub(crate) fn ones() -> Series {
        generate(|| ONE)
    }

    pub(crate) fn add(f: Series, g: Series) -> Series {
        generate(move || f.get().plus(g.get()))
    }

    pub(crate) fn scale(c: Rat, f: Series) -> Series {
        generate(move || c.times(f.get()))
    }

    /// x f
    pub(crate) fn shift(f: Series) -> Series {
        let mut first = true;
        generate(move || {
            if std::mem::take(&mut first) {
                Rat(0, 1)
            } else {
                f.get()
            }
        })
    }

    pub(crate) fn derive(f: Series) -> Series {
        let mut power = 0;
        generate(move || {
            if power == 0 {
                f.get();
            }
            power += 1;
            Rat(power, 1).times(f.get())
        })
    }

    pub(crate) fn integrate(constant: Rat, f: Series) -> Series {
        let mut power = 0;
        generate(move || {
            power += 1;
            match power - 1 {
                0 => constant,
                n => f.get().times(Rat::new(1, n)),
            }
        })
    }

    /// Two copies. Whoever is behind gets what the other one has asked for.
    pub(crate) fn split(f: Series) -> (Series, Series) {
        let shared = Arc::new(Mutex::new((f, Vec::new())));
        let copy = || {
            let (shared, mut power) = (Arc::clone(&shared), 0);
            generate(move || {
                let mut shared = shared.lock().unwrap();
                if shared.1.len() == power {
                    let fresh = shared.0.get();
                    shared.1.push(fresh);
                }
                power += 1;
                shared.1[power - 1]
            })
        };
        (copy(), copy())
    }

    /// f g = f0 g0 + x (f0 g' + g0 f' + x f' g')
    pub(crate) fn multiply(f: Series, g: Series) -> Series {
        let mut rest = None;
        let mut parts = Some((f, g));
        generate(move || {
            if let Some((f, g)) = parts.take() {
                let (f0, g0) = (f.get(), g.get());
                let ((f1, f2), (g1, g2)) = (split(f), split(g));
                let cross = add(scale(f0, g1), scale(g0, f1));
                rest = Some(add(cross, shift(multiply(f2, g2))));
                return f0.times(g0);
            }
            rest.as_ref().unwrap().get()
        })
    }

    /// f(g), for g0 = 0: f0 + g (f'(g))
    pub(crate) fn compose(f: Series, g: Series) -> Series {
        let mut rest = None;
        let mut parts = Some((f, g));
        generate(move || {
            if let Some((f, g)) = parts.take() {
                let f0 = f.get();
                let (g1, g2) = split(g);
                g1.get();
                rest = Some(multiply(g1, compose(f, g2)));
                return f0;
            }
            rest.as_ref().unwrap().get()
        })
    }
}

#[test]
fn power_series() {
    use series::{
        Rat, add, compose, derive, generate, integrate, multiply, ones, scale, shift, split,
    };
    check(|| {
        let first =
            |f: series::Series, n: usize| -> Vec<Rat> { (0..n).map(|_| f.get()).collect() };
        let whole =
            |numbers: &[i64]| -> Vec<Rat> { numbers.iter().map(|&n| Rat(n, 1)).collect() };
        assert_eq!(first(add(ones(), ones()), 10), vec![Rat(2, 1); 10]);
        assert_eq!(first(scale(Rat(3, 2), ones()), 3), vec![Rat(3, 2); 3]);
        assert_eq!(first(shift(ones()), 4), whole(&[0, 1, 1, 1]));
        assert_eq!(first(derive(ones()), 6), whole(&[1, 2, 3, 4, 5, 6]));
        let log = integrate(Rat(0, 1), ones());
        assert_eq!(first(log, 4), [Rat(0, 1), Rat(1, 1), Rat(1, 2), Rat(1, 3)]);
        assert_eq!(
            first(multiply(ones(), ones()), 8),
            whole(&[1, 2, 3, 4, 5, 6, 7, 8])
        );
        let (f, g) = split(derive(ones()));
        let eight = first(multiply(f, g), 8);
        assert_eq!(eight, whole(&[1, 4, 10, 20, 35, 56, 84, 120]));
        let mut n = 0;
        let exp = generate(move || {
            n += 1;
            Rat(1, (1..n).product())
        });
        let log = integrate(Rat(0, 1), ones()); // of 1 / (1 - x)
        assert_eq!(first(compose(exp, log), 7), whole(&[1; 7]));
        let powers = first(compose(ones(), shift(ones())), 7);
        assert_eq!(powers, whole(&[1, 1, 2, 4, 8, 16, 32]));
    });
}

thread_local! {
    /// What was evaluated, in order: a select's operands are, before it waits.
    static TRAIL: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Go: test/chan/select5.go. One case is ready, in each place and phrasing of a select.
#[test]
fn selects_in_every_phrasing() {
    fn note<T>(what: char, value: T) -> T {
        TRAIL.with_borrow_mut(|trail| trail.push(what));
        value
    }
    let ((s, r), (full, _r)) = (bounded::<i32>(2), bounded::<i32>(0));
    let none = never::<i32>();
    let mut programs = 0;
    macro_rules! phrase {
        ($select:ident, $expected:literal, $($cases:tt)*) => {{
            s.send(7).unwrap();
            TRAIL.take();
            let got = $select! { $($cases)* };
            assert_eq!((got, &*TRAIL.take()), (7, $expected), "{}", stringify!($($cases)*));
            programs += 1;
            // A send case has put its 7 behind the one that was there.
            while r.try_recv().is_ok() {}
        }};
    }
    macro_rules! phrasings {
        ($select:ident) => {
            phrase!($select, "a", recv(note('a', &r)) -> m => m.unwrap());
            phrase!($select, "a", recv(note('a', &r)) -> m => m.unwrap(), default => 0);
            phrase!($select, "am", send(note('a', &s), note('m', 1)) -> m => m.map_or(0, |()| 7));
            phrase!($select, "ab", recv(note('a', &r)) -> m => m.unwrap(),
                recv(note('b', &none)) -> _ => 0);
            phrase!($select, "ab", recv(note('a', &none)) -> _ => 0,
                recv(note('b', &r)) -> m => { m.unwrap() });
            phrase!($select, "ab", recv(note('a', &r)) -> m => m.unwrap(),
                send(note('b', &full), note('x', 1)) -> _ => 0);
            phrase!($select, "ab", send(note('a', &full), note('x', 1)) -> _ => 0,
                recv(note('b', &r)) -> m => m.unwrap_or(0));
            phrase!($select, "abm", recv(note('a', &none)) -> _ => 0,
                send(note('b', &s), note('m', 1)) -> m => m.map_or(0, |()| 7));
            phrase!($select, "abm", send(note('a', &full), note('x', 1)) -> _ => 0,
                send(note('b', &s), note('m', 1)) -> m => { m.map_or(0, |()| 7) } default => 0);
            phrase!($select, "abc", recv(note('a', &none)) -> _ => 0,
                recv(note('b', &r)) -> m => m.unwrap(),
                send(note('c', &full), note('x', 1)) -> _ => 0);
            phrase!($select, "abcm", recv(note('a', &none)) -> _ => 0,
                send(note('b', &full), note('x', 1)) -> _ => 0,
                send(note('c', &s), note('m', 1)) -> m => m.map_or(0, |()| 7),
                default => 0);
            phrase!($select, "abcd", recv(note('a', &none)) -> _ => 0,
                recv(note('b', &none)) -> _ => 0, recv(note('c', &none)) -> _ => 0,
                recv(note('d', &r)) -> m => m.unwrap());
        };
    }
    phrasings!(select);
    phrasings!(select_biased);
    assert_eq!(programs, 24);
}

/// Go: TestShrinkStackDuringBlockedSend, TestNoShrinkStackWhileParking, TestSelectStackAdjust.
/// Here stacks never move; what may go is the memory below a parked goroutine's frames.
#[test]
fn stacks_are_trimmed_under_those_who_wait() {
    /// Touches much more stack than the caller needs afterwards.
    fn deep(n: usize) -> u8 {
        let frame = std::hint::black_box([n as u8; 4096]);
        if n == 0 {
            frame[7]
        } else {
            deep(n - 1) ^ frame[8]
        }
    }
    check(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let trimming = {
            let stop = Arc::clone(&stop);
            spawn(move || {
                while !stop.load(Relaxed) {
                    gosched::trim();
                    yield_now();
                }
            })
        };
        let ((s, r), (left, a), (right, b)) = (bounded(0), bounded(0), bounded(0));
        let sender = spawn(move || {
            for i in 0..100_u64 {
                deep(20);
                let local = [i; 16];
                s.send(local).unwrap();
                assert_eq!(local, [i; 16]);
            }
        });
        let selects = spawn(move || {
            let mut sums = [0_u64; 2];
            for _ in 0..200 {
                deep(20);
                let mut local = [0_u64; 2];
                select! {
                    recv(a) -> n => local[0] = n.unwrap(),
                    recv(b) -> n => local[1] = n.unwrap(),
                }
                sums[0] += local[0];
                sums[1] += local[1];
            }
            sums
        });
        for i in 0..100 {
            assert_eq!(r.recv(), Ok([i; 16]));
            left.send(i).unwrap();
            yield_now();
            right.send(2 * i).unwrap();
        }
        sender.join().unwrap();
        assert_eq!(selects.join().unwrap(), [4950, 9900]);
        stop.store(true, Relaxed);
        trimming.join().unwrap();
    });
}
