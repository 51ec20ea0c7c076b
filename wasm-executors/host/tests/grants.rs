//! What a guest can touch: directories, uploads and downloads, disk, the network. What is not
//! granted is not there, and what cannot be granted is refused before the start.

#[cfg(test)]
mod house;

use std::io::Read;

use house::{House, MIB, command, task, with_arguments};
use stoa_model::command::{Access, DirectoryGrant, NetworkGrant, Upload};
use stoa_model::operator::LogStream;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

fn directory(host_path: &std::path::Path, access: Access) -> DirectoryGrant {
    let host_path = host_path.display().to_string();
    DirectoryGrant { host_path, guest_path: "/data".to_owned(), access }
}

/// Opens a path below the first directory to create it, and exits with the error number.
fn creator(path: &str) -> String {
    // Flags: path_open with O_CREAT (1), rights to read and write (fd_read 2, fd_write 64).
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open" (func $open
                (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 64) "{path}")
            (func (export "_start")
                (call $exit (call $open (i32.const 3) (i32.const 1) (i32.const 64)
                    (i32.const {length}) (i32.const 1) (i64.const 66) (i64.const 66)
                    (i32.const 0) (i32.const 0)))))"#,
        length = path.len()
    )
}

#[tokio::test]
async fn a_directory_is_there_as_granted() {
    let mut house = House::new();
    let allowed = house.root.join("allowed");
    std::fs::write(allowed.join("text"), "one two three\n").unwrap();
    let mut words = with_arguments(task("words", house.store_sample("words")), &["/data"]);
    command(&mut words).grants.directories = vec![directory(&allowed, Access::ReadOnly)];
    assert_eq!(house.run(words).await.state, TaskState::Finished);
    assert!(house.log("words", LogStream::Stdout).contains("total 3"));

    let program = house.store_wat(&creator("new"));
    for (name, access, made) in [("ro", Access::ReadOnly, false), ("rw", Access::ReadWrite, true)] {
        let mut task = task(name, program);
        command(&mut task).grants.directories = vec![directory(&allowed, access)];
        let over = house.run(task).await;
        assert_eq!(over.exit_code == Some(0), made, "{name}: {over:?}");
        assert_eq!(allowed.join("new").exists(), made, "{name}");
    }
}

#[tokio::test]
async fn no_path_leads_out_of_a_directory() {
    let mut house = House::new();
    let allowed = house.root.join("allowed");
    std::os::unix::fs::symlink(&house.root, allowed.join("up")).unwrap();
    std::os::unix::fs::symlink("..", allowed.join("parent")).unwrap();
    for (number, path) in
        ["../out", "up/out", "up/", "parent/out", "/out", "./../out", "parent/../out"]
            .into_iter()
            .enumerate()
    {
        let mut task = task(&format!("t{number}"), house.store_wat(&creator(path)));
        command(&mut task).grants.directories = vec![directory(&allowed, Access::ReadWrite)];
        let over = house.run(task).await;
        assert_eq!(
            (over.reason, over.state),
            (Reason::Exited, TaskState::Failed),
            "{path}: {over:?}"
        );
        assert!(!house.root.join("out").exists(), "{path}");
    }
}

#[tokio::test]
async fn what_the_operator_does_not_allow_is_refused_by_name() {
    let mut house = House::new();
    let program = house.store_sample("noop");
    std::os::unix::fs::symlink("/etc", house.root.join("allowed/link")).unwrap();
    let cases = [
        (house.root.join("artifacts"), "is not allowed on this agent"),
        (house.root.join("allowed/link"), "is not allowed on this agent"),
        (house.root.join("allowed/../artifacts"), "is not allowed on this agent"),
        (house.root.join("allowed/missing"), "cannot be opened: No such file"),
    ];
    for (number, (path, message)) in cases.into_iter().enumerate() {
        let mut task = task(&format!("t{number}"), program);
        command(&mut task).grants.directories = vec![directory(&path, Access::ReadOnly)];
        let over = house.run(task).await;
        assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::GrantDenied));
        let path = path.display().to_string();
        assert!(over.message.contains(message) && over.message.contains(&path), "{over:?}");
    }
    let mut twice = task("twice", program);
    let grant = directory(&house.root.join("allowed"), Access::ReadOnly);
    command(&mut twice).grants.directories = vec![grant.clone(), grant];
    assert_eq!(house.run(twice).await.message, "the guest path /data is granted twice");
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).expect("a vector takes all");
    }
    builder.into_inner().expect("a vector takes all")
}

