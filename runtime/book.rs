//! The book's code, compiled and run: every Rust block of these pages is a doctest
//! (`cargo test --doc`). Only doctests see this file.
#![forbid(unsafe_code)]

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(#[doc = include_str!($path)] mod $name {})*
    };
}

pages! {
    front_page: "../README.md",
    goroutines: "../docs/goroutines.md",
    tour: "../docs/tour.md",
    gmp: "../docs/gmp.md",
    queues: "../docs/queues.md",
    parking: "../docs/parking.md",
    stacks: "../docs/stacks.md",
    channels: "../docs/channels.md",
    select: "../docs/select.md",
    timers: "../docs/timers.md",
    net: "../docs/net.md",
    signals: "../docs/signals.md",
    fairness: "../docs/fairness.md",
    thread_locals: "../docs/thread-locals.md",
    deadlock: "../docs/deadlock.md",
    metrics: "../docs/metrics.md",
    limits: "../docs/limits.md",
    go_map: "../docs/go-map.md",
    exercises: "../docs/exercises.md",
}
