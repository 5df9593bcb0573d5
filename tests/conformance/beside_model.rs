//! gosched beside the model of `model.rs`: what needs no Go. The model itself gives all that was
//! recorded from Go.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use crate::decode;
use crate::generate::{self, Kind};
use crate::program::{self, Program};
use crate::{difference, first_seed, in_parallel, interpreter, model, name, outcome};
use crate::{record, recorded, recorded_at, scratch};

/// Longer programs are left out.
const STEPS: usize = 20_000;
/// Fresh programs, if nobody wants more.
const FRESH: u64 = 150;

#[test]
fn the_model_gives_what_was_recorded() {
    for path in recorded() {
        let text = fs::read_to_string(&path).expect("N.prog");
        let program = program::parse(&text).expect("a program");
        let name = name(&path);
        let ours = model::outcome(&program, recorded_at(&name), STEPS).expect("a short one");
        let go = record(&path);
        assert!(ours == go, "{name}: {}", difference(&ours, &go));
    }
}

/// How gosched and the model differ.
fn compare(what: &str, program: &Program, tick: u64) -> Option<String> {
    let expect = model::outcome(program, tick, STEPS)?;
    let path = scratch(&format!("{what}.model.prog"));
    fs::write(&path, decode::text(program)).expect("a writable folder");
    let log = scratch(&format!("{what}.model.log"));
    let ours = outcome(interpreter(tick), &path, &log);
    if ours != expect {
        let difference = difference(&ours, &expect).replace("Go's", "the model's");
        return Some(format!("{} from tick {tick}: {difference}", path.display()));
    }
    let _ = fs::remove_file(&path); // only to be tidy
    None
}

#[track_caller]
fn none(wrong: Vec<String>) {
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn fresh_programs_run_as_in_the_model() {
    let first = first_seed();
    let count = crate::number("GOSCHED_FUZZ").unwrap_or(FRESH) as usize;
    println!("GOSCHED_SEED={first}, {count} programs");
    none(in_parallel(count, |i| {
        let seed = first + i as u64;
        let kind = if i % 2 == 0 {
            Kind::Wild
        } else {
            Kind::Recorded
        };
        let program = program::parse(&generate::program(seed, kind)).expect("a program");
        compare(&format!("{seed}-{kind:?}"), &program, seed % 61)
    }));
}

#[test]
fn kept_programs_of_the_fuzzer_run_as_in_the_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/schedule");
    let kept = fs::read_dir(folder).expect("the kept inputs");
    let kept: Vec<_> = kept.map(|entry| entry.expect("a file").path()).collect();
    assert!(!kept.is_empty(), "no input is kept");
    none(in_parallel(kept.len(), |i| {
        let bytes = fs::read(&kept[i]).expect("a readable file");
        let (program, tick) = decode::decode(&bytes)?;
        let name = kept[i].file_name().expect("a file").to_string_lossy();
        compare(&format!("kept-{name}"), &program, tick)
    }));
}
