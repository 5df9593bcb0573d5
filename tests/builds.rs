//! Ways to build and to run a program in which no test is built and run: `panic = "abort"`, the C
//! library linked in, under valgrind, with the address sanitizer.
#![allow(unsafe_code, reason = "the door into the runtime")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use support::child::{Ended, again, role, run};

const LIMIT: Duration = Duration::from_secs(60);
/// Builds on a busy machine, and valgrind anywhere, take their time.
const LONG: Duration = Duration::from_secs(500);

/// Is there a static C library?
fn can_be_static() -> bool {
    let asked = Command::new("cc").arg("-print-file-name=libc.a").output();
    asked.is_ok_and(|answer| answer.stdout.starts_with(b"/"))
}

/// `tests/builds`, with `panic = "abort"`; static if that can be.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("builds");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--quiet"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/builds"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS");
    if can_be_static() {
        cargo.env("RUSTFLAGS", "-C target-feature=+crt-static");
    } else {
        println!("there is no libc.a: linked dynamically");
    }
    let built = run(&mut cargo, LONG);
    assert_eq!(built.status, Some(0), "{built}");
    target.join("debug/builds")
});

fn program(what: &str) -> Ended {
    run(
        Command::new(&*PROGRAM)
            .arg(what)
            .env_remove("RUST_BACKTRACE"),
        LIMIT,
    )
}

#[test]
fn a_static_program_runs() {
    for _ in 0..10 {
        let ended = program("work");
        assert_eq!(ended.status, Some(0), "{ended}");
        assert!(ended.stdout.contains("sum 120"), "{ended}");
    }
    if can_be_static() {
        let told = Command::new("ldd").arg(&*PROGRAM).output().unwrap();
        let words = [told.stdout, told.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        let fixed = words.contains("statically linked") || words.contains("not a dynamic");
        assert!(fixed, "{words}");
    }
}

#[test]
fn goexit_says_why_it_cannot_where_panics_abort() {
    let ended = program("goexit");
    assert_eq!(ended.signal, Some(libc::SIGABRT), "{ended}");
    for words in [
        "src/main.rs",
        "goexit unwinds the stack",
        "panic = \"abort\"",
    ] {
        assert!(
            ended.stderr.contains(words),
            "{words:?} is missing: {ended}"
        );
    }
}

/// rustc's runtime of the address sanitizer.
fn has_sanitizer() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir"])
        .output();
    let Ok(folder) = asked.map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned())
    else {
        return false;
    };
    let Ok(files) = std::fs::read_dir(folder.trim()) else {
        return false;
    };
    let mut names = files.flatten().map(|file| file.file_name());
    names.any(|name| name.to_string_lossy().contains("_rt.asan"))
}

/// Goroutines that move, and the kept inputs of the fuzz targets.
#[test]
#[cfg_attr(
    not(all(debug_assertions, target_arch = "x86_64")),
    ignore = "once is enough"
)]
fn the_address_sanitizer_finds_nothing() {
    if !has_sanitizer() {
        return println!("skipped: this rustc has no address sanitizer");
    }
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sanitized");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--quiet", "--features=sanitizer"])
        .args(["--target", TARGET])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/builds"))
        .env("CARGO_TARGET_DIR", &folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTC_BOOTSTRAP", "1") // the option is unstable
        .env("RUSTFLAGS", "-Zsanitizer=address --cfg fuzzing");
    let built = run(&mut cargo, LONG);
    assert_eq!(built.status, Some(0), "{built}");
    let program = folder.join(TARGET).join("debug/builds");
    for (what, says) in [("work", "sum 120"), ("fuzz", "fuzzed")] {
        let ended = run(Command::new(&program).arg(what), LIMIT);
        assert_eq!(ended.status, Some(0), "{ended}");
        assert!(ended.stdout.contains(says), "{ended}");
    }
    let ended = run(Command::new(&program).arg("past the end"), LIMIT);
    let words = "AddressSanitizer: stack-buffer-overflow";
    assert!(
        ended.status != Some(0) && ended.stderr.contains(words),
        "{ended}"
    );
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "frames are larger without optimisation, and it takes long"
)]
fn valgrind_finds_nothing() {
    const NAME: &str = "valgrind_finds_nothing";
    if role().is_some() {
        // SAFETY: nothing is tied to an OS thread.
        return unsafe { gosched::Builder::new().procs(2).run(for_valgrind) };
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return println!("there is no valgrind here");
    }
    let itself = again(NAME, "work");
    let mut command = Command::new("valgrind");
    command
        .args(["--error-exitcode=9", "--num-callers=30"])
        .arg(itself.get_program())
        .args(itself.get_args())
        .env("GOSCHED_CHILD", "work");
    let ended = run(&mut command, LONG);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stderr.contains("ERROR SUMMARY: 0 errors"), "{ended}");
    assert!(ended.stdout.contains("moved"), "{ended}");
}

/// Deep, shallow, grown, trimmed; on stacks that others were on, and on other threads than before.
fn for_valgrind() {
    fn deep(n: usize) -> usize {
        gosched::stack::grow(16 << 10, 128 << 10, || {
            let frame = std::hint::black_box([n; 64]);
            match n {
                0 => gosched::thread::yield_now(),
                _ => assert_eq!(deep(n - 1), n - 1),
            }
            frame[n % 64]
        })
    }
    for round in 0..5 {
        let handles: Vec<_> = (0..20)
            .map(|i| {
                gosched::thread::spawn(move || {
                    for _ in 0..5 {
                        assert_eq!(deep(i * 30), i * 30);
                        gosched::thread::sleep(Duration::from_micros(10));
                    }
                })
            })
            .collect();
        handles.into_iter().for_each(|h| h.join().unwrap());
        if round == 2 {
            gosched::trim();
        }
    }
    println!("moved: {}", gosched::metrics().tls_scans);
}
