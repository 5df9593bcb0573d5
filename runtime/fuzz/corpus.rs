//! The kept inputs of each target, and fresh random ones, without a fuzzer.
//!
//! `GOSCHED_FUZZ=N` tries N fresh inputs for each target.
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::core::base::fastrand::Choice;

/// So many, if nobody wants more.
const FRESH: u64 = 300;

fn kept_and_fresh(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    if !folder.exists() {
        return println!("skipped: a package of the registry keeps no inputs");
    }
    let mut kept = 0;
    for entry in std::fs::read_dir(folder).expect("the kept inputs") {
        let path = entry.expect("a readable folder").path();
        eprintln!("{}", path.display()); // shown when the target fails
        target(&std::fs::read(path).expect("a readable file"));
        kept += 1;
    }
    assert!(kept > 0, "no input is kept for {name}");
    let wanted = std::env::var("GOSCHED_FUZZ").map(|n| n.parse().expect("a number"));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let first = now.as_nanos() as u64;
    for seed in first..first + wanted.unwrap_or(FRESH) {
        let choice = Choice::new(seed);
        let len = choice.below(400);
        let input: Vec<u8> = (0..len).map(|_| choice.below(256) as u8).collect();
        let tried = std::panic::catch_unwind(|| target(&input));
        assert!(tried.is_ok(), "{name} fails on {input:?}");
    }
}

#[test]
fn ring() {
    kept_and_fresh("ring", super::ring::ring);
}

#[test]
fn tree() {
    kept_and_fresh("tree", super::tree::tree);
}

#[test]
fn timers() {
    kept_and_fresh("timers", super::timers::timers);
}
