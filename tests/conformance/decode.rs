//! Bytes as a program, for a fuzzer: every input is one that the interpreter accepts.
//!
//! The first six bytes: the start tick, how many scripts, mutexes and WaitGroups, and two for the
//! channels. Then a byte is an operation: its low four bits say which (0 ends the script), its high
//! ones on what. Scripts start only later scripts, so every program ends.
#![forbid(unsafe_code)]

use crate::program::{Op, Program};

const CAPS: [usize; 4] = [0, 1, 2, 5];

/// A program and its start tick.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Program, u64)> {
    let (head, mut rest) = bytes.split_at_checked(6)?;
    let number = |at: usize, most: usize| 1 + usize::from(head[at]) % most;
    let scripts = number(1, 6);
    let cap = |i: usize| CAPS[usize::from(head[5] >> (2 * i) & 3)];
    let mut program = Program {
        chans: (0..number(4, 3)).map(cap).collect(),
        mutexes: number(2, 2),
        wait_groups: number(3, 2),
        scripts: vec![],
    };
    for script in 0..scripts {
        let last = script + 1 == scripts;
        let end = rest.iter().position(|byte| byte & 15 == 0);
        let end = end.filter(|_| !last).unwrap_or(rest.len());
        let ops = rest[..end].iter();
        let ops = ops.map(|&byte| op(byte, script, scripts, &program));
        let ops: Vec<Op> = ops.collect();
        program.scripts.push(ops);
        rest = rest.get(end + 1..).unwrap_or(&[]);
    }
    Some((program, u64::from(head[0]) % 61))
}

fn op(byte: u8, script: usize, scripts: usize, program: &Program) -> Op {
    let on = usize::from(byte >> 4);
    let chan = on % program.chans.len();
    let mutex = on % program.mutexes;
    let group = on % program.wait_groups;
    match byte & 15 {
        1 if script + 1 < scripts => Op::Go(script + 1 + on % (scripts - script - 1)),
        2 => Op::Yield,
        3 => Op::Send(chan),
        4 => Op::Recv(chan),
        5 => Op::TrySend(chan),
        6 => Op::TryRecv(chan),
        7 => Op::Close(chan),
        8 => Op::Lock(mutex),
        9 => Op::Unlock(mutex),
        10 => Op::Add(group),
        11 => Op::Done(group),
        12 => Op::Wait(group),
        13 => Op::CondWait(mutex),
        14 => Op::Signal(mutex),
        15 => Op::Broadcast(mutex),
        _ => Op::Print,
    }
}

/// The program as a `.prog` file's text.
pub(crate) fn text(program: &Program) -> String {
    let mut text = String::from("chans");
    program
        .chans
        .iter()
        .for_each(|cap| text += &format!(" {cap}"));
    text += &format!("\nmuts {}\nwgs {}\n", program.mutexes, program.wait_groups);
    for ops in &program.scripts {
        text += "script";
        for op in ops {
            text += &match *op {
                Op::Print => " p".to_owned(),
                Op::Yield => " y".to_owned(),
                Op::Go(k) => format!(" g{k}"),
                Op::Send(k) => format!(" s{k}"),
                Op::Recv(k) => format!(" r{k}"),
                Op::TrySend(k) => format!(" t{k}"),
                Op::TryRecv(k) => format!(" n{k}"),
                Op::Close(k) => format!(" c{k}"),
                Op::Lock(k) => format!(" l{k}"),
                Op::Unlock(k) => format!(" u{k}"),
                Op::Add(k) => format!(" a{k}"),
                Op::Done(k) => format!(" d{k}"),
                Op::Wait(k) => format!(" w{k}"),
                Op::CondWait(k) => format!(" W{k}"),
                Op::Signal(k) => format!(" S{k}"),
                Op::Broadcast(k) => format!(" B{k}"),
            };
        }
        text.push('\n');
    }
    text
}
