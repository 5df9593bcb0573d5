//! The kernel's errors by name, without allocation.
#![forbid(unsafe_code)]

use std::fmt;

/// `EPERM`, or `errno 117`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named(pub(crate) libc::c_int);

const NAMES: &[(libc::c_int, &str)] = &[
    (libc::EPERM, "EPERM"),
    (libc::EACCES, "EACCES"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::EINVAL, "EINVAL"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
];

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(errno, _)| *errno == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}
