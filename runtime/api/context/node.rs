//! The tree of cancellation: one node for each context that can be done by itself.
//!
//! A parent owns its children, and a child has only a weak reference to its parent. So a subtree
//! lives as long as a handle, a timer or an ancestor may cancel it. `word` goes once from `LIVE`
//! over `CLOSING` to the error, under the lock; the `done` channel is closed in between. So a
//! goroutine that was woken by `done` finds an error (it waits for the lock while it sees
//! `CLOSING`), and one that finds an error finds `done` closed.
//!
//! A cancellation walks down without holding a lock, and without recursion, as a tree may be
//! deep. Exactly one walk marks each node. `settled` says that everything below the node is
//! marked too; a walk that comes to a node that another walk has marked waits for that. The other
//! walk began further down, so two walks never wait for each other.
//!
//! Go: context.go cancelCtx, propagateCancel, removeChild.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU64};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Instant;

use crate::api::context::alarm::Alarm;
use crate::api::context::error::{Cause, Error};
use crate::api::context::func::Func;
use crate::api::sync::semaphore::GIVEN_UP;
use crate::channel::Receiver;
use crate::channel::Sender;
use crate::channel::bounded;
use crate::sync::LazyLock;
use crate::sync::Mutex;
use crate::sync::MutexGuard;
use crate::sync::Once;
use crate::sync::OnceLock;
use crate::time::Timer;

const LIVE: u8 = 0;
const CLOSING: u8 = 1;
const CANCELED: u8 = 2;
const DEADLINE: u8 = 3;

/// The `done` channel of all contexts that were cancelled before a caller asked for it.
static CLOSED: LazyLock<Receiver<()>> = LazyLock::new(|| bounded(0).1);

pub(crate) struct Node {
    parent: Weak<Node>,
    /// Its key among the parent's children.
    seq: u64,
    next_seq: AtomicU64,
    pub(crate) deadline: Option<Instant>,
    word: AtomicU8,
    done: OnceLock<Receiver<()>>,
    settled: Once,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of `done`, once somebody asked for it; gone when it is closed.
    sender: Option<Sender<()>>,
    cause: Option<Cause>,
    children: Children,
    timer: Option<Timer>,
}

/// In the order of their coming.
type Children = BTreeMap<u64, Child>;

pub(crate) enum Child {
    Node(Arc<Node>),
    Func(Arc<Func>),
    Alarm(Arc<Alarm>),
}

impl Node {
    /// A node below `parent`; cancelled already if the parent is.
    pub(crate) fn new(parent: Option<&Arc<Node>>, deadline: Option<Instant>) -> Arc<Node> {
        let node = Arc::new(Node {
            parent: parent.map_or(Weak::new(), Arc::downgrade),
            seq: parent.map_or(0, |parent| parent.take_seq()),
            next_seq: AtomicU64::new(0),
            deadline,
            word: AtomicU8::new(LIVE),
            done: OnceLock::new(),
            settled: Once::new(),
            state: Mutex::default(),
        });
        if let Some(parent) = parent
            && let Err((error, cause)) = parent.adopt(node.seq, Child::Node(Arc::clone(&node)))
        {
            node.cancel(error, Some(cause));
        }
        node
    }

    /// A key for a child.
    pub(crate) fn take_seq(&self) -> u64 {
        self.next_seq.fetch_add(1, Relaxed)
    }

    /// The child is cancelled when this node is.
    ///
    /// # Errors
    /// It is already; the child was not taken.
    pub(crate) fn adopt(&self, seq: u64, child: Child) -> Result<(), (Error, Cause)> {
        let mut state = self.lock();
        let Some(error) = decode(self.word.load(Relaxed)) else {
            state.children.insert(seq, child);
            return Ok(());
        };
        let cause = state.cause.clone();
        drop(state);
        Err((error, cause.unwrap_or_else(|| Arc::new(error))))
    }

    /// Forgets a child.
    pub(crate) fn remove(&self, seq: u64) {
        let child = self.lock().children.remove(&seq);
        drop(child); // not under the lock: it may be the last of its subtree
    }

    /// Has a timer made, unless it is done. Cancelling stops it.
    pub(crate) fn arm(&self, timer: impl FnOnce() -> Timer) {
        let mut state = self.lock();
        if self.word.load(Relaxed) == LIVE {
            state.timer = Some(timer());
        }
    }

    /// Closed when this is done.
    pub(crate) fn done(&self) -> &Receiver<()> {
        if let Some(done) = self.done.get() {
            return done;
        }
        let mut state = self.lock();
        self.done.get_or_init(|| {
            if self.word.load(Relaxed) != LIVE {
                return CLOSED.clone();
            }
            let (sender, receiver) = bounded(0);
            state.sender = Some(sender);
            receiver
        })
    }

