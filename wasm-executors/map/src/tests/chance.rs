//! Random events in random order: whatever happens, each task gets one end, and nothing after it.

use std::collections::BTreeSet;

use fastrand::Rng;
use stoa_executor::double::{self, Call, LIMITS};
use stoa_executor::subtasks::Refusal;
use stoa_executor::{
    Executor, KillPolicy, Limits, Reason, SubtaskOutput, TaskInfo, TaskState, driver,
};

use super::Site;

/// What Stoa knows of one executor.
struct World {
    site: Site,
    random: Rng,
    /// Tasks that are not over.
    open: BTreeSet<String>,
    updates_in_event: usize,
    launched: usize,
    ended: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        double::take();
        double::answer_own_limits(Limits { memory_bytes: 32 << 20, ..LIMITS });
        let data = format!(
            r#"{{"framing": "{}", "instances": {}, "call_ms": {}}}"#,
            ["lines", "numbered", "lengths"][random.usize(..3)],
            random.u8(1..4),
            random.u8(1..200)
        );
        let mut world = Self {
            site: Site::new(&data),
            random,
            open: BTreeSet::new(),
            updates_in_event: 0,
            launched: 0,
            ended: 0,
        };
        world.look();
        world
    }

    /// Checks everything that the executor has said in one event.
    fn look(&mut self) {
        self.updates_in_event = 0;
        for call in double::take() {
            match call {
                Call::SendStatusUpdate(status) => {
                    self.updates_in_event += 1;
                    assert!(status.state.is_terminal(), "{status:?}");
                    let failed_by_0 = status.because == Some(Reason::Exited(0));
                    assert!(!(status.state == TaskState::Failed && failed_by_0), "{status:?}");
                    assert!(self.open.remove(&status.task), "over or unknown: {status:?}");
                    self.ended += 1;
                }
                Call::WriteStdin { data, .. } => {
                    assert!(!data.is_empty(), "that would close the stdin");
                    assert!(data.len() <= 64 << 10);
                }
                Call::Kill { policy, .. } => assert_eq!(policy, KillPolicy::AT_ONCE),
                Call::Stop => panic!("nobody asked it to end"),
                _ => {}
            }
        }
        assert!(self.updates_in_event <= 1_000);
    }

    fn answers(&mut self) {
        if self.random.u8(..) < 20 {
            let why = match self.random.u8(..4) {
                0 => Refusal::TooMuch("no memory".into()),
                1 => Refusal::CannotStart(Reason::ContainerFailed("no room".into())),
                2 => Refusal::CannotStart(Reason::InvalidModule("bad".into())),
                _ => Refusal::Ended,
            };
            double::answer_spawn(Err(why));
        }
        match self.random.u8(..) {
            0..30 => double::answer_write_stdin(Ok(self.random.u32(..5))),
            30..40 => double::answer_write_stdin(Err(Refusal::Ended)),
            40..44 => double::answer_kill(Err(Refusal::Ended)),
            _ => {}
        }
    }

    fn step(&mut self) {
        self.answers();
        let subtask = self.random.u64(1..40);
        match self.random.u8(..100) {
            0..40 => {
                let task = format!("t{}", self.launched);
                self.launched += 1;
                let bytes = if self.random.u8(..) < 3 { 200_000 } else { self.random.usize(..20) };
                let input = vec![b'x' + u8::from(self.random.u8(..) < 3); bytes];
                self.open.insert(task.clone());
                let wall_ms = self.random.bool().then(|| self.random.u64(1..300));
                let limits = Limits { wall_ms, ..LIMITS };
                let info = TaskInfo { limits, data: input, ..double::task_info(&task) };
                if self.site.map.launch_task(info).is_err() {
                    self.open.remove(&task);
                    self.ended += 1;
                }
            }
            40..50 => {
                let task = format!("t{}", self.random.usize(..=self.launched));
                self.site.map.kill_task(&task, KillPolicy { grace_ms: 5 });
            }
            50..80 => {
                let data = match self.random.u8(..10) {
                    0 => vec![0xff; self.random.usize(..10)],
                    1..4 => b"A\n".repeat(self.random.usize(1..4)),
                    4..6 => format!("{} A\n", self.random.usize(..=self.launched)).into_bytes(),
                    _ => b"\x01\0\0\0y".repeat(self.random.usize(1..4)),
                };
                let is_stderr = self.random.u8(..) < 20;
                let output = SubtaskOutput { task: None, subtask, is_stderr, data };
                self.site.map.subtask_output(output);
            }
            80..90 => {
                let why = if self.random.bool() { Reason::Exited(0) } else { Reason::Killed };
                self.site.exit(subtask, why);
            }
            90..92 => self.site.map.message(Vec::new()),
            _ => {
                let later = self.site.now_ms + self.random.u64(..100);
                self.site.at(later);
                self.site.map.tick();
            }
        }
        self.look();
    }

    /// All programs end at once for ever: then nothing can stay open.
    fn come_to_an_end(&mut self) {
        let answers_left = 10_000;
        for _ in 0..answers_left {
            double::answer_spawn(Err(Refusal::CannotStart(Reason::InvalidModule("bad".into()))));
        }
        for subtask in 1..1_000 {
            self.site.exit(subtask, Reason::MemoryExceeded);
            self.look();
        }
        for _ in 0..100 {
            let later = self.site.now_ms + 10_000;
            self.site.at(later);
            self.site.map.tick();
            self.look();
        }
    }
}

