//! The examples' binaries, which `cargo test --workspace` builds beside the tests.

use std::path::{Path, PathBuf};

/// The binary of an example.
pub fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let program =
        profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.exists(),
        "{} is missing; build it with: cargo build --package clip-examples --examples",
        program.display()
    );
    program
}
