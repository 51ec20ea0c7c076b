//! `stoa run`: one task from its file to its exit code. It never chooses among offers
//! (`run/one_task.rs` does) and never decides what an end means (`run/outcome.rs` does).

use std::io::IsTerminal;

use stoa_model::epoch::Epoch;
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo};
use stoa_model::ids::FrameworkId;
use stoa_model::operator::TaskName;
use stoa_model::resources::Resources;
use stoa_model::scheduler::Event;
use stoa_model::status::TaskStatus;
use stoa_model::task::TaskState;
use stoa_scheduler::{Client, Config};

use crate::cluster::{Cluster, unreachable};
use crate::config::{MASTER_DEFAULT, Output, Run};
use crate::daemon::told_to_end;
use crate::failure::{Failure, code};
use crate::local::Local;
use crate::progress::Progress;
use files::Files;
use one_task::{OneTask, Step, Template};

mod files;
mod one_task;
mod outcome;
mod output;
mod template;
mod travel;

/// Without a scheduler a task that somebody waits for is of no use for longer.
const FAILOVER_MS: u64 = 10_000;

/// Runs one task and waits for it; answers what to exit with.
///
/// # Errors
/// [`Failure`] with the exit code of the contract.
pub async fn run(arguments: Run, output: Output) -> Result<u8, Failure> {
    // Before anything is started or sent: what can be seen to be wrong from here.
    let files = Files::look(&arguments)?;
    let (cluster, local) = find_cluster(&arguments).await?;
    let template = template::make(&arguments, &files, &cluster).await.map_err(of_the_cluster)?;
    check_size(&cluster, &template.needed).await?;
    let mut waiting = Waiting::new(&arguments, cluster, template, output);
    let ended = match local {
        None => waiting.run().await,
        Some(mut local) => tokio::select! {
            ended = waiting.run() => ended,
            failure = local.failed() => Err(failure),
        },
    };
    waiting.progress.end();
    ended
}

/// Whatever fails but the task is the cluster's or this command's failure.
fn of_the_cluster(failure: Failure) -> Failure {
    match failure.code {
        code::FAILURE => failure.with_code(code::CLUSTER),
        _ => failure,
    }
}

/// The cluster that is named, the one on the default port, or one of our own.
async fn find_cluster(arguments: &Run) -> Result<(Cluster, Option<Local>), Failure> {
    let named = arguments.at.master.as_deref();
    match Cluster::connect(named.unwrap_or(MASTER_DEFAULT)).await {
        Ok(cluster) => Ok((cluster, None)),
        Err(error) if named.is_some() => Err(of_the_cluster(unreachable(&error))),
        Err(_) if arguments.detach => {
            Err(Failure::new(code::CLUSTER, "there is no cluster to leave the task in")
                .hint("start one with `stoa dev`, or name one with --master HOST:PORT"))
        }
        Err(_) => {
            eprintln!("stoa: no cluster on {MASTER_DEFAULT}; running in this process");
            let mut local = Local::start(1, None, 0).await.map_err(of_the_cluster)?;
            local.ready().await.map_err(of_the_cluster)?;
            let cluster = Cluster::connect(&local.address).await;
            let cluster = cluster.map_err(|error| of_the_cluster(unreachable(&error)))?;
            Ok((cluster, Some(local)))
        }
    }
}

/// A task that is larger than every agent would wait for ever; better to say so now.
async fn check_size(cluster: &Cluster, needed: &Resources) -> Result<(), Failure> {
    let agents = cluster.state().await.map_err(of_the_cluster)?.agents;
    if agents.is_empty() || agents.iter().any(|agent| agent.info.resources.contains(needed)) {
        return Ok(());
    }
    let largest: Vec<_> = agents.iter().map(|agent| agent.info.resources.to_string()).collect();
    let message = format!(
        "the task needs {needed}, and no agent has that much: they have {}",
        largest.join("; ")
    );
    Err(Failure::new(code::CLUSTER, message).hint("ask for less with --cpus, --memory or --disk"))
}

/// The scheduler at work, and what the person who waits has seen.
struct Waiting<'a> {
    arguments: &'a Run,
    cluster: Cluster,
    client: Client,
    scheduler: OneTask,
    framework: Option<FrameworkId>,
    output: output::Output,
    progress: Progress,
    ends_asked: u32,
}

