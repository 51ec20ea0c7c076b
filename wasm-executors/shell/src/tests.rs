//! Shell lines in a toy world: what they start, write and end with.

use stoa_executor::double::{self, Call};
use stoa_executor::{Reason, TaskState};

use super::*;
use crate::budget::{Budget, Used};
use crate::machine::Progress;
use crate::toy::{BUDGET, Toy, machine, run};
use crate::world::Ended;

/// The stdout of each line, and its status.
fn check(table: &[(&str, &str, i32)]) {
    for (line, stdout, status) in table {
        let (toy, outcome) = run(line);
        let got = (toy.stdout.as_str(), outcome.status);
        assert_eq!(got, (*stdout, *status), "{line}: {toy_started:?}", toy_started = toy.started);
        assert_eq!(outcome.blame.is_empty(), *status == 0, "{line}: {}", outcome.blame);
    }
}

#[test]
fn words_are_quoted_and_expanded_as_in_other_shells() {
    check(&[
        ("words a  'b  c' \"d $HOME\" e\\ f # comment", "[a][b  c][d /home][e f]\n", 0),
        ("X='1 2'; words $X \"$X\" '$X' ${X}3 x$X", "[1][2][1 2][$X][1][23][x1][2]\n", 0),
        ("words ${N:-none} ${N-} \"${N}\" ${HOME:+set} ${#HOME}", "[none][][set][5]\n", 0),
        ("words ${N:=made} $N; unset N; words ${N-gone}", "[made][made]\n[gone]\n", 0),
        (
            "F=a/b.tar.gz; words ${F##*/} ${F%.*} ${F%%.*} ${F#a}",
            "[b.tar.gz][a/b.tar][a/b][/b.tar.gz]\n",
            0,
        ),
        ("words \"${N:-a  b}\" ${N:-c  d} '' \"\" $N", "[a  b][c][d][][]\n", 0),
        (
            "words *.txt '*.txt' dir/* /d*/c.* no* [ab].txt",
            "[a.txt][b.txt][*.txt][dir/c.txt][/dir/c.txt][no*][a.txt][b.txt]\n",
            0,
        ),
        (
            "words $((1 + 2 * 3)) \"$(( (1 << 4) - 1 ))\"; I=4; words $((I*$I))",
            "[7][15]\n[16]\n",
            0,
        ),
        ("words \"$@\" a$# $0 $1", "[a0][sh]\n", 0),
        ("words \\\n  a\\\nb", "[ab]\n", 0),
        ("words \"a\\\"b\\$c\\d\" a#b ~", "[a\"b$c\\d][a#b][~]\n", 0),
    ]);
}

#[test]
fn substitutions_give_what_programs_write() {
    check(&[
        ("words $(echo a b) \"$(echo a b)\" `echo c`", "[a][b][a b][c]\n", 0),
        ("X=$(fail 3); words $? $X", "[3]\n", 0),
        ("X=$(echo $(echo deep | upper)); words $X", "[DEEP]\n", 0),
        ("words ${N:-$(echo lazy)} ${HOME:-$(fail)}", "[lazy][/home]\n", 0),
        ("words $(both 2>&1)", "[out][err]\n", 0),
        ("for x in $(echo 1 2); do echo $x; done", "1\n2\n", 0),
        ("$(echo echo hi)", "hi\n", 0),
        ("$(fail 4)", "", 4),
        ("words $(X=1; exit 3)$?", "[0]\n", 0),
    ]);
    let (toy, _) = run("words ${HOME:-$(fail)}");
    assert_eq!(toy.started, ["words /home"], "what is not needed does not run");
}

#[test]
fn pipelines_lists_and_statuses_follow_posix() {
    check(&[
        ("echo a | upper | cat", "A\n", 0),
        ("fail 3 | cat", "", 0),
        ("cat | fail 3", "", 3),
        ("set -o pipefail; fail 3 | fail 4 | cat", "", 4),
        ("! fail; echo $?", "0\n", 0),
        ("! true", "", 1),
        ("fail && echo a || echo b; true || echo c; echo d && echo e", "b\nd\ne\n", 0),
        ("fail 7", "", 7),
        ("exit 5; echo no", "", 5),
        ("fail 6; exit", "", 6),
        ("(exit 3); echo $?; { echo in; }", "3\nin\n", 0),
        ("X=1; (X=2; echo $X); echo $X | cat; X=3 | cat; echo $X", "2\n1\n1\n", 0),
        ("{ echo a; echo b; } | count", "2\n", 0),
        ("echo x | { echo head; cat; }", "head\nx\n", 0),
        ("echo x | true; echo x | (exit 2)", "", 2),
        ("(echo a; (echo b | upper)) | cat", "a\nB\n", 0),
        ("nope", "", 127),
        ("nope | cat; echo $?", "0\n", 0),
        ("dir/prog", "", 127),
        ("broken", "", 126),
        ("", "", 0),
        ("\n# only a comment\n", "", 0),
    ]);
}