#[tokio::test]
async fn uploads_travel_there_and_downloads_back() {
    let mut house = House::new();
    let upload = house.store(&tar_of(&[("a/text", b"one two\n"), ("more", b"three\n")]));
    let mut words = with_arguments(task("words", house.store_sample("words")), &["/in"]);
    command(&mut words).grants.uploads =
        vec![Upload { archive: upload, guest_path: "/in".to_owned() }];
    assert_eq!(house.run(words).await.state, TaskState::Finished);
    assert!(house.log("words", LogStream::Stdout).contains("total 3"));

    let mut both = task("both", house.store_wat(&creator("new")));
    command(&mut both).grants.uploads =
        vec![Upload { archive: upload, guest_path: "/in".to_owned() }];
    command(&mut both).grants.downloads = vec!["/in".to_owned(), "/out".to_owned()];
    let over = house.run(both).await;
    assert_eq!(over.state, TaskState::Finished, "{over:?}");
    assert_eq!(over.downloads.len(), 2);
    let packed = |number: usize| {
        let archive = over.downloads[number].archive.hex();
        let bytes = std::fs::read(house.root.join("artifacts").join(archive)).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut files = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            files.push((entry.path().unwrap().display().to_string(), content));
        }
        files
    };
    assert_eq!(over.downloads[0].guest_path, "/in");
    let expected = [("a", ""), ("more", "three\n"), ("new", ""), ("a/text", "one two\n")];
    let expected = expected.map(|(path, content)| (path.to_owned(), content.to_owned()));
    let mut got = packed(0);
    got.iter_mut().for_each(|(path, _)| *path = path.trim_end_matches('/').to_owned());
    assert_eq!(got, expected);
    assert_eq!(packed(1), []);
    assert!(!house.root.join("sandboxes/f/both/files").exists(), "the files are cleared away");
}

#[tokio::test]
async fn a_bad_archive_is_refused() {
    let mut house = House::new();
    let program = house.store_sample("noop");
    let large = tar_of(&[("large", &vec![0; 2 * MIB as usize])]);
    let mut climbing = tar_of(&[("aaaaaa", b"x")]);
    climbing[..6].copy_from_slice(b"../out");
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes().copy_from_slice(&climbing[..512]);
    header.set_cksum();
    climbing[..512].copy_from_slice(header.as_bytes());
    let cases: [(&str, &[u8], Reason, &str); 3] = [
        ("large", &large, Reason::DiskExceeded, "it holds more than the 1048576 bytes"),
        ("climbing", &climbing, Reason::GrantDenied, "leaves the directory"),
        ("garbage", &[7; 2_000], Reason::GrantDenied, "cannot unpack the upload for /in"),
    ];
    for (name, bytes, reason, message) in cases {
        let mut task = task(name, program);
        let archive = house.store(bytes);
        command(&mut task).grants.uploads = vec![Upload { archive, guest_path: "/in".to_owned() }];
        let over = house.run(task).await;
        assert_eq!((over.state, over.reason), (TaskState::Failed, reason), "{over:?}");
        assert!(over.message.contains(message), "{}", over.message);
        assert!(!house.root.join("sandboxes/f").join(name).join("files").exists(), "{name}");
    }
}

/// Writes 64 KiB again and again to the file `new`, and then spins or ends.
fn filler(times: u32, then: &str) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open" (func $open
                (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 64) "new")
            (data (i32.const 16) "\00\00\01\00\00\00\01\00")
            (func (export "_start") (local $left i32)
                (drop (call $open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 3)
                    (i32.const 1) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 0)))
                (local.set $left (i32.const {times}))
                (loop
                    (drop (call $write (i32.load (i32.const 0)) (i32.const 16) (i32.const 1)
                        (i32.const 32)))
                    (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
                {then}))"#
    )
}

