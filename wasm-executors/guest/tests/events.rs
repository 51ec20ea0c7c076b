//! An executor sees the events, its calls reach the double, and refusals come back.

use stoa_executor::double::{self, Call};
use stoa_executor::files::{self, Entry};
use stoa_executor::subtasks::{self, Input, Output, Source, SpawnOptions, Target};
use stoa_executor::{
    Executor, ExecutorInfo, KillPolicy, NamedProgram, Reason, SubtaskExit, TaskInfo, TaskState,
    TaskStatus, driver,
};

/// Does what every method does unless it is written.
struct Plain;

impl Executor for Plain {
    fn registered(_info: ExecutorInfo) -> Self {
        Self
    }

    fn launch_task(&mut self, task: TaskInfo) -> Result<(), String> {
        driver::running(&task.id)?;
        Ok(())
    }

    fn kill_task(&mut self, task: &str, _policy: KillPolicy) {
        driver::killed(task).expect("the double takes it");
    }
}

stoa_executor::export!(Plain);

fn status(state: TaskState) -> TaskStatus {
    TaskStatus::new("t", state)
}

fn cat() -> stoa_executor::Program {
    NamedProgram { name: "cat".to_owned(), artifact: "sha256:00".to_owned() }.with_arguments(["-n"])
}

#[test]
fn methods_that_are_not_written_do_nothing_but_shutdown_which_stops() {
    let mut plain = Plain::registered(double::executor_info("e"));
    plain.reregistered(double::executor_info("e"));
    plain.message(b"m".to_vec());
    plain.acknowledged("t");
    plain.subtask_exited(double::subtask_exit("t", 1, Reason::Killed));
    plain.subtask_output(double::subtask_output("t", 1, b"o"));
    plain.tick();
    assert_eq!(double::take(), []);
    plain.shutdown(1_000);
    assert_eq!(double::take(), [Call::Stop]);
}

#[test]
fn short_forms_report_their_state_and_no_more() {
    driver::starting("t").unwrap();
    driver::running("t").unwrap();
    driver::killing("t").unwrap();
    driver::finished("t", b"d".to_vec()).unwrap();
    driver::failed("t", "m").unwrap();
    driver::killed("t").unwrap();
    let expected = [
        status(TaskState::Starting),
        status(TaskState::Running),
        status(TaskState::Killing),
        TaskStatus { data: b"d".to_vec(), ..status(TaskState::Finished) },
        TaskStatus { message: "m".to_owned(), ..status(TaskState::Failed) },
        status(TaskState::Killed),
    ];
    assert_eq!(double::take_statuses(), expected);
}

#[test]
fn ends_of_subtasks_become_states_with_reason_and_usage() {
    let ends = [
        (Reason::Exited(0), TaskState::Finished),
        (Reason::Exited(1), TaskState::Failed),
        (Reason::Trapped("unreachable".to_owned()), TaskState::Failed),
        (Reason::TimedOut, TaskState::Failed),
        (Reason::Killed, TaskState::Killed),
    ];
    for (why, state) in ends {
        driver::ended(&double::subtask_exit("t", 1, why.clone())).unwrap();
        let (because, usage) = (Some(why), Some(double::NOTHING_USED));
        assert_eq!(double::take_statuses(), [TaskStatus { because, usage, ..status(state) }]);
    }
}

#[test]
fn end_of_a_subtask_without_a_task_is_nothing_to_report() {
    let exit = SubtaskExit { task: None, ..double::subtask_exit("", 1, Reason::Exited(0)) };
    assert_eq!(driver::ended(&exit), Err(driver::Refusal::UnknownTask(String::new())));
    assert_eq!(double::take(), []);
}

#[test]
fn program_that_cannot_start_fails_its_task_and_other_refusals_refuse_it() {
    let missing = Reason::MissingImport("a:b/c".to_owned());
    let cannot_start = subtasks::Refusal::CannotStart(missing.clone());
    assert_eq!(driver::not_spawned("t", cannot_start), Ok(()));
    let failed = TaskStatus { because: Some(missing), ..status(TaskState::Failed) };
    assert_eq!(double::take_statuses(), [failed]);

    let too_much = subtasks::Refusal::TooMuch("2 GiB of memory, 1 GiB is left".to_owned());
    let answer = driver::not_spawned("t", too_much);
    assert_eq!(answer, Err("2 GiB of memory, 1 GiB is left".to_owned()));
    assert_eq!(double::take(), []);
}

