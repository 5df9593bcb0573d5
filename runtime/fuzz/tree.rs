//! The treap of one root of the semaphore table, beside a map of queues.
//!
//! Each byte is an operation (the high two bits) on an address (the other six).
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};

use crate::core::m::enter::enter;
use crate::core::wait::sema_root::Tree;
use crate::core::wait::waiter::Waiter;

/// So many may wait at the same time: each is in a stack frame of its own.
const MOST: usize = 200;

#[derive(Default)]
struct Model(BTreeMap<usize, VecDeque<*const Waiter>>);

impl Model {
    fn take_first(&mut self, key: usize) -> Option<*const Waiter> {
        self.0.get_mut(&key)?.pop_front()
    }
}

/// The target: see the file's header.
#[allow(unreachable_pub, reason = "public for the fuzzer")]
pub fn tree(bytes: &[u8]) {
    let (tree, mut model) = (Tree::new(), Model::default());
    run(&tree, &mut model, bytes, MOST);
}

/// The rest of the run; it goes one frame deeper for each waiter.
fn run(tree: &Tree, model: &mut Model, bytes: &[u8], left: usize) {
    for (i, &byte) in bytes.iter().enumerate() {
        let key = usize::from(byte & 63) * 8 + 8;
        match byte >> 6 {
            2 => {
                let got = tree.dequeue(key).map(std::ptr::from_ref);
                assert_eq!(got, model.take_first(key), "dequeue");
            }
            3 => {
                let mut chain = tree.dequeue_all(key);
                while let Some(w) = chain {
                    chain = w.same.take();
                    w.set_queued(false);
                    assert_eq!(Some(std::ptr::from_ref(w)), model.take_first(key), "all");
                }
                assert_eq!(model.take_first(key), None, "all of them");
            }
            lifo if left > 0 => {
                return Waiter::on_stack(enter().current(), key, None, |w| {
                    tree.queue(w, lifo == 1);
                    let queue = model.0.entry(key).or_default();
                    match lifo {
                        1 => queue.push_front(w),
                        _ => queue.push_back(w),
                    }
                    tree.check();
                    run(tree, model, &bytes[i + 1..], left - 1);
                });
            }
            _ => (),
        }
        tree.check();
    }
    // No waiter may leave its frame while it is queued.
    for key in std::mem::take(&mut model.0).into_iter() {
        for expect in key.1 {
            let got = tree.dequeue(key.0).map(std::ptr::from_ref);
            assert_eq!(got, Some(expect), "at the end");
        }
        tree.check();
    }
    assert_eq!(tree.check(), 0, "empty at the end");
}
