//! Every event of the `command` executor against the recording double.

use stoa_executor::double::{self, Call};
use stoa_executor::subtasks::{Input, Output, Refusal, Source};
use stoa_executor::{Limits, Reason, TaskState, TaskStatus, Usage};

use super::*;

const GRACE: KillPolicy = KillPolicy { grace_ms: 100 };

fn command() -> Command {
    Command::registered(double::executor_info("command"))
}

/// With one task `t`, whose program is subtask 1.
fn with_task() -> Command {
    let mut command = command();
    command.launch_task(double::task_info("t")).unwrap();
    double::take();
    command
}

fn status(state: TaskState) -> TaskStatus {
    TaskStatus::new("t", state)
}

#[test]
fn launch_spawns_the_own_program_with_all_it_was_granted_and_says_running() {
    let mut command = command();
    assert_eq!(command.launch_task(double::task_info("t")), Ok(()));
    let own = SpawnOptions {
        task: Some("t".to_owned()),
        source: Source::Own,
        limits: None::<Limits>,
        stdin: Input::Task,
        stdout: Output::Log,
        stderr: Output::Log,
    };
    let expected = [Call::Spawn(own), Call::SendStatusUpdate(status(TaskState::Running))];
    assert_eq!(double::take(), expected);
}

#[test]
fn program_that_cannot_start_fails_its_task_with_the_reason() {
    let reason = Reason::InvalidModule("no magic".to_owned());
    double::answer_spawn(Err(Refusal::CannotStart(reason.clone())));
    let mut command = command();
    assert_eq!(command.launch_task(double::task_info("t")), Ok(()));
    let failed = TaskStatus { because: Some(reason), ..status(TaskState::Failed) };
    assert_eq!(double::take_statuses(), [failed]);
    command.kill_task("t", GRACE);
    assert_eq!(double::take(), [], "it is over");
}

#[test]
fn task_whose_program_is_refused_otherwise_is_refused() {
    double::answer_spawn(Err(Refusal::TooMuch("too many subtasks".to_owned())));
    double::answer_spawn(Err(Refusal::UnknownTask("t".to_owned())));
    let mut command = command();
    let mut refused = || command.launch_task(double::task_info("t")).unwrap_err();
    assert_eq!(refused(), "too many subtasks");
    assert_eq!(refused(), "no task t of this executor is under way");
    assert_eq!(double::take_statuses(), []);
}

#[test]
fn kill_without_grace_kills_and_says_no_more() {
    let mut command = with_task();
    command.kill_task("t", KillPolicy::AT_ONCE);
    assert_eq!(double::take(), [Call::Kill { subtask: 1, policy: KillPolicy::AT_ONCE }]);
}

#[test]
fn kill_with_grace_says_killing_before_it_kills() {
    let mut command = with_task();
    command.kill_task("t", GRACE);
    let expected = [
        Call::SendStatusUpdate(status(TaskState::Killing)),
        Call::Kill { subtask: 1, policy: GRACE },
    ];
    assert_eq!(double::take(), expected);
}

#[test]
fn kill_of_what_has_ended_or_never_was_does_nothing() {
    let mut command = with_task();
    command.kill_task("u", GRACE);
    command.subtask_exited(double::subtask_exit("t", 1, Reason::Exited(0)));
    double::take();
    command.kill_task("t", GRACE);
    assert_eq!(double::take(), []);
}

#[test]
fn each_end_of_the_program_is_the_end_of_its_task() {
    let text = || "text".to_owned();
    let ends = [
        (Reason::Exited(0), TaskState::Finished),
        (Reason::Exited(3), TaskState::Failed),
        (Reason::Trapped(text()), TaskState::Failed),
        (Reason::FuelExhausted, TaskState::Failed),
        (Reason::MemoryExceeded, TaskState::Failed),
        (Reason::OutputExceeded, TaskState::Failed),
        (Reason::DiskExceeded, TaskState::Failed),
        (Reason::TimedOut, TaskState::Failed),
        (Reason::Killed, TaskState::Killed),
        (Reason::InvalidModule(text()), TaskState::Failed),
        (Reason::MissingImport(text()), TaskState::Failed),
        (Reason::GrantDenied(text()), TaskState::Failed),
        (Reason::ContainerFailed(text()), TaskState::Failed),
    ];
    for (why, state) in ends {
        let usage = Usage { fuel: 7, ..double::NOTHING_USED };
        let exit = SubtaskExit { usage, ..double::subtask_exit("t", 1, why.clone()) };
        let mut command = with_task();
        command.subtask_exited(exit);
        let (because, usage) = (Some(why), Some(usage));
        assert_eq!(double::take_statuses(), [TaskStatus { because, usage, ..status(state) }]);
    }
}

#[test]
fn shutdown_leaves_the_programs_their_grace() {
    let mut command = with_task();
    command.shutdown(1_000);
    assert_eq!(double::take(), []);
}
