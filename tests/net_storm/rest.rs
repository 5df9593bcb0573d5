//! What is left at the end; and what the test asks of the kernel.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// All that a connection may leave behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    sockets: usize,
    /// Descriptors in the poller: as the kernel has it, and as we have it.
    watched: usize,
    records: usize,
    sides_in_use: usize,
    io_waiters: usize,
    goroutines: usize,
}

impl Rest {
    pub(crate) fn now() -> Rest {
        let (sockets, watched) = sockets();
        let objects = gosched::__objects();
        Rest {
            sockets,
            watched,
            records: objects.records - objects.records_free,
            sides_in_use: objects.sides_in_use,
            io_waiters: objects.io_waiters,
            goroutines: gosched::metrics().goroutines,
        }
    }

    /// Who has just ended may still be on its way.
    pub(crate) fn wait_until_nothing_else_is_left(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let now = Rest::now();
            if now == *self {
                return;
            }
            assert!(Instant::now() < end, "left is {now:?}, there was {self:?}");
            gosched::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The sockets, and the descriptors in the poller. The runtime opens files in `/proc` now and then.
fn sockets() -> (usize, usize) {
    let (mut sockets, mut watched) = (0, 0);
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        let target = target.to_string_lossy();
        sockets += usize::from(target.starts_with("socket:"));
        if target.contains("eventpoll") {
            let info = std::path::Path::new("/proc/self/fdinfo").join(entry.file_name());
            let info = std::fs::read_to_string(info).unwrap();
            watched += info.lines().filter(|line| line.starts_with("tfd:")).count();
        }
    }
    (sockets, watched)
}

/// Sets an option of a socket.
pub(crate) fn option<T>(socket: &impl AsRawFd, level: i32, name: i32, value: &T) {
    let size = size_of::<T>() as libc::socklen_t;
    let (fd, value) = (socket.as_raw_fd(), (&raw const *value).cast());
    // SAFETY: the option is ours and as long as said.
    let answer = unsafe { libc::setsockopt(fd, level, name, value, size) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}