#[test]
fn compound_commands_loop_and_choose() {
    check(&[
        ("if fail; then echo a; elif true; then echo b; else echo c; fi", "b\n", 0),
        ("if fail; then echo a; fi; echo $?", "0\n", 0),
        ("for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done", "1\n3\n", 0),
        (
            "for i in 1 2; do for j in a b; do [ $i$j = 1b ] && break 2; echo $i$j; done; done",
            "1a\n",
            0,
        ),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n", 0),
        ("i=0; until [ $i -ge 2 ]\ndo\n i=$((i+1))\ndone; echo $i", "2\n", 0),
        ("for i in; do echo $i; done; while fail; do :; done", "", 0),
        ("for f in *.txt; do echo $f; done | upper", "A.TXT\nB.TXT\n", 0),
        ("case a.txt in *.md) echo md;; *.txt|x) echo txt;; *) echo other; esac", "txt\n", 0),
        (
            "case $HOME in (\"/*\") echo no;; /h?me) echo yes ;; esac; case x in y) ;; esac",
            "yes\n",
            0,
        ),
        ("for i in 1 2 3; do { echo $i; break; } > out; done; cat < out", "1\n", 0),
        ("while true; do case x in x) break;; esac; done; echo done", "done\n", 0),
    ]);
}

#[test]
fn redirections_go_into_files_and_logs() {
    check(&[
        ("echo a > x; echo b >> x; cat < x", "a\nb\n", 0),
        ("both > x 2>&1; cat < x", "out\nerr\n", 0),
        ("both 2> x; upper < /x", "out\nERR\n", 0),
        ("both &> dir/x; count < dir/x", "2\n", 0),
        ("both 2>&1 > /dev/null | upper", "ERR\n", 0),
        ("both 2>&1", "out\nerr\n", 0),
        ("{ echo a; fail; echo b; } > x 2>&1; cat < x", "a\nfailed\nb\n", 0),
        (
            "{ echo a; } > x; { echo b; } >> x; cat < x; > x; count < x; : > y; count < y",
            "a\nb\n0\n0\n",
            0,
        ),
        (
            "upper <<< \"a $HOME\"; cat <<E | upper\nx $HOME $(echo y)\nE\n",
            "A /HOME\nX /HOME Y\n",
            0,
        ),
        ("cat <<'E'; echo after\n$HOME\nE", "$HOME\nafter\n", 0),
        ("cat <<-E\n\ta\n\tE\necho b", "a\nb\n", 0),
        ("cat < none; echo $?", "1\n", 0),
        ("echo a > none/x || echo no", "no\n", 0),
        ("{ echo a; } > dir; echo $?", "1\n", 0),
        ("cat", "input of the task\n", 0),
        (
            "X=1 env; env; export Y='2 3'; export Z=$Y; env",
            "HOME=/home\nX=1\nHOME=/home\nHOME=/home\nY=2 3\nZ=2 3\n",
            0,
        ),
    ]);
    let (toy, _) = run("echo a >&2; both >&2; { echo b; fail; } >&2");
    assert_eq!((toy.stdout.as_str(), toy.stderr.as_str()), ("", "a\nout\nerr\nb\nfailed\n"));
    let (toy, _) = run("nope 2> x");
    assert_eq!((toy.files["/x"].as_str(), toy.stderr.as_str()), ("sh: nope: not found\n", ""));
}

#[test]
fn tests_look_at_texts_numbers_and_files() {
    let yes = [
        "[ a ]",
        "[ a = a ]",
        "[ ! a = b ]",
        "[ -n a -a -z '' ]",
        "[ a != b -o '' ]",
        "test 2 -gt 1",
        "[ -f a.txt ]",
        "[ -d dir ]",
        "[ -e dir/c.txt ]",
        "[ -s a.txt ]",
        "[ -d / ]",
        "[ '(' ]",
        "[ \\( a = b \\) -o c ]",
        "[ ! ]",
        "[ -n = -n ]",
        "! [ -e none ]",
        "! [ -f dir ]",
        "! [ ]",
        "! [ '' ]",
    ];
    for line in yes {
        assert_eq!(run(line).1.status, 0, "{line}");
    }
    for line in ["[ a", "[ a b ]", "[ a -eq 1 ]", "test -x a.txt", "[ a = ]x"] {
        assert_eq!(run(line).1.status, 2, "{line}");
    }
}

