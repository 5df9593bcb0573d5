//! The examples, built for the tests that run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

/// `target/PROFILE/examples`, beside the folder of this program.
pub(crate) fn folder() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    me.parent().and_then(Path::parent).unwrap().join("examples")
}

/// Builds all examples in the profile of this program, into the target folder that it lies in.
pub(crate) fn build() {
    static ONCE: Once = Once::new();
    ONCE.call_once(build_all);
}

fn build_all() {
    let folder = folder();
    let profile = folder.parent().unwrap();
    let target = profile.parent().unwrap();
    let profile = match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--profile",
            profile,
            "--examples",
            "--target-dir",
        ])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the examples do not build");
}
