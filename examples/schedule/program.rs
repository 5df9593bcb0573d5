//! The program format of `tests/conformance/README.md`.

/// One operation of a script; the number is the index that it works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Print,
    Go(usize),
    Yield,
    Send(usize),
    Recv(usize),
    TrySend(usize),
    TryRecv(usize),
    Close(usize),
    Lock(usize),
    Unlock(usize),
    Add(usize),
    Done(usize),
    Wait(usize),
    CondWait(usize),
    Signal(usize),
    Broadcast(usize),
}

/// What a `.prog` file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) chans: Vec<usize>,
    pub(crate) mutexes: usize,
    pub(crate) wait_groups: usize,
    pub(crate) scripts: Vec<Vec<Op>>,
}

/// Reads a program; the error names the line.
pub(crate) fn parse(text: &str) -> Result<Program, String> {
    let mut program = Program::default();
    for (number, line) in text.lines().enumerate() {
        let bad = |what: &str| format!("line {}: {what}", number + 1);
        let mut words = line.split_whitespace();
        let count = |word: Option<&str>| {
            word.and_then(|w| w.parse().ok())
                .ok_or_else(|| bad("want a number"))
        };
        match words.next() {
            None => (),
            Some("chans") => {
                program.chans = words.map(|w| count(Some(w))).collect::<Result<_, _>>()?;
            }
            Some("muts") => program.mutexes = count(words.next())?,
            Some("wgs") => program.wait_groups = count(words.next())?,
            Some("script") => {
                let ops =
                    words.map(|w| op(w).ok_or_else(|| bad(&format!("no such operation: {w}"))));
                program.scripts.push(ops.collect::<Result<_, _>>()?);
            }
            Some(other) => return Err(bad(&format!("no such directive: {other}"))),
        }
    }
    check(&program)?;
    Ok(program)
}

fn op(word: &str) -> Option<Op> {
    let (letter, rest) = word.split_at_checked(1)?;
    let index = || rest.parse::<usize>().ok();
    Some(match letter {
        "p" if rest.is_empty() => Op::Print,
        "y" if rest.is_empty() => Op::Yield,
        "g" => Op::Go(index()?),
        "s" => Op::Send(index()?),
        "r" => Op::Recv(index()?),
        "t" => Op::TrySend(index()?),
        "n" => Op::TryRecv(index()?),
        "c" => Op::Close(index()?),
        "l" => Op::Lock(index()?),
        "u" => Op::Unlock(index()?),
        "a" => Op::Add(index()?),
        "d" => Op::Done(index()?),
        "w" => Op::Wait(index()?),
        "W" => Op::CondWait(index()?),
        "S" => Op::Signal(index()?),
        "B" => Op::Broadcast(index()?),
        _ => return None,
    })
}

/// More of anything is a slip of the pen.
const MOST: usize = 1_000_000;

/// Every index names something, and there is not too much of anything.
fn check(program: &Program) -> Result<(), String> {
    let numbers = program.chans.iter().copied();
    if let Some(n) = numbers
        .chain([program.mutexes, program.wait_groups])
        .find(|&n| n > MOST)
    {
        return Err(format!("{n} is more than {MOST}"));
    }
    if program.scripts.is_empty() {
        return Err("no script".into());
    }
    for (script, ops) in program.scripts.iter().enumerate() {
        for (pc, op) in ops.iter().enumerate() {
            let (index, limit, what) = match *op {
                Op::Print | Op::Yield => continue,
                Op::Go(k) => (k, program.scripts.len(), "script"),
                Op::Send(k) | Op::Recv(k) | Op::TrySend(k) | Op::TryRecv(k) | Op::Close(k) => {
                    (k, program.chans.len(), "channel")
                }
                Op::Lock(k)
                | Op::Unlock(k)
                | Op::CondWait(k)
                | Op::Signal(k)
                | Op::Broadcast(k) => (k, program.mutexes, "mutex"),
                Op::Add(k) | Op::Done(k) | Op::Wait(k) => (k, program.wait_groups, "WaitGroup"),
            };
            if index >= limit {
                return Err(format!(
                    "script {script}, operation {pc}: no {what} {index}"
                ));
            }
        }
    }
    Ok(())
}
