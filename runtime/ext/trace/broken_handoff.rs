//! A handoff that is broken on purpose: our reader and Go's both reject it.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use crate::ext::recording::record::{Kind, Record, Rule};
use crate::ext::recording::recorder::OUTSIDE;
use crate::ext::recording::words::start_word;
use crate::ext::trace::go_wire::encode;
use crate::ext::trace::names::Names;
use crate::ext::trace::order::{Beginning, Sequence, Step, order};
use crate::ext::trace::possible::{Queues, What, WriterId};

/// M 1 runs a goroutine in the kernel; its P is taken, M 2 has it next, and ends the goroutine.
/// `broken`: M 2 has the P before it is taken from M 1.
fn handoff(broken: bool) -> (Vec<(WriterId, Vec<Record>)>, Vec<Step>) {
    let (taken, has) = if broken { (50, 40) } else { (40, 50) };
    let start = |g| What::Start {
        g,
        rule: Rule::Local,
        queues: Queues::default(),
    };
    let create = What::Create {
        g: 5,
        place: 0,
        local: 0,
    };
    let retake = What::PRetake { p: 0, from: 1 };
    let rows = [
        (10, 1, Kind::PWas, 0, 0, None, None, What::PWas(0)),
        (11, 1, Kind::PStart, 0, 1, Some(0), None, What::PStart),
        (20, 1, Kind::Create, 5, 0, Some(0), None, create),
        (
            30,
            1,
            Kind::Start,
            5,
            start_word(1, 0, 0),
            Some(0),
            Some(5),
            start(5),
        ),
        (
            taken,
            OUTSIDE,
            Kind::PRetake,
            0,
            2 | 1 << 32,
            None,
            None,
            retake,
        ),
        (has, 2, Kind::PStart, 0, 3, Some(0), None, What::PStart),
        (60, 1, Kind::Leave, 5, 0, None, Some(5), What::Leave(5)),
        (
            70,
            2,
            Kind::Start,
            5,
            start_word(2, 0, 0),
            Some(0),
            Some(5),
            start(5),
        ),
        (80, 2, Kind::End, 5, 0, Some(0), Some(5), What::End),
    ];
    let (mut streams, mut steps) = (HashMap::<_, Vec<_>>::new(), Vec::new());
    for (time, m, kind, a, mut b, p, g, what) in rows {
        if broken && matches!(kind, Kind::PRetake | Kind::PStart) && time >= 40 {
            b ^= 1; // each of the two counts as if it was where it stands
        }
        let small = u8::from(kind == Kind::Start) * Rule::Local as u8;
        let record = Record {
            time,
            kind,
            small,
            a,
            b,
        };
        streams.entry(m).or_default().push(record);
        steps.push(Step {
            time,
            m,
            p,
            g,
            what,
        });
    }
    steps.sort_by_key(|step| step.time);
    (streams.into_iter().collect(), steps)
}

fn go_accepts(steps: &[Step], name: &str) -> Option<bool> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let go = above
        .map(|dir| dir.join("go/bin/go"))
        .find(|go| go.is_file())?;
    let file = std::env::temp_dir().join(format!("{name}-{}.trace", std::process::id()));
    std::fs::write(&file, encode(steps, &Names::default())).unwrap();
    let asked = Command::new(go)
        .args(["tool", "trace", "-d=parsed"])
        .env("GOTOOLCHAIN", "local")
        .arg(&file)
        .output();
    std::fs::remove_file(&file).unwrap();
    Some(asked.unwrap().status.success())
}

#[test]
fn a_broken_handoff_is_rejected_by_our_reader_and_by_go_s() {
    for broken in [false, true] {
        let (streams, steps) = handoff(broken);
        let streams: Vec<_> = streams
            .iter()
            .map(|(m, all)| Sequence::of(*m, all))
            .collect();
        let ours = order(&streams, false, Beginning::Known);
        assert_eq!(ours.is_err(), broken, "{ours:?}");
        let name = if broken { "broken" } else { "right" };
        match go_accepts(&steps, name) {
            Some(accepted) => assert_eq!(accepted, !broken, "Go's reader"),
            None => println!("skipped: no folder go beside this one or above"),
        }
    }
}