#[test]
fn a_failure_ends_the_shell_when_asked() {
    check(&[
        ("set -e; fail 3; echo no", "", 3),
        ("set -e; fail || true; ! true; if fail; then :; fi; fail && true; echo yes", "yes\n", 0),
        ("set -e; (fail 2; echo no); echo no", "", 2),
        ("set -e; while fail; do :; done; echo a; set +e; fail; echo b", "a\nb\n", 0),
        ("set -u; echo $NONE; echo no", "", 1),
        ("echo ${NONE:?is needed}; echo no", "", 1),
        ("echo $((1/0)); echo no", "", 1),
        ("set -k", "", 2),
    ]);
}

/// In the toy world 99 says that fuel or output is used up.
#[test]
fn what_is_used_up_ends_every_part_that_needs_it() {
    check(&[
        ("while true; do fail 99; done; echo no", "", 99),
        ("fail 99 || echo no", "", 99),
        ("while true; do (fail 99); done", "", 99),
        ("while true; do x=$(fail 99); done", "", 99),
        ("while true; do { echo a; fail 99; echo no; } | cat; echo b; break; done", "a\nb\n", 0),
        ("{ fail 99; } > x; echo no", "", 99),
    ]);
}

#[test]
fn the_outcome_names_what_failed() {
    for (line, blame) in [
        ("echo a\n  fail 3", "fail at line 2, column 3: exited with 3"),
        ("nope x", "nope: not found at line 1, column 1"),
        ("broken", "broken: cannot start: it is no program at line 1, column 1"),
        ("true && (false)", "false at line 1, column 10: exited with 1"),
        ("fail 2 || exit 4", "exit at line 1, column 11: exited with 4"),
        ("fail 2; exit $?", "fail at line 1, column 1: exited with 2"),
        ("cat < none", "none: not found at line 1, column 1"),
    ] {
        assert_eq!(run(line).1.blame, blame, "{line}");
    }
    assert_eq!(run("nope").0.stderr, "sh: nope: not found\n");
}

#[test]
fn what_is_not_supported_is_refused_before_anything_runs() {
    for (line, error) in [
        ("echo a & echo b", "line 1, column 8: background commands"),
        ("f() { echo; }", "line 1, column 2: functions"),
        ("echo a\ncd /x", "line 2, column 1: there is no working directory"),
        ("cat <(echo)", "line 1, column 6: process substitution"),
        ("[[ a ]]", "line 1, column 1: [[ is not supported"),
        ("a=(1 2)", "line 1, column 3: arrays"),
        ("echo $!", "line 1, column 7: $! is not supported"),
        ("echo 'a", "line 1, column 6: this ' is never closed"),
        ("echo \"a", "line 1, column 7: this \" is never closed"),
        ("echo ${a", "line 1, column 6: this ${ is never closed"),
        ("echo $(a", "line 1, column 9: expected \")\", found the end"),
        ("if a; then b", "line 1, column 13: expected \"fi\", found the end"),
        ("for x do y; done", "line 1, column 7: expected \"in\""),
        ("a | | b", "line 1, column 5: expected a command, found \"|\""),
        ("a && ", "line 1, column 6: expected a command, found the end"),
        ("( )", "line 1, column 3: expected a command before \")\", found \")\""),
        ("a; fi", "line 1, column 4: expected a command or the end, found \"fi\""),
        ("a ;; b", "line 1, column 3: expected a command or the end"),
        ("cat << E\nx", "line 1, column 8: no line \"E\" ends this here-document"),
        ("break", "line 1, column 1: break is not within"),
        ("for i in 1; do (break); done", "line 1, column 17: break is not within"),
        ("echo >&3", "line 1, column 8: expected 1 or 2"),
        ("echo 3> x", "line 1, column 6: only the descriptors"),
        ("echo ${a/b/c}", "line 1, column 9: found \"/b/c}\" after ${a"),
    ] {
        let refused = machine(line).err().unwrap_or_else(|| panic!("{line} is taken"));
        assert!(refused.starts_with(error), "{line}: {refused}");
    }
    for deep in ["(", "$(", "\"$(", "{ ", "if ", "${a:-", "! ! ("] {
        assert!(machine(&deep.repeat(20_000)).is_err(), "{deep}");
    }
    assert!(machine(&"a|".repeat(100)).is_err() && machine("a\0").is_err());
}

#[test]
fn a_pipeline_shares_what_is_left() {
    let (toy, _) = run("echo a | upper | cat; echo b");
    let part = |output_bytes| Budget { memory_bytes: 400, fuel: Some(33_333), output_bytes };
    let left = Budget { memory_bytes: 1_200, fuel: Some(99_970), output_bytes: 7_997 };
    let expected =
        [("echo", part(2_000)), ("upper", part(2_000)), ("cat", part(4_000)), ("echo", left)];
    assert_eq!(toy.budgets, expected.map(|(name, budget)| (name.to_owned(), budget)));
    assert_eq!(run("X=$(echo a)").0.budgets[0].1, BUDGET);
}

