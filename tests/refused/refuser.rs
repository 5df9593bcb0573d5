//! A supervisor that refuses system calls of this process, by plan or at random by seed.
//!
//! A seccomp filter can refuse calls, but cannot count them. So it asks: each call of the listed
//! kinds is put before another process (`SECCOMP_RET_USER_NOTIF`), which lets it go on or answers
//! with an error. That one is made before the filter is, so it is free itself; it is no thread of
//! ours, so deadlock reports come as ever; and it shares our table of descriptors, to get at the
//! filter's. It ends when nobody is left who has the filter.
#![allow(unsafe_code, reason = "seccomp(2), clone(2), ioctl(2)")]

use std::mem::zeroed;

/// What to refuse.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    /// New threads: all after the first `given`, until `refused` have been refused.
    Threads { given: u32, refused: u32 },
    /// One call in `one_in` of all kinds.
    Random { seed: u64, one_in: u64 },
}

const CLONES: [i64; 2] = [libc::SYS_clone, libc::SYS_clone3];
/// The others, and what they are refused with.
const OTHERS: [(i64, [i32; 2]); 9] = [
    (libc::SYS_mmap, [libc::ENOMEM, libc::EAGAIN]),
    (libc::SYS_mprotect, [libc::ENOMEM, libc::ENOMEM]),
    (libc::SYS_madvise, [libc::ENOMEM, libc::EINVAL]),
    (libc::SYS_process_madvise, [libc::EAGAIN, libc::EINVAL]),
    (libc::SYS_eventfd2, [libc::EMFILE, libc::ENOMEM]),
    (libc::SYS_ppoll, [libc::ENOMEM, libc::ENOMEM]),
    (libc::SYS_epoll_ctl, [libc::ENOMEM, libc::ENOSPC]),
    (libc::SYS_pidfd_open, [libc::EMFILE, libc::ENOMEM]),
    (libc::SYS_openat, [libc::EMFILE, libc::ENFILE]),
];
#[cfg(target_arch = "x86_64")]
const OLD: [(i64, [i32; 2]); 2] = [
    (libc::SYS_poll, [libc::ENOMEM, libc::ENOMEM]),
    (libc::SYS_open, [libc::EMFILE, libc::ENFILE]),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: [(i64, [i32; 2]); 0] = [];

/// `_IOWR('!', 0, struct seccomp_notif)` and `_IOWR('!', 1, struct seccomp_notif_resp)`.
const RECEIVE: u64 = 0xc050_2100;
const ANSWER: u64 = 0xc018_2101;

/// From now on the calls of this process are answered by `plan`. It has one thread. False: this
/// kernel, or this container, has no such filters.
pub(crate) fn begin(plan: Plan) -> bool {
    let mut pipe = [0; 2];
    // SAFETY: a place for two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    let flags = libc::CLONE_FILES | libc::SIGCHLD;
    // SAFETY: as fork(2), on a copy of this stack; the process has one thread.
    let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    assert!(child >= 0, "no process for the supervisor");
    let mut listener = -1_i32;
    if child == 0 {
        // SAFETY: four bytes of ours.
        unsafe { libc::read(pipe[0], (&raw mut listener).cast(), 4) };
        if listener >= 0 {
            serve(listener, plan);
        }
        // SAFETY: no preconditions; what the parent has is left as it is.
        unsafe { libc::_exit(0) };
    }
    listener = filter(plan);
    // SAFETY: four bytes of ours.
    unsafe { libc::write(pipe[1], (&raw const listener).cast(), 4) };
    listener >= 0
}

fn asked_for(plan: Plan) -> Vec<i64> {
    let mut calls = CLONES.to_vec();
    if let Plan::Random { .. } = plan {
        calls.extend(OTHERS.iter().chain(&OLD).map(|(call, _)| call));
    }
    calls
}

/// Puts the filter in; the descriptor by which it asks.
fn filter(plan: Plan) -> i32 {
    let statement = |code: u32, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    let calls = asked_for(plan);
    // The number of the call is the first word of what the filter is given.
    let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
    for (i, &call) in calls.iter().enumerate() {
        program.push(libc::sock_filter {
            jt: (calls.len() - i) as u8,
            ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, call as u32)
        });
    }
    program.push(statement(
        libc::BPF_RET | libc::BPF_K,
        libc::SECCOMP_RET_ALLOW,
    ));
    program.push(statement(
        libc::BPF_RET | libc::BPF_K,
        libc::SECCOMP_RET_USER_NOTIF,
    ));
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: gives up a right.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: a valid program, which the kernel copies.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        )
    };
    listener as i32
}

/// The supervisor's life. It allocates nothing: malloc's state is a copy from the middle of things.
fn serve(listener: i32, plan: Plan) {
    let mut state = State { plan, clones: 0 };
    loop {
        let mut poll = libc::pollfd {
            fd: listener,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry of ours.
        unsafe { libc::poll(&raw mut poll, 1, -1) };
        if poll.revents & libc::POLLIN == 0 {
            return; // nobody is left
        }
        // SAFETY: all zeros are valid, and what the kernel asks for.
        let mut notice: libc::seccomp_notif = unsafe { zeroed() };
        // SAFETY: laid out as the kernel's.
        if unsafe { libc::ioctl(listener, RECEIVE as _, &raw mut notice) } != 0 {
            continue; // a signal came between, and the call comes again
        }
        let errno = state.judge(i64::from(notice.data.nr));
        let mut answer = libc::seccomp_notif_resp {
            id: notice.id,
            val: 0,
            error: -errno,
            flags: match errno {
                0 => libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
                _ => 0,
            },
        };
        // SAFETY: laid out as the kernel's.
        unsafe { libc::ioctl(listener, ANSWER as _, &raw mut answer) };
    }
}

struct State {
    plan: Plan,
    clones: u32,
}

impl State {
    /// The error that a call gets; 0: it goes on.
    fn judge(&mut self, call: i64) -> i32 {
        match &mut self.plan {
            Plan::Threads { given, refused } => {
                self.clones += 1;
                let over = self.clones > *given && self.clones - *given <= *refused;
                if over { libc::EAGAIN } else { 0 }
            }
            Plan::Random { seed, one_in } => {
                // xorshift64*
                *seed ^= *seed >> 12;
                *seed ^= *seed << 25;
                *seed ^= *seed >> 27;
                let random = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
                if !random.is_multiple_of(*one_in) {
                    return 0;
                }
                let known = OTHERS.iter().chain(&OLD).find(|(known, _)| *known == call);
                let which = (random / *one_in % 2) as usize;
                known.map_or(libc::EAGAIN, |(_, errors)| errors[which])
            }
        }
    }
}
