//! Who is asked about a trace: the tools of Go, where they are.

#![allow(dead_code, reason = "each test program uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) fn go_tool() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = above
        .map(|dir| dir.join("go/bin/go"))
        .find(|go| go.is_file());
    if found.is_none() {
        println!(
            "skipped: no folder go beside this one or above, so Go's reader was not asked"
        );
    }
    found
}

/// The tool itself: `go tool NAME` looks for a quarter of a second whether it must be built.
fn tool(name: &str) -> Option<PathBuf> {
    let asked = Command::new(go_tool()?)
        .args(["tool", "-n", name])
        .env("GOTOOLCHAIN", "local") // nothing is to be downloaded
        .output()
        .unwrap();
    let path = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(path.is_file(), "go tool -n {name}: {path:?} {said}");
    Some(path)
}

/// What it says of a file; none: there is no such tool.
fn ask(
    tool: &OnceLock<Option<PathBuf>>,
    name: &str,
    args: &[&str],
    file: &Path,
) -> Option<String> {
    let tool = tool.get_or_init(|| self::tool(name)).as_ref()?;
    let asked = Command::new(tool).args(args).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{file:?}: {said}");
    Some(String::from_utf8_lossy(&asked.stdout).into_owned())
}

/// Go's reader of traces accepts it.
pub(crate) fn ask_go(trace: &Path) {
    static TRACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    ask(&TRACE, "trace", &["-d=footprint"], trace);
}

/// What `go tool pprof` makes of a profile, if it is there.
pub(crate) fn ask_pprof(profile: &Path, index: &str) -> Option<String> {
    static PPROF: OnceLock<Option<PathBuf>> = OnceLock::new();
    ask(
        &PPROF,
        "pprof",
        &["-traces", "-sample_index", index],
        profile,
    )
}

pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trace");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}
