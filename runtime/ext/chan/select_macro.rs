//! `select!` and `select_biased!`: a small parser, and the code that a select expands to.
//!
//! Stages, each walking the list: `@split` makes each case `op(args) -> pattern => { body },`;
//! `@sort` checks the arguments and separates the default; `@emit` has short forms for a single
//! receive; `@add` evaluates the channels in order, with a slot for each receive; `@run` selects,
//! and completes the case that won. The message of a send is evaluated only then.
#![forbid(unsafe_code)]

/// The stages of `select!`. Not for use by hand.
#[doc(hidden)]
#[macro_export]
macro_rules! __gosched_select {
    // @split: find where each case ends.
    (@split $biased:tt () ($($done:tt)+)) => {
        $crate::__gosched_select!(@sort $biased ($($done)+) () ())
    };
    (@split $biased:tt (default => $($rest:tt)*) $done:tt) => {
        $crate::__gosched_select!(@split $biased (default() => $($rest)*) $done)
    };
    (@split $biased:tt
        ($op:ident($($args:tt)*) $(-> $pat:pat)? => { $($body:tt)* }, $($rest:tt)*)
        ($($done:tt)*)
    ) => {
        $crate::__gosched_select!(@split $biased ($($rest)*)
            ($($done)* $op($($args)*) $(-> $pat)? => { $($body)* },))
    };
    (@split $biased:tt
        ($op:ident($($args:tt)*) $(-> $pat:pat)? => $body:expr, $($rest:tt)*)
        ($($done:tt)*)
    ) => {
        $crate::__gosched_select!(@split $biased ($($rest)*)
            ($($done)* $op($($args)*) $(-> $pat)? => { $body },))
    };
    (@split $biased:tt
        ($op:ident($($args:tt)*) $(-> $pat:pat)? => { $($body:tt)* } $($rest:tt)*)
        ($($done:tt)*)
    ) => {
        $crate::__gosched_select!(@split $biased ($($rest)*)
            ($($done)* $op($($args)*) $(-> $pat)? => { $($body)* },))
    };
    (@split $biased:tt
        ($op:ident($($args:tt)*) $(-> $pat:pat)? => $body:expr)
        ($($done:tt)*)
    ) => {
        $crate::__gosched_select!(@split $biased ()
            ($($done)* $op($($args)*) $(-> $pat)? => { $body },))
    };
    (@split $biased:tt ($($bad:tt)*) $done:tt) => {
        $crate::__gosched_select!(@complain $($bad)*)
    };

    // @sort: operations to the left, the default to the right.
    (@sort $biased:tt () $ops:tt $default:tt) => {
        $crate::__gosched_select!(@emit $biased $ops $default)
    };
    (@sort $biased:tt
        (recv($r:expr $(,)?) -> $pat:pat => $body:tt, $($rest:tt)*) ($($ops:tt)*) $default:tt
    ) => {
        $crate::__gosched_select!(@sort $biased ($($rest)*)
            ($($ops)* recv($r) -> $pat => $body,) $default)
    };
    (@sort $biased:tt
        (send($s:expr, $m:expr $(,)?) -> $pat:pat => $body:tt, $($rest:tt)*)
        ($($ops:tt)*) $default:tt
    ) => {
        $crate::__gosched_select!(@sort $biased ($($rest)*)
            ($($ops)* send($s, $m) -> $pat => $body,) $default)
    };
    (@sort $biased:tt
        (default($($timeout:expr $(,)?)?) => $body:tt, $($rest:tt)*) $ops:tt ()
    ) => {
        $crate::__gosched_select!(@sort $biased ($($rest)*) $ops (($($timeout)?) $body))
    };
    (@sort $biased:tt (default $args:tt => $($rest:tt)*) $ops:tt ($($default:tt)+)) => {
        compile_error!("a `select!` has one `default` case at most")
    };
    (@sort $biased:tt ($($bad:tt)*) $ops:tt $default:tt) => {
        $crate::__gosched_select!(@complain $($bad)*)
    };

    // @emit: a single receive needs no select.
    (@emit $biased:tt (recv($r:expr) -> $pat:pat => $body:tt,) ()) => {
        match $r {
            ref r => {
                let r: &$crate::channel::Receiver<_> = r;
                let res = r.recv();
                let $pat = res;
                $body
            }
        }
    };
    (@emit $biased:tt (recv($r:expr) -> $pat:pat => $body:tt,) (() $default:tt)) => {
        match $r {
            ref r => {
                let r: &$crate::channel::Receiver<_> = r;
                match r.try_recv() {
                    ::core::result::Result::Err($crate::channel::TryRecvError::Empty) => $default,
                    res => {
                        let res = res.map_err(|_| $crate::channel::RecvError);
                        let $pat = res;
                        $body
                    }
                }
            }
        }
    };
    (@emit $biased:tt
        (recv($r:expr) -> $pat:pat => $body:tt,) (($timeout:expr) $default:tt)
    ) => {
        match $r {
            ref r => {
                let r: &$crate::channel::Receiver<_> = r;
                match r.recv_timeout($timeout) {
                    ::core::result::Result::Err(
                        $crate::channel::RecvTimeoutError::Timeout
                    ) => $default,
                    res => {
                        let res = res.map_err(|_| $crate::channel::RecvError);
                        let $pat = res;
                        $body
                    }
                }
            }
        }
    };
    (@emit $biased:tt $ops:tt $default:tt) => {
        $crate::__gosched_select!(@add picked $biased $ops $default [0usize] ())
    };

    // @add: the channels, in source order; they live until the body has run.
    (@add $picked:ident $biased:tt () $default:tt [$n:expr] $parts:tt) => {
        $crate::__gosched_select!(@run $picked $biased $default $parts)
    };
    (@add $picked:ident $biased:tt
        (recv($r:expr) -> $pat:pat => $body:tt, $($rest:tt)*)
        $default:tt [$n:expr] ($($parts:tt)*)
    ) => {
        match $r {
            ref r => {
                let r: &$crate::channel::Receiver<_> = r;
                let slot = $crate::channel::internal::slot(r);
                $crate::__gosched_select!(@add $picked $biased ($($rest)*)
                    $default [$n + 1usize]
                    ($($parts)* {
                        ($crate::channel::internal::recv_case(r, &slot)) [$n]
                        ($picked.recv(&slot)) ($pat) $body
                    }))
            }
        }
    };
    (@add $picked:ident $biased:tt
        (send($s:expr, $m:expr) -> $pat:pat => $body:tt, $($rest:tt)*)
        $default:tt [$n:expr] ($($parts:tt)*)
    ) => {
        match $s {
            ref s => {
                let s: &$crate::channel::Sender<_> = s;
                $crate::__gosched_select!(@add $picked $biased ($($rest)*)
                    $default [$n + 1usize]
                    ($($parts)* {
                        ($crate::channel::internal::send_case(s)) [$n]
                        ($picked.send(s, $m)) ($pat) $body
                    }))
            }
        }
    };

    // @run: select, then complete. Every branch uses `picked` up before its body, so that a
    // body may move the channels.
    (@run $picked:ident $biased:tt ()
        ($({ ($case:expr) [$n:expr] ($done:expr) ($pat:pat) $body:tt })*)
    ) => {{
        let $picked = $crate::channel::internal::select(&[$($case),*], $biased);
        $(if $picked.is($n) {
            let res = $done;
            let $pat = res;
            $body
        } else)* {
            ::core::unreachable!("a select has picked none of its cases")
        }
    }};
    (@run $picked:ident $biased:tt (() $default:tt) $parts:tt) => {
        $crate::__gosched_select!(@run_default $picked
            ($crate::channel::internal::try_select) ($biased) $default $parts)
    };
    (@run $picked:ident $biased:tt (($timeout:expr) $default:tt) $parts:tt) => {
        $crate::__gosched_select!(@run_default $picked
            ($crate::channel::internal::select_timeout) ($timeout, $biased) $default $parts)
    };
    (@run_default $picked:ident ($run:expr) ($($arg:expr),*) $default:tt
        ($({ ($case:expr) [$n:expr] ($done:expr) ($pat:pat) $body:tt })*)
    ) => {{
        let $picked = $run(&[$($case),*], $($arg),*);
        if $picked.is_none() {
            ::core::mem::drop($picked);
            $default
        } else $(if $picked.is($n) {
            let res = $done;
            let $pat = res;
            $body
        } else)* {
            ::core::unreachable!("a select has picked none of its cases")
        }
    }};

    // @complain: what may be wrong with the case that comes first.
    (@complain) => {
        compile_error!("a `select!` without cases")
    };
    (@complain recv($($args:tt)*) => $($rest:tt)*) => {
        compile_error!("`recv(..)` needs `-> pattern` before `=>`")
    };
    (@complain send($($args:tt)*) => $($rest:tt)*) => {
        compile_error!("`send(.., ..)` needs `-> pattern` before `=>`")
    };
    (@complain default -> $($rest:tt)*) => {
        compile_error!("`default` takes no `-> pattern`")
    };
    (@complain default $args:tt -> $($rest:tt)*) => {
        compile_error!("`default` takes no `-> pattern`")
    };
    (@complain recv($($args:tt)*) -> $pat:pat => { $($body:tt)* }, $($rest:tt)*) => {
        compile_error!("`recv` takes one argument: the receiver")
    };
    (@complain send($($args:tt)*) -> $pat:pat => { $($body:tt)* }, $($rest:tt)*) => {
        compile_error!("`send` takes two arguments: the sender, and the message")
    };
    (@complain default($($args:tt)*) => $($rest:tt)*) => {
        compile_error!("`default` takes nothing, or a time-out")
    };
    (@complain recv $($rest:tt)*) => {
        compile_error!("expected `recv(receiver) -> pattern => body,`")
    };
    (@complain send $($rest:tt)*) => {
        compile_error!("expected `send(sender, message) -> pattern => body,`")
    };
    (@complain default $($rest:tt)*) => {
        compile_error!("expected `default => body,` or `default(timeout) => body,`")
    };
    (@complain $bad:tt $($rest:tt)*) => {
        compile_error!(concat!(
            "expected `recv`, `send` or `default`, found `", stringify!($bad), "`"
        ))
    };
}

