//! The builders, as the person who runs the test has them. It never installs any.

use std::path::Path;
use std::time::Duration;

use stoa_harness::{Finished, Invocation, Place, compiled_code, house};

/// The longest that a build, or a first start, may take: each takes a machine at rest less than
/// half a minute.
pub const SLOW: Duration = Duration::from_secs(900);

/// A line of shell with the person's own home, in which builders keep what they have downloaded.
pub fn builder<'a>(place: &'a Place, dir: &Path, line: &str) -> Invocation<'a> {
    let home = std::env::var("HOME").expect("who builds has a home");
    let cache = std::env::var("XDG_CACHE_HOME").unwrap_or_else(|_| format!("{home}/.cache"));
    let toolchain = house::root().join("wasm-executors/toolchain").display().to_string();
    let mut invocation = place
        .shell(&line.replace("TOOLCHAIN", &toolchain))
        .current_dir(dir)
        .limit(SLOW)
        .env("HOME", &home)
        .env("XDG_CACHE_HOME", &cache);
    for name in ["CARGO_HOME", "RUSTUP_HOME", "WASI_SDK_PATH"] {
        if let Ok(value) = std::env::var(name) {
            invocation = invocation.env(name, &value);
        }
    }
    invocation
}

/// What a person sees on a terminal of the first run of a program on a machine, and of the second.
pub struct Screens {
    /// Of the first run.
    pub first: Finished,
    /// Of the second run.
    pub second: Finished,
}

/// Runs twice, and checks that nothing is compiled the second time. `run` is a line of shell with
/// `stoa` in it.
#[track_caller]
pub fn run_twice(place: &Place, run: &str) -> Screens {
    let cache = place.path().join("cache");
    let screen = || {
        // On a terminal stoa says what it does; script makes one, and passes the exit code on.
        let line = format!("script --quiet --return --command '{run}' /dev/null");
        let invocation = place.shell(&line).limit(SLOW).current_dir(place.path());
        let invocation = invocation.env("TERM", "xterm");
        invocation.env("XDG_CACHE_HOME", &cache.display().to_string()).finish().succeeded()
    };
    let first = screen();
    let compiled = compiled_code(&cache);
    let second = screen();
    assert_eq!(compiled_code(&cache), compiled, "it was compiled again");
    assert!(!second.text().contains("compiling"), "it was compiled again: {second}");
    Screens { first, second }
}

impl Screens {
    /// Checks that the first run said what it waited for. Only what takes long to compile is sure
    /// to be seen.
    #[track_caller]
    pub fn compiling_was_shown(&self) {
        let first = &self.first;
        assert!(first.text().contains("compiling"), "the compiling was not shown: {first}");
    }

    /// Checks that both runs have printed this.
    #[track_caller]
    pub fn show(&self, output: &str) {
        for screen in [&self.first, &self.second] {
            assert!(screen.text().contains(output), "no {output:?} in {screen}");
        }
    }
}
