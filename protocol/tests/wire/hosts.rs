//! The socket to an executor host: frames come back, and what is no frame ends the connection.

use stoa_model::host::{Command, Event, TaskChange};
use stoa_model::status::{Download, Reason, Usage};
use stoa_model::task::{KillPolicy, TaskState};
use stoa_protocol::host::{Frame, FrameError, FromHost, ToHost, append, read, write};
use stoa_protocol::limits::HOST_FRAME_BYTES_MAX;

use crate::fixtures::{
    agent, command_task, digest, executor, executor_task, framework, task, update,
};

fn commands() -> Vec<Command> {
    vec![
        Command::Launch { framework: framework(), agent: agent(), task: Box::new(command_task()) },
        Command::Launch { framework: framework(), agent: agent(), task: Box::new(executor_task()) },
        Command::Kill { framework: framework(), task: task(), policy: KillPolicy { grace_ms: 7 } },
        Command::SetPaused { framework: framework(), task: task(), is_paused: true },
        Command::Message { framework: framework(), executor: executor(), data: vec![0, 255] },
        Command::Acknowledge { framework: framework(), task: task(), update: update() },
        Command::Shutdown { framework: framework(), executor: executor(), grace_ms: 9 },
        Command::RemoveFramework { framework: framework() },
        Command::Reregistered { agent: agent() },
    ]
}

fn events() -> Vec<Event> {
    let change = TaskChange {
        framework: framework(),
        task: task(),
        state: TaskState::Failed,
        reason: Reason::Exited,
        message: "it failed".to_owned(),
        exit_code: Some(-3),
        usage: Some(Usage { fuel: 1, wall_us: 2, memory_peak_bytes: 3, output_bytes: 4 }),
        data: vec![1, 0],
        downloads: vec![Download { guest_path: "/out".to_owned(), archive: digest(5) }],
    };
    vec![
        Event::Update(Box::new(change)),
        Event::Message { framework: framework(), executor: executor(), data: vec![3] },
        Event::ExecutorEnded {
            framework: framework(),
            executor: executor(),
            message: "it was told to".to_owned(),
        },
        Event::Output {
            framework: framework(),
            task: task(),
            stdout_bytes: 5,
            stderr_bytes: u64::MAX,
        },
    ]
}

async fn sent<T: Frame + std::fmt::Debug + PartialEq>(values: &[T]) {
    let mut bytes = Vec::new();
    for value in values {
        append(value, &mut bytes).expect("it is small");
    }
    let (mut near, mut far) = tokio::io::duplex(7);
    let writing = async { write(&mut near, &bytes).await.map(|()| drop(near)) };
    let reading = async {
        for value in values {
            assert_eq!(&read::<T>(&mut far).await.expect("it was written"), value);
        }
        assert!(matches!(read::<T>(&mut far).await, Err(FrameError::Ended)));
    };
    let (written, ()) = tokio::join!(writing, reading);
    written.expect("the other side reads");
}

#[tokio::test]
async fn frames_come_back_one_by_one() {
    let mut told: Vec<_> = commands().into_iter().map(ToHost::Command).collect();
    told.extend([ToHost::Attach { taken: 9 }, ToHost::Taken { number: 1 }]);
    told.extend([ToHost::Ask, ToHost::End]);
    sent(&told).await;
    let event = |(event, number)| FromHost::Event { number, event };
    let mut heard: Vec<_> = events().into_iter().zip(1..).map(event).collect();
    heard.extend([FromHost::Hello { version: "0.1.0".to_owned() }, FromHost::Alive]);
    heard.push(FromHost::Idle { commands: 3 });
    sent(&heard).await;
}

#[tokio::test]
async fn what_is_no_frame_is_told_apart() {
    let large = u32::try_from(HOST_FRAME_BYTES_MAX + 1).unwrap().to_le_bytes();
    let mut attach = Vec::new();
    append(&ToHost::Attach { taken: 1 }, &mut attach).unwrap();
    let cases: [(&[u8], &str); 5] = [
        (&large, "a frame of 16777217 bytes, 16777216 are allowed"),
        (&attach[..attach.len() - 1], "the socket broke"),
        (&attach[..2], "the other side has ended"),
        (&[2, 0, 0, 0, 255, 255], "a frame that is no message"),
        (&[0, 0, 0, 0], "a frame that is not legal"),
    ];
    for (bytes, expected) in cases {
        let mut bytes = bytes;
        let error = read::<ToHost>(&mut bytes).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let data = vec![0; HOST_FRAME_BYTES_MAX];
    let command = Command::Message { framework: framework(), executor: executor(), data };
    let mut bytes = Vec::new();
    let error = append(&ToHost::Command(command), &mut bytes).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { .. }));
    assert!(bytes.is_empty());
}
