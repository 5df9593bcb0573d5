//! Bytes as a program: the model says what it does, and gosched, in a process of its own, must do
//! the same. The fuzzer sees what the model covers.
//!
//! First `cargo build --release --example schedule`; `SCHEDULE=PATH` names another one. `SCHEDULE=none`
//! runs the model alone, a thousand times faster: what it finds worth keeping, the test program
//! `conformance` compares.
#![no_main]

#[path = "../../tests/conformance/decode.rs"]
mod decode;
#[path = "../../tests/conformance/model.rs"]
mod model;
#[allow(dead_code, reason = "no text is read here")]
#[path = "../../examples/schedule/program.rs"]
mod program;

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

/// Longer programs are left out.
const STEPS: usize = 3000;

static INTERPRETER: LazyLock<PathBuf> = LazyLock::new(|| match env::var_os("SCHEDULE") {
    Some(path) => path.into(),
    None => concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/release/examples/schedule"
    )
    .into(),
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((program, tick)) = decode::decode(bytes) else {
        return;
    };
    let Some(expect) = model::outcome(&program, tick, STEPS) else {
        return;
    };
    if INTERPRETER.as_os_str() == "none" {
        return;
    }
    let scratch = |end| env::temp_dir().join(format!("schedule-{}.{end}", std::process::id()));
    let (path, log) = (scratch("prog"), scratch("log"));
    fs::write(&path, decode::text(&program)).expect("a writable folder");
    let ran = Command::new(&*INTERPRETER)
        .args([&path, &log])
        .env("GOSCHED", format!("schedtick={tick}"))
        .output()
        .expect("cargo build --release --example schedule");
    let words = String::from_utf8_lossy(&ran.stderr);
    let words = words.lines().next().unwrap_or("");
    let text = fs::read_to_string(&log).expect("the log");
    let text = text.split('\0').next().unwrap_or("");
    let status = ran.status.code().unwrap_or(-1);
    let program = decode::text(&program);
    assert_eq!(
        format!("exit {status} {words}\n{text}"),
        expect,
        "from tick {tick}:\n{program}"
    );
});