#[test]
fn a_kill_ends_all_programs_and_starts_no_other() {
    let mut machine = machine("sleep | cat; echo no").unwrap();
    let mut toy = Toy::default();
    assert_eq!(toy.drive(&mut machine), Progress::Waits);
    machine.kill(&mut toy, 100);
    assert_eq!((toy.killed.len(), machine.progress()), (2, Progress::Waits));
    let killed = Ended {
        status: 143,
        how: "it was killed".to_owned(),
        ends_task: false,
        is_used_up: false,
        used: Used::default(),
    };
    toy.end(&mut machine, "sleep", &killed);
    toy.end(&mut machine, "cat", &killed);
    assert_eq!(machine.go(&mut toy), Progress::Killed);
    assert_eq!(toy.started, ["sleep", "cat"]);
}

#[test]
fn a_task_whose_time_is_over_ends_whatever_comes() {
    let mut machine = machine("sleep || echo no").unwrap();
    let mut toy = Toy::default();
    assert_eq!(toy.drive(&mut machine), Progress::Waits);
    let how = "its time was over".to_owned();
    toy.end(
        &mut machine,
        "sleep",
        &Ended { status: 124, how, ends_task: true, is_used_up: false, used: Used::default() },
    );
    let Progress::Over(outcome) = machine.go(&mut toy) else { panic!("it is over") };
    assert_eq!(
        (outcome.status, outcome.blame.as_str()),
        (124, "sleep at line 1, column 1: its time was over")
    );
}

#[test]
fn endless_loops_take_little_of_each_event_and_end() {
    let mut endless = machine("while :; do :; done").unwrap();
    let mut toy = Toy::default();
    assert_eq!(endless.go(&mut toy), Progress::WantsTick);
    let mut grows = machine("x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done").unwrap();
    let Progress::Over(outcome) = toy.drive(&mut grows) else { panic!("it ends") };
    assert_eq!(outcome.status, 2, "{}", outcome.blame);
    let Progress::Over(outcome) = toy.drive(&mut endless) else { panic!("it ends") };
    assert!(outcome.blame.contains("steps allowed"), "{}", outcome.blame);
}

#[test]
fn the_executor_runs_a_task_and_says_how_it_went() {
    let program =
        |name: &str| NamedProgram { name: name.to_owned(), artifact: format!("sha256:{name}") };
    let programs = vec![program("echo"), program("warn")];
    let mut shell = Shell::registered(ExecutorInfo { programs, ..double::executor_info("shell") });
    let task = |line: &str| TaskInfo { data: line.as_bytes().to_vec(), ..double::task_info("t") };
    shell.launch_task(task("echo a; nope")).unwrap();
    let calls = double::take();
    assert!(
        matches!(&calls[0], Call::SendStatusUpdate(status) if status.state == TaskState::Running)
    );
    let Call::Spawn(options) = &calls[1] else { panic!("{calls:?}") };
    assert_eq!(options.limits.map(|limits| limits.memory_bytes), Some(64 << 20));
    shell.subtask_exited(double::subtask_exit("t", 1, Reason::Exited(0)));
    shell.subtask_exited(double::subtask_exit("t", 2, Reason::Exited(0)));
    let statuses = double::take_statuses();
    assert_eq!(statuses.len(), 1);
    assert_eq!(
        (statuses[0].state, statuses[0].because.clone()),
        (TaskState::Failed, Some(Reason::Exited(127)))
    );
    assert_eq!(statuses[0].message, "nope: not found at line 1, column 9");
    assert!(shell.tasks.is_empty());
    let refused = shell.launch_task(task("echo 'a")).unwrap_err();
    assert_eq!(refused, "line 1, column 6: this ' is never closed");
}

#[test]
fn the_executor_passes_a_kill_on() {
    let program = NamedProgram { name: "sleep".to_owned(), artifact: "sha256:sleep".to_owned() };
    let mut shell = Shell::registered(ExecutorInfo {
        programs: vec![program],
        ..double::executor_info("shell")
    });
    shell
        .launch_task(TaskInfo { data: b"sleep; sleep".to_vec(), ..double::task_info("t") })
        .unwrap();
    double::take();
    shell.kill_task("t", KillPolicy { grace_ms: 50 });
    let calls = double::take();
    let policy = KillPolicy { grace_ms: 50 };
    assert!(calls.contains(&Call::Kill { subtask: 1, policy }), "{calls:?}");
    shell.subtask_exited(double::subtask_exit("t", 1, Reason::Killed));
    let states: Vec<_> = double::take_statuses().iter().map(|status| status.state).collect();
    assert_eq!(states, [TaskState::Killed]);
}