#[test]
fn every_call_gets_one_end_and_nothing_after_it() {
    for seed in 0..300 {
        // Each in a thread of its own: so is the double, with the answers that were not taken.
        let run = std::thread::spawn(move || {
            let mut world = World::new(seed);
            for _ in 0..400 {
                world.step();
            }
            world.come_to_an_end();
            assert!(world.open.is_empty(), "seed {seed}: never over: {:?}", world.open);
            assert_eq!(world.ended, world.launched, "seed {seed}");
        });
        run.join().unwrap_or_else(|_| panic!("seed {seed}"));
    }
}

#[test]
fn every_answer_reaches_its_own_call_however_the_bytes_are_cut() {
    let mut random = Rng::with_seed(7);
    let mut site = Site::new("");
    let (mut launched, mut answered) = (0, 0);
    // What the function has read and not answered, and what the next write is to take.
    let (mut read, mut takes) = (Vec::new(), None);
    while answered < 2_000 {
        let takes_next = *takes.get_or_insert_with(|| {
            let bytes = random.usize(..30);
            double::answer_write_stdin(Ok(u32::try_from(bytes).unwrap()));
            bytes
        });
        if launched < 2_000 && random.bool() {
            site.launch(&launched.to_string(), format!("input {launched}").as_bytes()).unwrap();
            launched += 1;
        } else if random.bool() {
            let output: Vec<u8> = read.drain(..random.usize(..=read.len())).collect();
            site.output(1, &output.to_ascii_uppercase());
        } else {
            site.at(site.now_ms + 64);
            site.map.tick();
        }
        for call in double::take() {
            match call {
                Call::WriteStdin { data, .. } => {
                    assert!(takes.take().is_some(), "a second write in one event");
                    read.extend_from_slice(&data[..takes_next.min(data.len())]);
                }
                Call::SendStatusUpdate(status) => {
                    assert_eq!(status.data, format!("INPUT {}", status.task).as_bytes());
                    answered += 1;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn updates_that_stoa_does_not_take_are_sent_again() {
    let mut site = Site::new("");
    site.launch("a", b"").unwrap();
    site.launch("b", b"").unwrap();
    double::take();
    double::answer_send_status_update(Err(driver::Refusal::TooMuch("1 024 messages".into())));
    site.output(1, b"1\n2\n");
    let calls = double::take();
    assert!(calls.contains(&Call::WakeAfter(0)), "{calls:?}");
    site.map.tick();
    let told: Vec<_> = double::take_statuses().into_iter().map(|status| status.task).collect();
    assert_eq!(told, ["a", "b"]);
}
