//! The system calls of the extras: signals, CPU clocks, the addresses of thread-locals, thread
//! stacks, descriptors. The system calls of the core are in `core/sys`.

#[cfg(target_arch = "x86_64")]
pub(crate) mod arch_x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use arch_x86_64 as arch;
#[cfg(target_arch = "aarch64")]
pub(crate) mod arch_aarch64;
#[cfg(target_arch = "aarch64")]
pub(crate) use arch_aarch64 as arch;
pub(crate) mod errno;
pub(crate) mod tasks;
pub(crate) mod coarse;
pub(crate) mod peek;
pub(crate) mod memory;
pub(crate) mod stderr;
pub(crate) mod dying;
pub(crate) mod thread_end;
pub(crate) mod limits;
pub(crate) mod valgrind;
pub(crate) mod inherited;
pub(crate) mod tls_block;
pub(crate) mod tls_ranges;
pub(crate) mod cpu_time;
pub(crate) mod cpu_timer;
pub(crate) mod cpus;
pub(crate) mod cpu_limit;
pub(crate) mod membarrier;
pub(crate) mod tls_size;
pub(crate) mod thread_stack;
pub(crate) mod helper;
pub(crate) mod stable_vec;
pub(crate) mod pagemap;
pub(crate) mod ucontext;
pub(crate) mod signal;
pub(crate) mod event_fd;
pub(crate) mod pidfd;
pub(crate) mod relay;
pub(crate) mod epoll;
pub(crate) mod socket;
pub(crate) mod tcp_inq;
pub(crate) mod ticks;
