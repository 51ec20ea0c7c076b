//! Compiling once: across tasks, across restarts, among many who ask at the same time.

#[cfg(test)]
mod house;

use house::{House, task};
use stoa_model::host::Event;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

#[tokio::test]
async fn what_was_compiled_starts_without_compiling_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let mut house = House::at(root.path());
    let program = house.store_sample("primes");
    house.run(task("first", program)).await;
    assert!(house.states("first").contains(&TaskState::Starting), "it had to be compiled");
    let (compiles, cached) = (house.handle.statistics().compiles, house.cached());
    assert_eq!((compiles, cached.len()), (2, 2), "the program and the built-in executor");
    drop(house);

    let mut house = House::at(root.path());
    house.run(task("second", program)).await;
    assert!(!house.states("second").contains(&TaskState::Starting));
    let statistics = house.handle.statistics();
    assert_eq!((statistics.compiles, statistics.cache_loads), (0, 2));
    assert_eq!(house.cached(), cached);
}

#[tokio::test]
async fn damaged_code_is_refused_removed_and_compiled_again() {
    let root = tempfile::tempdir().unwrap();
    let mut house = House::at(root.path());
    let program = house.store_sample("primes");
    house.run(task("first", program)).await;
    drop(house);
    let house = House::at(root.path());
    for path in house.cached().into_keys() {
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    drop(house);
    let mut house = House::at(root.path());
    let over = house.run(task("second", program)).await;
    assert_eq!(over.reason, Reason::Exited, "{over:?}");
    assert!(house.states("second").contains(&TaskState::Starting), "it was compiled again");
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_compile() {
    let mut house = House::new();
    let program = house.store_sample("words");
    for number in 0..20 {
        house.launch(task(&format!("t{number}"), program)).await;
    }
    let mut told = 0;
    let mut over = 0;
    while over < 20 {
        if let Event::Update(change) = house.next().await {
            if change.state == TaskState::Starting {
                assert_eq!(change.reason, Reason::Progress);
                assert!(change.message.starts_with("compiling program ("), "{}", change.message);
                told += 1;
            }
            over += u32::from(change.state.is_terminal());
        }
    }
    assert_eq!(house.handle.statistics().compiles, 2, "the program and the built-in executor");
    assert_eq!(told, 20, "everybody is told why it takes so long");
}

#[tokio::test]
async fn what_cannot_be_compiled_is_not_tried_again_at_once() {
    let mut house = House::new();
    let program = house.store(b"no wasm");
    let first = house.run(task("first", program)).await;
    std::fs::remove_file(house.root.join("artifacts").join(program.hex())).unwrap();
    let second = house.run(task("second", program)).await;
    assert_eq!((first.reason, second.reason), (Reason::InvalidModule, Reason::InvalidModule));
    assert_eq!(first.message, second.message);
}
