//! What is to happen on one connection. Both processes work it out from its number.

use std::time::Duration;

use crate::end::Role;

/// Random numbers that are the same in both processes.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(mixed(seed))
    }

    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 = mixed(self.0);
        (self.0 >> 33) as usize % below
    }

    pub(crate) fn micros(&mut self, below: usize) -> Duration {
        Duration::from_micros(1 + self.roll(below) as u64)
    }
}

/// Any bit of the argument may change any bit of the result.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// How a connection is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// A reset, while others wait in reads and writes of the socket.
    Reset,
    /// Both halves are shut down under those who wait, and the rest goes the usual way.
    Shut,
    /// As `Shut`, and the close is a reset.
    Linger,
    /// Reader and writer stop where they are, and the socket is closed with bytes unread.
    Leave,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Abort {
    pub(crate) by: Role,
    pub(crate) how: How,
    /// After the beginning. It may have ended by then.
    pub(crate) after: Duration,
    /// `Leave`: after so many bytes in each direction.
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Bytes from the client to the server, and back. Each direction ends by a half-close.
    lens: [usize; 2],
    pub(crate) abort: Option<Abort>,
}

impl Plan {
    pub(crate) fn of(id: u64) -> Plan {
        let mut dice = Dice::new(id);
        let mut len = || match dice.roll(40) {
            0..10 => 0,
            10 => dice.roll(600_000), // more than the kernel has room for
            _ => dice.roll(30_000),
        };
        let lens = [len(), len()];
        let how = [How::Reset, How::Shut, How::Linger, How::Leave][dice.roll(4)];
        let by = [Role::Client, Role::Server][dice.roll(2)];
        let (after, at) = (dice.micros(20_000), dice.roll(lens[0] + lens[1] + 1));
        // All of the first are there at the same time.
        let abort = (id > crate::connections() as u64 && dice.roll(3) == 0).then_some(Abort {
            by,
            how,
            after,
            at,
        });
        Plan { lens, abort }
    }

    pub(crate) fn len_from(&self, role: Role) -> usize {
        self.lens[role as usize]
    }

    /// What this end does to cut the connection short.
    pub(crate) fn abort_by(&self, role: Role) -> Option<Abort> {
        self.abort.filter(|abort| abort.by == role)
    }
}

/// The byte that stands at `at` in what `role` sends on connection `id`.
pub(crate) fn byte(id: u64, role: Role, at: usize) -> u8 {
    let key = (id << 1 | role as u64) << 24 ^ at as u64;
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}