#[tokio::test]
async fn more_disk_than_granted_ends_the_task() {
    let mut house = House::new();
    for (name, then) in [("spins", "(loop (br 0))"), ("ends", "")] {
        let mut task = task(name, house.store_wat(&filler(32, then)));
        command(&mut task).grants.downloads = vec!["/out".to_owned()];
        let over = house.run(task).await;
        assert_eq!(
            (over.state, over.reason),
            (TaskState::Failed, Reason::DiskExceeded),
            "{over:?}"
        );
        assert!(over.message.contains("more than the"), "{}", over.message);
    }
    let mut fits = task("fits", house.store_wat(&filler(8, "")));
    command(&mut fits).grants.downloads = vec!["/out".to_owned()];
    assert_eq!(house.run(fits).await.state, TaskState::Finished);
}

#[tokio::test]
async fn who_is_charged_disk_has_its_sandbox_as_root() {
    let mut house = House::new();
    let program = house.store_wat(&creator("new"));
    let task_of = |name: &str, disk_bytes| {
        let mut task = task(name, program);
        task.resources.disk_bytes = disk_bytes;
        task
    };
    let (with, without) = (task_of("with", MIB), task_of("without", 0));
    let mut elsewhere = task_of("elsewhere", MIB);
    let allowed = house.root.join("allowed");
    let grant =
        DirectoryGrant { guest_path: "/".to_owned(), ..directory(&allowed, Access::ReadWrite) };
    command(&mut elsewhere).grants.directories = vec![grant];
    assert_eq!(house.run(with).await.state, TaskState::Finished);
    assert!(!house.root.join("sandboxes/f/with/files").exists(), "the files are cleared away");
    assert_eq!(house.run(without).await.exit_code, Some(8), "EBADF: there is no directory");
    assert_eq!(house.run(elsewhere).await.state, TaskState::Finished);
    assert!(allowed.join("new").exists());
    let mut over = task("over", house.store_wat(&filler(32, "")));
    over.resources.disk_bytes = MIB;
    assert_eq!(house.run(over).await.reason, Reason::DiskExceeded);
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_refused() {
    let mut house = House::new();
    let mut task = task("t", house.store_sample("noop"));
    let host = "no-such-host.invalid".to_owned();
    command(&mut task).grants.network = vec![NetworkGrant { host, port: 80 }];
    let over = house.run(task).await;
    assert_eq!((over.state, over.reason), (TaskState::Failed, Reason::GrantDenied));
    assert!(over.message.contains("no-such-host.invalid:80"), "{}", over.message);
}

#[tokio::test]
async fn only_the_granted_peer_can_be_reached() {
    let mut house = House::new();
    let program = house.store(include_bytes!("rascal.wasm"));
    let granted = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [port, other_port] = [&granted, &other].map(|it| it.local_addr().unwrap().port());
    let grant = NetworkGrant { host: "127.0.0.1".to_owned(), port };
    let (port, other_port) = (port.to_string(), other_port.to_string());
    let denied = "access-denied";
    let cases = [
        ("none", vec!["connect", &port], false, denied),
        ("none-bind", vec!["bind", "0"], false, denied),
        ("none-name", vec!["resolve"], false, "permanent-resolver-failure"),
        ("granted", vec!["connect", &port], true, "done"),
        ("granted-name", vec!["resolve"], true, "done"),
        ("other-port", vec!["connect", &other_port], true, denied),
        ("granted-bind", vec!["bind", "0"], true, denied),
    ];
    for (name, arguments, is_granted, said) in cases {
        let mut task = with_arguments(task(name, program), &arguments);
        if is_granted {
            command(&mut task).grants.network = vec![grant.clone()];
        }
        house.run(task).await;
        assert!(
            house.log(name, LogStream::Stdout).contains(said),
            "{name}: {:?}",
            house.heard.last()
        );
    }
    let mut hello = String::new();
    let (mut peer, _) = granted.accept().await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut peer, &mut hello).await.unwrap();
    assert_eq!(hello, "hello");
}
