//! The handle that stops an `after_func` before it starts.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Weak};

use crate::api::context::func::Func;
use crate::api::context::node::Node;

/// Made by [`after_func`](crate::context::after_func); keeps its function from starting.
///
/// # Examples
/// See [`after_func`](crate::context::after_func).
///
/// Go: the stop function that context.AfterFunc returns.
pub struct Stop {
    func: Arc<Func>,
    place: Option<(Weak<Node>, u64)>,
}

impl Stop {
    pub(crate) fn new(func: Arc<Func>, place: Option<(Weak<Node>, u64)>) -> Stop {
        Stop { func, place }
    }

    /// Returns `true` if the function has not been started, and will not be; `false` if it has been
    /// started or stopped before. It is not waited for.
    ///
    /// # Examples
    /// See [`after_func`](crate::context::after_func).
    pub fn stop(&self) -> bool {
        let stopped = self.func.stop();
        if stopped
            && let Some((node, seq)) = &self.place
            && let Some(node) = node.upgrade()
        {
            node.remove(*seq);
        }
        stopped
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Stop { .. }")
    }
}