impl<'a> Waiting<'a> {
    fn new(arguments: &'a Run, cluster: Cluster, template: Template, output: Output) -> Self {
        let info = FrameworkInfo {
            name: format!("run {}", template.info.name),
            user: template::user(),
            roles: vec![arguments.role.clone()],
            failover_timeout_ms: match arguments.detach {
                true => FAILOVER_TIMEOUT_MS_DEFAULT,
                false => FAILOVER_MS,
            },
            labels: Vec::new(),
            ends_alone: arguments.detach,
        };
        let client = Client::start(
            cluster.masters.clone(),
            Config { info, framework: None, epoch: Epoch::NONE },
        );
        Self {
            arguments,
            cluster,
            client,
            scheduler: OneTask::new(template),
            framework: None,
            output: output::Output::new(output),
            progress: Progress::waiting(),
            ends_asked: 0,
        }
    }

    async fn run(&mut self) -> Result<u8, Failure> {
        self.progress.say("waiting for an offer");
        loop {
            let step = tokio::select! {
                event = self.client.event() => self.on_event(event).await?,
                () = told_to_end() => {
                    self.on_end_asked().await?;
                    None
                }
            };
            match step {
                None => {}
                Some(Step::Launched(task, agent)) => {
                    self.progress.say(format!("launched {task} on {agent}"));
                }
                Some(Step::Changed(status)) => {
                    let goes_on_alone = self.on_changed(&status);
                    if goes_on_alone {
                        return self.detach(&status).await;
                    }
                }
                Some(Step::Over(status)) => return self.on_over(status).await,
                Some(Step::Refused(why)) => return Err(Failure::new(code::CLUSTER, why)),
            }
        }
    }

    async fn on_event(&mut self, event: Option<Event>) -> Result<Option<Step>, Failure> {
        let ended = || Failure::new(code::CLUSTER, "the master has ended this framework");
        let event = event.ok_or_else(ended)?;
        if let Event::Registered { framework, .. } = &event {
            self.framework = Some(framework.clone());
        }
        let mut calls = Vec::new();
        let step = self.scheduler.on_event(event, &mut calls);
        for call in calls {
            self.client.call(call).await.map_err(|_| ended())?;
        }
        Ok(step)
    }

    /// Answers whether a detached task is on its own from here on.
    fn on_changed(&mut self, status: &TaskStatus) -> bool {
        match status.state {
            TaskState::Running => {
                self.progress.end();
                if self.arguments.detach {
                    return true;
                }
                self.follow(status);
            }
            TaskState::Starting if !status.message.is_empty() => {
                self.progress.say(status.message.clone());
            }
            TaskState::Dropped => self.progress.say("dropped before it started; trying again"),
            _ => {}
        }
        false
    }

    fn follow(&mut self, status: &TaskStatus) {
        let task = TaskName { framework: self.framework.clone(), task: status.task.clone() };
        self.output.follow(&self.cluster, task);
    }

    /// The first time the task is killed; the second time this command ends at once.
    async fn on_end_asked(&mut self) -> Result<(), Failure> {
        self.ends_asked += 1;
        match self.scheduler.kill() {
            Some(kill) if self.ends_asked == 1 => {
                self.progress.end();
                if std::io::stderr().is_terminal() {
                    eprintln!("stoa: killing the task; once more to leave at once");
                }
                // A session that has ended tells so by its next event.
                let _ = self.client.call(kill).await;
                Ok(())
            }
            _ => Err(Failure::new(code::KILLED, "ended before the task was over")),
        }
    }

    async fn detach(&mut self, status: &TaskStatus) -> Result<u8, Failure> {
        let task = &status.task;
        self.output.say_detached(task)?;
        // The acknowledgement of RUNNING is on its way; the stream is flushed before it closes.
        self.client.leave().await;
        Ok(0)
    }

    async fn on_over(&mut self, status: TaskStatus) -> Result<u8, Failure> {
        self.progress.end();
        if status.update.is_some() {
            self.follow(&status);
        }
        self.output.finish().await.map_err(of_the_cluster)?;
        let kept =
            travel::unpack_all(&self.cluster, &self.arguments.grants.download, &status).await;
        if let Err(unconfirmed) = self.client.unregister().await {
            tracing::warn!("{unconfirmed}");
        }
        self.output.say_over(&status)?;
        match outcome::of(&status) {
            Ok(()) => kept.map(|()| 0),
            Err(outcome::Ended::ByItself(code)) => {
                if let Some(own) = status.exit_code.filter(|own| outcome::is_replaced(*own)) {
                    eprintln!("stoa: the task exited with {own}, which is passed on as {code}");
                }
                Ok(code)
            }
            Err(outcome::Ended::Otherwise(failure)) => Err(failure),
        }
    }
}
