//! The values of a context: a list from the nearest to the root, shared by all derived contexts.
//!
//! The list is separate from the tree of cancellation, and keeps no node of it alive.
//!
//! Go: context.go valueCtx, value.
#![forbid(unsafe_code)]

use std::any::Any;
use std::sync::Arc;

/// One value, and those behind it.
pub(crate) struct Values {
    entry: Box<dyn Entry>,
    rest: Option<Arc<Values>>,
}

/// A key with its value, the types hidden.
trait Entry: Send + Sync {
    /// The value, if this is the key.
    fn find(&self, key: &dyn Any) -> Option<&dyn Any>;
}

struct Pair<K, V>(K, V);

impl<K, V> Entry for Pair<K, V>
where
    K: Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn find(&self, key: &dyn Any) -> Option<&dyn Any> {
        (key.downcast_ref::<K>()? == &self.0).then_some(&self.1)
    }
}

impl Values {
    pub(crate) fn new<K, V>(key: K, value: V, rest: Option<Arc<Values>>) -> Arc<Values>
    where
        K: Eq + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let entry = Box::new(Pair(key, value));
        Arc::new(Values { entry, rest })
    }

    /// The nearest value with this key.
    pub(crate) fn find(&self, key: &dyn Any) -> Option<&dyn Any> {
        let mut at = self;
        loop {
            if let Some(value) = at.entry.find(key) {
                return Some(value);
            }
            at = at.rest.as_deref()?;
        }
    }
}

impl Drop for Values {
    /// One after the other: a long list must not be as deep on the stack.
    fn drop(&mut self) {
        let mut rest = self.rest.take();
        while let Some(mut values) = rest.and_then(Arc::into_inner) {
            rest = values.rest.take();
        }
    }
}
