//! `walled open|walled DIR CASE`: tries one thing without or within walls, of which `DIR/reads` and
//! `DIR/writes` are let through, and prints `done` or what the kernel says. For the test of the
//! walls, which needs processes of their own: walls never come down.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use stoa_machine::walls::Walls;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [mode, dir, case] = arguments.as_slice() else {
        eprintln!("usage: walled open|walled DIR CASE");
        return ExitCode::from(2);
    };
    let dir = Path::new(dir);
    if mode == "walled" {
        let walls = Walls {
            reads: vec![dir.join("reads"), dir.join("is not there")],
            writes: vec![dir.join("writes")],
            open_files_max: 64,
        };
        match walls.raise() {
            Ok(raised) => raised.missing.iter().for_each(|missing| println!("missing: {missing}")),
            Err(error) => {
                println!("not raised: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    match attempt(&case.to_string_lossy(), dir) {
        Ok(()) => println!("done"),
        Err(error) => println!("{error}"),
    }
    ExitCode::SUCCESS
}

fn attempt(case: &str, dir: &Path) -> io::Result<()> {
    let parent = Pid::from_raw(std::os::unix::process::parent_id() as i32);
    match case {
        "read what is let through" => fs::read(dir.join("reads/file")).map(drop),
        "write what is let through" => fs::write(dir.join("writes/file"), "x"),
        "start a thread" => {
            let joined = std::thread::spawn(|| ()).join();
            joined.map_err(|_| io::Error::other("it panicked"))
        }
        "open a socket of the network" => std::net::TcpListener::bind("127.0.0.1:0").map(drop),
        "read another file" => fs::read(dir.join("other/file")).map(drop),
        "list another directory" => fs::read_dir(dir.join("other")).map(drop),
        "write what may be read" => fs::write(dir.join("reads/file"), "x"),
        "write another file" => fs::write(dir.join("other/file"), "x"),
        "take a file out" => fs::rename(dir.join("writes/gone"), dir.join("other/gone")),
        "reach out by a link" => {
            let link = dir.join("writes/link");
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(dir.join("other/file"), &link)?;
            fs::read(&link).map(drop)
        }
        "start a program" => Command::new("/bin/true").status().map(drop),
        "signal another process" => {
            let parent = parent.ok_or_else(|| io::Error::other("no parent"))?;
            kill_process(parent, Signal::CONT).map_err(Into::into)
        }
        "raise its own limit" => {
            let most = getrlimit(Resource::Nofile).maximum;
            let files: io::Result<Vec<_>> =
                (0..100).map(|_| File::open(dir.join("reads/file"))).collect();
            files.map(drop).map_err(|error| io::Error::other(format!("{error}, {most:?}")))
        }
        "speak to an abstract socket" => {
            use std::os::linux::net::SocketAddrExt;
            let name = dir.as_os_str().as_encoded_bytes();
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            UnixDatagram::unbound()?.connect_addr(&address)
        }
        other => Err(io::Error::other(format!("no case {other:?}"))),
    }
}
