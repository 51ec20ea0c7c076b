//! Random events in random order: whatever happens, each task gets one end, and nothing after it.

use std::collections::BTreeMap;

use fastrand::Rng;
use stoa_executor::double::{self, Call};
use stoa_executor::subtasks::Refusal;
use stoa_executor::{Executor, KillPolicy, Reason, TaskState};

use super::{at, executor, exit, member};
use crate::Group;

/// What Stoa knows of one executor.
struct World {
    group: Group,
    random: Rng,
    now_ms: u64,
    /// Tasks that are not over, with what was said of them last.
    open: BTreeMap<String, Option<TaskState>>,
    launched: usize,
    ended: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            group: executor(r#"{"wait_ms": 300}"#),
            random: Rng::with_seed(seed),
            now_ms: 0,
            open: BTreeMap::new(),
            launched: 0,
            ended: 0,
        }
    }

    /// Checks everything that the executor has said in one event.
    fn look(&mut self) {
        for call in double::take() {
            match call {
                Call::SendStatusUpdate(status) => {
                    let last = self.open.get_mut(&status.task);
                    let last = last.unwrap_or_else(|| panic!("over or unknown: {status:?}"));
                    let order = |state| match state {
                        None => 0,
                        Some(TaskState::Starting) => 1,
                        Some(TaskState::Running) => 2,
                        Some(TaskState::Killing) => 3,
                        Some(_) => 4,
                    };
                    assert!(order(Some(status.state)) > order(*last), "{last:?} -> {status:?}");
                    *last = Some(status.state);
                    let success = status.because == Some(Reason::Exited(0));
                    assert!(status.state != TaskState::Failed || !success, "{status:?}");
                    assert!(status.state != TaskState::Finished || success, "{status:?}");
                    if status.state.is_terminal() {
                        self.open.remove(&status.task);
                        self.ended += 1;
                    }
                }
                Call::Spawn(options) => {
                    let task = options.task.unwrap();
                    assert!(self.open.contains_key(&task), "{task} is over");
                }
                Call::Stop => panic!("nobody asked it to end"),
                _ => {}
            }
        }
    }

    fn step(&mut self) {
        match self.random.u8(..) {
            0..10 => double::answer_spawn(Err(Refusal::TooMuch("memory".into()))),
            10..20 => {
                let reason = Reason::InvalidModule("bad".into());
                double::answer_spawn(Err(Refusal::CannotStart(reason)));
            }
            20..24 => double::answer_kill(Err(Refusal::Ended)),
            _ => {}
        }
        match self.random.u8(..100) {
            0..45 => {
                let task = format!("t{}", self.launched);
                self.launched += 1;
                let group = format!("g{}", self.random.u8(..4));
                let size = if self.random.u8(..) < 20 { 7 } else { 3 };
                let info = member(&task, &group, size, self.random.usize(..4));
                self.open.insert(task.clone(), None);
                if self.group.launch_task(info).is_err() {
                    assert_eq!(self.open.remove(&task), Some(None), "refused, and told of");
                    self.ended += 1;
                }
            }
            45..50 => {
                let task = format!("t{}", self.random.usize(..=self.launched));
                let grace_ms = self.random.u64(..2) * 50;
                self.group.kill_task(&task, KillPolicy { grace_ms });
            }
            50..90 => {
                let newest = 2 + 3 * u64::try_from(self.launched).unwrap();
                let subtask = self.random.u64(newest.saturating_sub(60)..newest);
                let codes = [0, 0, 0, 0, 0, 0, 0, 1];
                let code = codes[self.random.usize(..codes.len())];
                exit(&mut self.group, "t", subtask, Reason::Exited(code));
            }
            _ => {
                self.now_ms += self.random.u64(..100);
                at(self.now_ms);
                self.group.tick();
            }
        }
        self.look();
    }

    /// All programs end and the time of every group comes: then nothing can stay open.
    fn come_to_an_end(&mut self) {
        for subtask in 1..=4 * u64::try_from(self.launched).unwrap() {
            exit(&mut self.group, "t", subtask, Reason::Exited(0));
            self.look();
        }
        at(self.now_ms + 300);
        for _ in 0..4 {
            self.group.tick();
            self.look();
        }
    }
}

#[test]
fn every_task_gets_one_end_and_nothing_after_it() {
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
            assert_eq!(world.group.groups.tasks(), (0, 0), "seed {seed}");
        });
        run.join().unwrap_or_else(|_| panic!("seed {seed}"));
    }
}
