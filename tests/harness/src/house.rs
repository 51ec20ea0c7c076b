//! Where things are in the clone: its root, the binary under test, the sample tasks. It never
//! builds any of them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The root of the clone.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        root.canonicalize().expect("the clone that the tests were built in is still there")
    });
    &ROOT
}

/// The binary under test: the release build beside this test, or that of the clone.
///
/// # Panics
/// If it was not built.
pub fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        let places = [target().join("release/stoa"), root().join("target/release/stoa")];
        places.iter().find(|path| path.is_file()).cloned().unwrap_or_else(|| {
            panic!(
                "there is no {}: these tests start the real program; build it first with\n\
                 \n    cargo build --release\n",
                places[0].display()
            )
        })
    });
    &BINARY
}

/// The target directory this test was built in: the test is `TARGET/PROFILE/deps/NAME`.
pub fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(3).unwrap_or(Path::new("/")).to_owned()
}

/// The path of a sample task, as text for a command line.
///
/// # Panics
/// If there is no such task.
pub fn sample(name: &str) -> String {
    let path = root().join(format!("sample-tasks/{name}.wasm"));
    assert!(path.is_file(), "there is no sample task {}", path.display());
    path.display().to_string()
}
