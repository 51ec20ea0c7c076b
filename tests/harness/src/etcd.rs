//! A real etcd of one member or several on loopback, which a test can kill, stop and start again
//! member by member. It never looks at what is kept there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::house;
use crate::invocation::Invocation;
use crate::place::Place;
use crate::process::Process;
use crate::waiting::{LIMIT, look_until};

/// Starts that are tried with other ports when somebody has taken one of those that were free.
const STARTS_MAX: usize = 3;

/// The members of one etcd. They end with this value.
#[derive(Debug)]
pub struct Etcd {
    members: Vec<Member>,
    place: Place,
}

#[derive(Debug)]
struct Member {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    /// None while it is killed.
    process: Option<Process>,
}

impl Etcd {
    /// An etcd of so many members, all of which serve.
    ///
    /// # Panics
    /// If there is no etcd on this machine and none can be fetched, or it does not serve in time.
    #[track_caller]
    pub fn start(members: usize) -> Self {
        let mut tried = String::new();
        for _ in 0..STARTS_MAX {
            let mut etcd = Self { members: free_members(members), place: Place::new() };
            for number in 0..members {
                etcd.run(number, "new");
            }
            match (0..members).try_for_each(|number| etcd.wait(number)) {
                Ok(()) => return etcd,
                Err(why) if why.contains("address already in use") => tried = why,
                Err(why) => panic!("{why}"),
            }
        }
        panic!("no port of {STARTS_MAX} choices stayed free: {tried}");
    }

    /// Where it is, as a master is told, with all keys below `prefix`.
    pub fn url(&self, prefix: &str) -> String {
        let endpoints: Vec<_> =
            self.members.iter().map(|member| member.client.to_string()).collect();
        format!("etcd://{}/{prefix}", endpoints.join(","))
    }

    /// Where one member is, with all keys below `prefix`.
    pub fn url_of(&self, member: usize, prefix: &str) -> String {
        format!("etcd://{}/{prefix}", self.members[member].client)
    }

    /// Ends a member at once, as `kill -9` does.
    pub fn kill(&mut self, member: usize) {
        if let Some(mut process) = self.members[member].process.take() {
            process.kill();
        }
    }

    /// Makes a member stand still: its connections stay, and nobody answers.
    ///
    /// # Panics
    /// If it does not run.
    #[track_caller]
    pub fn freeze(&mut self, member: usize) {
        self.process(member).signal(Signal::STOP);
    }

    /// Lets a member that stands still go on.
    ///
    /// # Panics
    /// If it does not run.
    #[track_caller]
    pub fn thaw(&mut self, member: usize) {
        self.process(member).signal(Signal::CONT);
    }

    /// Starts a member that was killed, with the data that it had, and waits until it serves.
    ///
    /// # Panics
    /// If it runs, or does not serve in time.
    #[track_caller]
    pub fn restart(&mut self, member: usize) {
        self.restart_all(&[member]);
    }

    /// Starts members that were killed, and waits until they serve: two of three do not one by one.
    ///
    /// # Panics
    /// If one runs, or does not serve in time.
    #[track_caller]
    pub fn restart_all(&mut self, members: &[usize]) {
        for member in members {
            assert!(self.members[*member].process.is_none(), "member {member} runs");
            self.run(*member, "existing");
        }
        for member in members {
            self.wait_until_it_serves(*member);
        }
    }

    /// Waits until a member serves, which it does when a majority does.
    ///
    /// # Panics
    /// If it does not in time.
    #[track_caller]
    pub fn wait_until_it_serves(&mut self, member: usize) {
        self.wait(member).unwrap_or_else(|why| panic!("{why}"));
    }

    #[track_caller]
    fn process(&mut self, member: usize) -> &mut Process {
        self.members[member].process.as_mut().expect("the member was not killed")
    }

    #[track_caller]
    fn run(&mut self, member: usize, state: &str) {
        let named = |member: &Member| format!("{}=http://{}", member.name, member.peer);
        let cluster = self.members.iter().map(named).collect::<Vec<_>>().join(",");
        let Member { name, client, peer, .. } = &self.members[member];
        let (client, peer) = (format!("http://{client}"), format!("http://{peer}"));
        let mut command = Command::new(&*BINARY);
        command.arg("--data-dir").arg(self.place.path().join(name)).args([
            "--name",
            name,
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
            "--initial-cluster",
            &cluster,
            "--initial-cluster-state",
            state,
        ]);
        let line = format!("etcd --name {name} --listen-client-urls {client}");
        let process = Invocation::new(&self.place, command, line).start();
        self.members[member].process = Some(process);
    }

    /// Waits until a member says that it is healthy; says what it has printed if it is not in time.
    fn wait(&mut self, member: usize) -> Result<(), String> {
        let address = self.members[member].client;
        let process = self.members[member].process.as_mut().ok_or("it was killed")?;
        let served = look_until(Instant::now() + LIMIT, &mut || match health(address) {
            Ok(answer) if answer.contains("\"health\":\"true\"") => Ok(true),
            // Whoever has ended never serves: there is nothing to wait for.
            _ if process.has_ended() => Ok(false),
            Ok(answer) => Err(answer),
            Err(error) => Err(error.to_string()),
        });
        match served {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("member {member} has ended: {}", process.shown())),
            Err(seen) => Err(format!("member {member} does not serve: {seen} {}", process.shown())),
        }
    }
}

/// Members with ports that are free, all at once so that none is chosen twice.
fn free_members(count: usize) -> Vec<Member> {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let listeners: Vec<_> = (0..2 * count).map(listen).collect();
    let address = |at: usize| listeners[at].local_addr().expect("a listener has an address");
    let member = |number: usize| Member {
        name: format!("member{number}"),
        client: address(2 * number),
        peer: address(2 * number + 1),
        process: None,
    };
    (0..count).map(member).collect()
}

/// What a member says of its health: a word of it is a read that a majority has agreed to.
fn health(address: SocketAddr) -> std::io::Result<String> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The program, found or fetched once for all tests of this process.
static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = house::root().join("tests/harness/etcd.sh");
    let found = Command::new(&script).output();
    let found = found.unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
    let said = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "there is no etcd to test with:\n{said}");
    PathBuf::from(String::from_utf8_lossy(&found.stdout).trim())
});