/// Waits for one of several channel operations, and goes through with it.
///
/// Cases are `recv(receiver) -> pattern => body` and `send(sender, message) -> pattern =>
/// body`; the pattern is bound to the operation's `Result`. With `default => body` it does not
/// wait, with `default(timeout) => body` it does not wait longer than that. A body in braces
/// needs no comma after it.
///
/// An operation is ready when it would not block, also when that is because the channel is
/// disconnected. Among several ready ones each is as likely. Channels are evaluated once, in
/// order; a message only when its case was selected; `select!` is an expression.
///
/// ```
/// use gosched::channel::{select, unbounded};
/// use std::time::Duration;
///
/// let (s1, r1) = unbounded();
/// let (s2, r2) = unbounded();
/// s1.send(10).unwrap();
///
/// let got = select! {
///     recv(r1) -> msg => msg.unwrap(),
///     send(s2, 20) -> res => {
///         res.unwrap();
///         r2.recv().unwrap()
///     }
/// };
/// assert!(got == 10 || got == 20);
///
/// select! {
///     recv(r2) -> _ => unreachable!("nothing was sent, or it was taken"),
///     default(Duration::from_millis(1)) => println!("timed out"),
/// }
/// ```
///
/// Go: `select`. There, the messages of all cases are evaluated before the choice.
#[doc(hidden)]
#[macro_export]
macro_rules! __gosched_select_random {
    ($($cases:tt)*) => {
        $crate::__gosched_select!(@split false ($($cases)*) ())
    };
}

/// As [`select!`](crate::channel::select), but of several ready operations it picks the one
/// that comes first.
///
/// ```
/// use gosched::channel::{select_biased, unbounded};
///
/// let (s1, r1) = unbounded();
/// let (s2, r2) = unbounded();
/// s1.send("first").unwrap();
/// s2.send("second").unwrap();
/// select_biased! {
///     recv(r1) -> msg => assert_eq!(msg, Ok("first")),
///     recv(r2) -> _ => unreachable!(),
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __gosched_select_biased {
    ($($cases:tt)*) => {
        $crate::__gosched_select!(@split true ($($cases)*) ())
    };
}

pub use {__gosched_select_biased as select_biased, __gosched_select_random as select};
