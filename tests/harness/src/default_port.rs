//! The default port of masters, of which the machine has one: who needs it free, and who needs it
//! for themselves. It never asks anybody to give it up.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Where `stoa` looks for a master when nobody names one.
pub const ADDRESS: &str = "127.0.0.1:5050";

/// The port, as long as this value lives.
#[derive(Debug)]
pub struct DefaultPort {
    _lock: File,
}

impl DefaultPort {
    /// Nobody listens there, for tests of `run` without a cluster. Others may need the same.
    ///
    /// # Panics
    /// If somebody who is no test listens there.
    pub fn free() -> Self {
        let lock = lock_file();
        lock.lock_shared().expect("a file that can be opened can be locked");
        assert_free();
        Self { _lock: lock }
    }

    /// Only this test may listen there.
    ///
    /// # Panics
    /// If somebody who is no test listens there.
    pub fn own() -> Self {
        let lock = lock_file();
        lock.lock().expect("a file that can be opened can be locked");
        assert_free();
        Self { _lock: lock }
    }
}

/// One for all tests of this machine, whatever clone they are of.
fn lock_file() -> File {
    let path = std::env::temp_dir().join("stoa-test-default-port.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    file.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()))
}

fn assert_free() {
    let address: SocketAddr = ADDRESS.parse().expect("the constant is an address");
    let answer = TcpStream::connect_timeout(&address, Duration::from_secs(5));
    assert!(
        answer.is_err(),
        "something listens on {ADDRESS}, and this test needs that nobody does: end it first, such \
         as a `stoa dev` in another terminal"
    );
}
