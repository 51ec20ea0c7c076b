//! Executors that ship, and the example, as the tasks of a scheduler written with the SDK.

use stoa_harness::{Cluster, Plan, house, sample};
use stoa_model::command::NamedProgram;
use stoa_model::digest::Digest;
use stoa_model::ids::ExecutorId;
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::status::Reason;
use stoa_model::task::{ExecutorInfo, ExecutorTask, TaskBody, TaskInfo, TaskState};

use crate::author::{Author, LONG_FILTER, on_one_thread, task, uploaded_file};

/// More calls than one instance is handed at a time.
const CALLS: usize = 300;

async fn executor(cluster: &Cluster, name: &str) -> ExecutorInfo {
    let file = house::root().join(format!("wasm-executors/{name}.wasm"));
    let program = uploaded_file(cluster, &file).await;
    let id = name.rsplit('/').next().unwrap_or(name);
    let id = ExecutorId::new(id).expect("tests choose legal ids");
    ExecutorInfo::new(id, program, Resources::new(100, 64 << 20))
}

async fn program(cluster: &Cluster, name: &str) -> NamedProgram {
    let program = uploaded_file(cluster, sample(name).as_ref()).await;
    NamedProgram { name: name.to_owned(), program }
}

/// A task for an executor; it asks for little, so that many fit into one offer.
fn for_executor(id: &str, executor: &ExecutorInfo, data: &str) -> TaskInfo {
    let body = ExecutorTask::new(executor.clone(), data.as_bytes().to_vec());
    TaskInfo {
        resources: Resources::new(10, 8 << 20),
        body: TaskBody::Executor(Box::new(body)),
        ..task(id, Digest([0; 32]), &[])
    }
}

/// Launches all of them on one offer.
async fn launch(author: &mut Author, tasks: Vec<TaskInfo>) {
    author.request().await;
    let offer = author.offer().await;
    let agent = offer.agent;
    let tasks = tasks.into_iter().map(|task| TaskInfo { agent: agent.clone(), ..task }).collect();
    author.call(Call::Launch { offers: vec![offer.id], tasks, filters: LONG_FILTER }).await;
}

#[test]
fn one_warm_function_answers_every_task_of_a_launch() {
    let cluster = Cluster::start(Plan::of_agents(1));
    all_are_answered(&cluster, "");
    all_are_answered(&cluster, r#"{"framing": "numbered"}"#);
}

fn all_are_answered(cluster: &Cluster, settings: &str) {
    on_one_thread(async {
        let mut map = executor(cluster, "map").await;
        map.data = settings.as_bytes().to_vec();
        map.programs = vec![program(cluster, "upper").await];
        let mut author = Author::start(cluster, None);
        author.registered().await;
        let call = |n| for_executor(&format!("t{n}"), &map, &format!("input {n}"));
        launch(&mut author, (0..CALLS).map(call).collect()).await;
        let is_over = |author: &Author| {
            author.updates.iter().filter(|status| status.state.is_terminal()).count() == CALLS
        };
        while !is_over(&author) {
            author.next().await.expect("the framework goes on");
        }
        let is_running = |state| state == TaskState::Running;
        assert!(!author.updates.iter().any(|status| is_running(status.state)));
        let ends = author.updates.iter().filter(|status| status.state.is_terminal());
        for status in ends {
            let number = status.task.as_str().trim_start_matches('t');
            assert_eq!(status.state, TaskState::Finished, "{status:?}");
            assert_eq!(status.data, format!("INPUT {number}").as_bytes());
        }
        author.unregister().await;
    });
}

#[test]
fn function_that_hangs_is_ended_and_the_time_of_a_task_ends_its_call() {
    let cluster = Cluster::start(Plan::of_agents(1));
    on_one_thread(async {
        let mut map = executor(&cluster, "map").await;
        map.programs = vec![program(&cluster, "spin").await];
        map.data = br#"{"call_ms": 1500}"#.to_vec();
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let patient = for_executor("patient", &map, "x");
        let hasty = TaskInfo { max_completion_ms: Some(100), ..for_executor("hasty", &map, "x") };
        launch(&mut author, vec![patient, hasty]).await;
        let hasty = author.update("hasty", "FAILED").await;
        assert_eq!(hasty.reason, Reason::TimedOut, "{hasty:?}");
        let patient = author.update("patient", "FAILED").await;
        let text = "spin: no answer within the 1500 ms of call_ms; the instance was killed; it has \
                    answered nothing since it started";
        assert!(patient.message.starts_with(text), "{patient:?}");
        author.unregister().await;
    });
}

#[test]
fn members_of_a_group_share_their_fate() {
    let cluster = Cluster::start(Plan::of_agents(1));
    on_one_thread(async {
        let group = executor(&cluster, "group").await;
        let (spin, exit) = (program(&cluster, "spin").await, program(&cluster, "exit").await);
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let member = |id: &str, named: &NamedProgram, arguments: &str| {
            let name = &named.name;
            let data = format!(
                r#"{{"group": "pair", "size": 2,
                    "programs": [{{"program": "{name}", "arguments": [{arguments}]}}]}}"#
            );
            let mut task = for_executor(id, &group, &data);
            if let TaskBody::Executor(body) = &mut task.body {
                body.programs = vec![named.clone()];
            }
            task
        };
        let tasks = vec![member("spins", &spin, ""), member("exits", &exit, "\"3\"")];
        launch(&mut author, tasks).await;
        let spins = author.update("spins", "FAILED").await;
        assert!(spins.message.starts_with("its group pair ended: exits failed"), "{spins:?}");
        let exits = author
            .updates
            .iter()
            .find(|it| it.task.as_str() == "exits" && it.state == TaskState::Failed);
        let exits = exits.expect("who caused the end is told first");
        assert_eq!((exits.reason, exits.exit_code), (Reason::Exited, Some(3)));
        author.unregister().await;
    });
}

#[test]
fn executor_is_spoken_to_and_its_end_is_told() {
    let cluster = Cluster::start(Plan::of_agents(1));
    on_one_thread(async {
        let mut script = executor(&cluster, "examples/script").await;
        script.data = b"fn twice(n) { n * 2 }".to_vec();
        let mut author = Author::start(&cluster, None);
        author.registered().await;
        let call = r#"{"call": "twice", "arguments": [21]}"#;
        launch(&mut author, vec![for_executor("t1", &script, call)]).await;
        let first = author.update("t1", "FINISHED").await;
        assert_eq!(first.data, b"42");
        let (agent, id) = (first.agent.expect("it ran somewhere"), script.id.clone());
        let data = b"fn thrice(n) { n * 3 }".to_vec();
        author.call(Call::Message { agent: agent.clone(), executor: id.clone(), data }).await;
        let answer = author.until("the answer", |event| match event {
            Event::Message { executor, data, .. } if *executor == id => Some(data.clone()),
            _ => None,
        });
        assert_eq!(answer.await, br#"{"ok":["thrice"]}"#);
        author.call(Call::Shutdown { agent: agent.clone(), executor: id.clone() }).await;
        let end = author.until("the Failure", |event| match event {
            Event::Failure { agent, executor: Some(executor), .. } if *executor == id => {
                Some(agent.clone())
            }
            _ => None,
        });
        assert_eq!(end.await, agent);
        author.unregister().await;
    });
}