    /// Why it is done, if it is.
    pub(crate) fn error(&self) -> Option<Error> {
        // Acquire pairs(context-word): mark's Release.
        let mut word = self.word.load(Acquire);
        if word == CLOSING {
            drop(self.lock());
            word = self.word.load(Acquire); // pairs(context-word)
        }
        decode(word)
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        self.lock().cause.clone()
    }

    /// Cancels this node and all below it, and takes it from its parent. The first one counts;
    /// whoever comes later waits until the first one has finished.
    #[track_caller]
    pub(crate) fn cancel(&self, error: Error, cause: Option<Cause>) {
        let cause = cause.unwrap_or_else(|| Arc::new(error));
        let Some(children) = self.mark(error, &cause) else {
            return self.settled.wait();
        };
        let funcs = cancel_all(children, error, &cause);
        self.settled.call_once(|| ());
        if let Some(parent) = self.parent.upgrade() {
            parent.remove(self.seq);
        }
        // Last: there may be no memory for a goroutine, which panics.
        for func in funcs {
            func.start();
        }
    }

    /// Done, for this reason. `None`: it was before.
    fn mark(&self, error: Error, cause: &Cause) -> Option<Children> {
        let mut state = self.lock();
        if self.word.load(Relaxed) != LIVE {
            return None;
        }
        state.cause = Some(Arc::clone(cause));
        // Release pairs(context-word): error's Acquire, and then it waits for the lock.
        self.word.store(CLOSING, Release);
        drop(state.sender.take()); // closes `done`
        let word = match error {
            Error::Canceled => CANCELED,
            Error::DeadlineExceeded => DEADLINE,
        };
        self.word.store(word, Release); // pairs(context-word)
        let timer = state.timer.take();
        let children = std::mem::take(&mut state.children);
        drop(state);
        if let Some(timer) = timer {
            timer.stop();
        }
        Some(children)
    }

    /// Nothing that runs under the lock can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn children(&self) -> usize {
        self.lock().children.len()
    }
}

fn decode(word: u8) -> Option<Error> {
    match word {
        CANCELED => Some(Error::Canceled),
        DEADLINE => Some(Error::DeadlineExceeded),
        _ => None,
    }
}

/// Returns the functions that are to start.
fn cancel_all(children: Children, error: Error, cause: &Cause) -> Vec<Arc<Func>> {
    let mut todo: Vec<Child> = children.into_values().rev().collect();
    let mut marked = Vec::new();
    let mut of_others = Vec::new();
    let mut funcs = Vec::new();
    while let Some(child) = todo.pop() {
        match child {
            Child::Func(func) => funcs.push(func),
            Child::Alarm(alarm) => alarm.ring(GIVEN_UP),
            Child::Node(node) => match node.mark(error, cause) {
                Some(children) => {
                    todo.extend(children.into_values().rev());
                    marked.push(node);
                }
                None => of_others.push(node),
            },
        }
    }
    of_others.iter().for_each(|node| node.settled.wait());
    // The lowest first: a settled node has only such below it.
    marked
        .iter()
        .rev()
        .for_each(|node| node.settled.call_once(|| ()));
    funcs
}

impl Drop for Node {
    /// One after the other: a deep tree must not be as deep on the stack.
    fn drop(&mut self) {
        let mut todo = take_children(self);
        while let Some(child) = todo.pop() {
            if let Child::Node(node) = child
                && let Some(mut node) = Arc::into_inner(node)
            {
                todo.append(&mut take_children(&mut node));
            }
        }
    }
}

fn take_children(node: &mut Node) -> Vec<Child> {
    let state = node.state.get_mut().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut state.children).into_values().collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Go: TestCancelRemoves.
    #[test]
    fn a_child_is_forgotten_when_it_is_cancelled() {
        let parent = Node::new(None, None);
        let child = Node::new(Some(&parent), None);
        let other = Node::new(Some(&child), None);
        assert_eq!((parent.children(), child.children()), (1, 1));
        child.cancel(Error::Canceled, None);
        assert_eq!((parent.children(), child.children()), (0, 0));
        assert_eq!(other.error(), Some(Error::Canceled));
        assert_eq!(parent.error(), None);
        let late = Node::new(Some(&child), None);
        assert_eq!((late.error(), child.children()), (Some(Error::Canceled), 0));
    }

    #[test]
    fn a_deep_tree_needs_no_deep_stack() {
        for cancel in [false, true] {
            let root = Node::new(None, None);
            let mut leaf = Arc::clone(&root);
            for _ in 0..100_000 {
                leaf = Node::new(Some(&leaf), None);
            }
            if cancel {
                root.cancel(Error::DeadlineExceeded, None);
                assert_eq!(leaf.error(), Some(Error::DeadlineExceeded));
            }
            drop((leaf, root));
        }
    }
}
