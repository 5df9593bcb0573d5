//! Both processes' accounts of each connection are compared.

use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Write};

use crate::end::{Account, Role};
use crate::plan::Plan;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) account: Account,
}

pub(crate) fn write(mut wire: impl Write, records: &[Record]) {
    let numbers = records.iter().flat_map(|Record { id, account }| {
        let Account {
            sent,
            received,
            to_the_end,
            timed_out,
        } = *account;
        [*id, sent, received, u64::from(to_the_end), timed_out]
    });
    let bytes: Vec<u8> = numbers.flat_map(u64::to_ne_bytes).collect();
    wire.write_all(&bytes).unwrap();
}

/// Until the other process ends.
pub(crate) fn read(mut wire: impl Read) -> Vec<Record> {
    let mut bytes = Vec::new();
    wire.read_to_end(&mut bytes).unwrap();
    let numbers: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|chunk| u64::from_ne_bytes(chunk.try_into().unwrap()))
        .collect();
    let record = |n: &[u64]| Record {
        id: n[0],
        account: Account {
            sent: n[1],
            received: n[2],
            to_the_end: n[3] == 1,
            timed_out: n[4],
        },
    };
    numbers.chunks_exact(5).map(record).collect()
}

/// All connections together.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    connections: u64,
    whole: u64,
    sent: u64,
    received: u64,
    timed_out: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mb = |bytes: u64| bytes / 1_000_000;
        write!(
            f,
            "{} connections, {} of them whole; {} MB sent, {} MB received; {} time limits",
            self.connections,
            self.whole,
            mb(self.sent),
            mb(self.received),
            self.timed_out
        )
    }
}

/// `nameless`: connections of which the server has no number.
pub(crate) fn compare(clients: &[Record], servers: &[Record], nameless: u64) -> Totals {
    let mut theirs: HashMap<u64, Account> = HashMap::new();
    for record in servers {
        let twice = theirs.insert(record.id, record.account);
        assert!(twice.is_none(), "{}: twice", record.id);
    }
    let (mut totals, mut unseen) = (Totals::default(), 0);
    for &Record { id, account } in clients {
        let plan = Plan::of(id);
        let Some(server) = theirs.remove(&id) else {
            // Its beginning was thrown away with the rest, by a reset.
            assert!(plan.abort_by(Role::Client).is_some(), "{id}: {plan:?}");
            unseen += 1;
            continue;
        };
        totals.connections += 1;
        let mut whole = true;
        for (from, to, role) in [
            (account, server, Role::Client),
            (server, account, Role::Server),
        ] {
            let what = format!("{id}, {role:?} to the other: {from:?} {to:?}, {plan:?}");
            assert!(to.received <= from.sent, "more than was sent: {what}");
            assert!(!to.to_the_end || to.received == from.sent, "lost: {what}");
            let len = plan.len_from(role) as u64;
            let all = to.to_the_end && from.sent == len && to.received == len;
            assert!(all || plan.abort.is_some(), "not all: {what}");
            whole &= all;
            totals.sent += from.sent;
            totals.received += to.received;
            totals.timed_out += from.timed_out;
        }
        totals.whole += u64::from(whole);
    }
    assert_eq!(theirs.len(), 0, "of the server alone: {theirs:?}");
    assert!(unseen >= nameless, "{unseen} unseen, {nameless} nameless");
    assert!(totals.whole > 0, "{totals}");
    totals
}