#[test]
fn answers_are_given_in_order_and_then_all_goes_well() {
    let own = SpawnOptions::own("t");
    double::answer_spawn(Ok(7));
    double::answer_spawn(Err(subtasks::Refusal::Ended));
    let got: Vec<_> = (0..4).map(|_| subtasks::spawn(&own)).collect();
    assert_eq!(got, [Ok(7), Err(subtasks::Refusal::Ended), Ok(1), Ok(2)]);
    assert_eq!(double::take(), vec![Call::Spawn(own); 4]);

    double::answer_send_status_update(Err(driver::Refusal::TooMuch("1024".to_owned())));
    let mut plain = Plain::registered(double::executor_info("e"));
    assert_eq!(plain.launch_task(double::task_info("t")), Err("1024".to_owned()));
    assert_eq!(plain.launch_task(double::task_info("t")), Ok(()));
}

#[test]
fn usage_of_the_executor_goes_on_to_what_was_set_last() {
    let after = |wall_us| stoa_executor::Usage { wall_us, ..double::NOTHING_USED };
    double::answer_own_usage(after(1));
    double::answer_own_usage(after(2));
    let seen: Vec<_> = (0..3).map(|_| driver::own_usage().wall_us).collect();
    assert_eq!(seen, [1, 2, 2]);
}

#[test]
fn every_call_is_noted_in_order() {
    driver::send_message(b"m").unwrap();
    driver::wake_after(5);
    driver::log("a line");
    assert_eq!(driver::own_limits(), double::LIMITS);
    assert_eq!(driver::own_usage(), double::NOTHING_USED);
    assert_eq!(subtasks::make_pipe(Some("t")), Ok(1));
    assert_eq!(subtasks::write_stdin(1, b"abc"), Ok(3));
    assert_eq!(subtasks::usage_of(1), Ok(double::NOTHING_USED));
    subtasks::close_pipe(1).unwrap();
    subtasks::pause(1).unwrap();
    subtasks::resume(1).unwrap();
    subtasks::kill(1, KillPolicy::AT_ONCE).unwrap();
    let expected = [
        Call::SendMessage(b"m".to_vec()),
        Call::WakeAfter(5),
        Call::Log("a line".to_owned()),
        Call::OwnLimits,
        Call::OwnUsage,
        Call::MakePipe(Some("t".to_owned())),
        Call::WriteStdin { subtask: 1, data: b"abc".to_vec() },
        Call::UsageOf(1),
        Call::ClosePipe(1),
        Call::Pause(1),
        Call::Resume(1),
        Call::Kill { subtask: 1, policy: KillPolicy::AT_ONCE },
    ];
    assert_eq!(double::take(), expected);
    assert_eq!(double::take(), []);
}

#[test]
fn files_are_those_that_were_set() {
    let entry = Entry { name: "a".to_owned(), is_directory: false };
    double::answer_list_directory(Ok(vec![entry.clone()]));
    double::answer_read_file(Err(files::Refusal::NotFound("/b".to_owned())));
    assert_eq!(files::list_directory("t", "/"), Ok(vec![entry]));
    assert_eq!(files::read_file("t", "/b", 0, 9).unwrap_err().to_string(), "not found: /b");
    assert_eq!(files::read_file("t", "/a", 0, 9), Ok(Vec::new()));
}

#[test]
fn options_start_from_what_is_usual() {
    let own = SpawnOptions::own("t");
    assert_eq!((own.source, own.stdin, own.stdout), (Source::Own, Input::Task, Output::Log));
    let bare = SpawnOptions::bare("t", cat()).stdin(Input::Pipe(1));
    assert_eq!((bare.source, bare.stdin), (Source::Bare(cat()), Input::Pipe(1)));
    let granted = SpawnOptions::granted("t", cat())
        .limits(double::LIMITS)
        .stdout(Output::File(Target::append("/log")))
        .stderr(Output::Nothing);
    let file = Output::File(Target { path: "/log".to_owned(), append: true });
    assert_eq!((granted.stdout, granted.stderr), (file, Output::Nothing));
    assert_eq!((granted.stdin, granted.limits), (Input::Task, Some(double::LIMITS)));
    let for_executor = SpawnOptions::for_executor(cat());
    assert_eq!((for_executor.task, for_executor.stdin), (None, Input::Empty));
    assert_eq!((for_executor.stdout, for_executor.stderr), (Output::Executor, Output::Executor));
}

#[test]
fn programs_are_found_by_their_names() {
    let named = NamedProgram { name: "cat".to_owned(), artifact: "sha256:00".to_owned() };
    let task = TaskInfo { programs: vec![named.clone()], ..double::task_info("t") };
    assert_eq!(task.program("cat"), Some(&named));
    assert_eq!(task.program("dog"), None);
    let info = ExecutorInfo { programs: vec![named.clone()], ..double::executor_info("e") };
    assert_eq!(info.program("cat"), Some(&named));
    assert_eq!(cat().arguments, ["-n"]);
}
