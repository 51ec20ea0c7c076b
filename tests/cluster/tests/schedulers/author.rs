//! An author of a scheduler: a client of the SDK with everything it was told, and the words for
//! what tests say with it. It never answers anything by itself, but for acknowledgements.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use stoa_harness::waiting::LIMIT;
use stoa_harness::{Cluster, sample};
use stoa_machine::artifacts::digest_of_stream;
use stoa_model::command::{Access, CommandInfo, DirectoryGrant};
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, OfferId, Role, TaskId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event, ResourceRequest};
use stoa_model::status::TaskStatus;
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo};
use stoa_protocol::artifact_client::upload;
use stoa_protocol::artifacts::Head;
use stoa_protocol::link::connect;
use stoa_scheduler::{Client, Config};

/// What a test's tasks need: one cpu and 64 MiB.
pub fn one_task() -> Resources {
    Resources::new(1_000, 64 << 20)
}

/// Offers go back, or leftovers stay away, for so long unless a test says otherwise.
pub const NO_FILTER: Filters = Filters { refuse_ms: 0 };

/// Keeps leftovers away for the whole test.
pub const LONG_FILTER: Filters = Filters { refuse_ms: 3_600_000 };

/// A scheduler and what it was told.
pub struct Author {
    client: Client,
    /// Offers that are outstanding.
    offers: Vec<Offer>,
    /// Events that were taken in, in short form.
    pub told: Vec<String>,
    /// Updates that were taken in.
    pub updates: Vec<TaskStatus>,
}

/// What every framework of these tests says of itself.
fn info() -> FrameworkInfo {
    FrameworkInfo {
        name: "author".to_owned(),
        user: "tester".to_owned(),
        roles: vec![Role::new(ROLE_DEFAULT).expect("the default role is legal")],
        failover_timeout_ms: FAILOVER_TIMEOUT_MS_DEFAULT,
        labels: Vec::new(),
        ends_alone: false,
    }
}

impl Author {
    /// Registers a new framework, or takes one over.
    pub fn start(cluster: &Cluster, framework: Option<FrameworkId>) -> Self {
        let client = Client::start(
            cluster.address().parse().expect("a master has an address"),
            Config { info: info(), framework, epoch: Epoch::NONE },
        );
        Self { client, offers: Vec::new(), told: Vec::new(), updates: Vec::new() }
    }

    /// The next event; nothing if the framework has ended. Updates are acknowledged.
    pub async fn next(&mut self) -> Option<Event> {
        let event = tokio::time::timeout(LIMIT, self.client.event()).await;
        let event = event.unwrap_or_else(|_| panic!("nothing after {:?}", self.told))?;
        self.told.push(short(&event));
        match &event {
            Event::Offer(offers) => self.offers.extend(offers.iter().cloned()),
            Event::Rescind(ids) => self.offers.retain(|offer| !ids.contains(&offer.id)),
            Event::Update(status) => self.on_update(status).await,
            _ => {}
        }
        Some(event)
    }

    async fn on_update(&mut self, status: &TaskStatus) {
        self.updates.push(status.clone());
        if let (Some(agent), Some(update)) = (status.agent.clone(), status.update) {
            let task = status.task.clone();
            self.call(Call::Acknowledge { agent, task, update }).await;
        }
    }

    /// Takes events in until one is wanted.
    pub async fn until<T>(&mut self, what: &str, wanted: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let Some(event) = self.next().await else {
                panic!("the framework has ended before {what}: {:?}", self.told);
            };
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    /// Waits for Registered.
    pub async fn registered(&mut self) -> FrameworkId {
        self.until("Registered", |event| match event {
            Event::Registered { framework, .. } => Some(framework.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for Reregistered.
    pub async fn reregistered(&mut self) -> FrameworkId {
        self.until("Reregistered", |event| match event {
            Event::Reregistered { framework, .. } => Some(framework.clone()),
            _ => None,
        })
        .await
    }

    /// An outstanding offer that holds one task, of which the test may dispose; waits for one.
    pub async fn offer(&mut self) -> Offer {
        loop {
            let fits = |offer: &Offer| offer.resources.contains(&one_task());
            if let Some(index) = self.offers.iter().position(fits) {
                return self.offers.remove(index);
            }
            self.next().await.expect("the framework goes on");
        }
    }

    /// Waits until a task is in a state.
    pub async fn update(&mut self, task: &str, state: &str) -> TaskStatus {
        self.until(&format!("{task} is {state}"), |event| match event {
            Event::Update(status)
                if status.task.as_str() == task && status.state.as_str() == state =>
            {
                Some(status.clone())
            }
            _ => None,
        })
        .await
    }

    /// Says something.
    pub async fn call(&mut self, call: Call) {
        self.client.call(call).await.expect("the framework has not ended");
    }

    /// States demand for one task.
    pub async fn request(&mut self) {
        self.call(Call::Request(vec![ResourceRequest { agent: None, resources: one_task() }]))
            .await;
    }

    /// Gives an offer back, to be made again at the next beat.
    pub async fn decline(&mut self, offer: OfferId) {
        self.call(Call::Decline { offers: vec![offer], filters: NO_FILTER }).await;
    }

    /// Launches one task on an offer; what is left over comes back as `filters` say.
    pub async fn launch(&mut self, offer: Offer, task: TaskInfo, filters: Filters) {
        let task = TaskInfo { agent: offer.agent, ..task };
        self.call(Call::Launch { offers: vec![offer.id], tasks: vec![task], filters }).await;
    }

    /// Ends the framework.
    pub async fn unregister(mut self) {
        let ended = tokio::time::timeout(LIMIT, self.client.unregister()).await;
        assert_eq!(ended.expect("unregistering does not hang"), Ok(()));
    }
}

/// The name of an event, and of an Update the task and its state.
fn short(event: &Event) -> String {
    match event {
        Event::Registered { .. } => "Registered".to_owned(),
        Event::Reregistered { .. } => "Reregistered".to_owned(),
        Event::Offer(offers) => format!("Offer of {}", offers.len()),
        Event::Rescind(offers) => format!("Rescind of {}", offers.len()),
        Event::Update(status) => format!("Update {} {}", status.task, status.state),
        Event::Message { .. } => "Message".to_owned(),
        Event::Failure { agent, .. } => format!("Failure {agent}"),
        Event::Error { message, is_final, .. } => format!("Error {is_final} {message}"),
        Event::Heartbeat => "Heartbeat".to_owned(),
    }
}

/// Brings a sample task into the master's store.
pub async fn uploaded(cluster: &Cluster, name: &str) -> Digest {
    uploaded_file(cluster, sample(name).as_ref()).await
}

/// Brings a wasm file into the master's store.
pub async fn uploaded_file(cluster: &Cluster, path: &Path) -> Digest {
    let open = || File::open(path).expect("a committed guest can be read");
    let (digest, size_bytes) = digest_of_stream(open()).expect("a committed guest can be read");
    let channel = connect(cluster.address()).await.expect("the master listens");
    let sent = upload(channel, Head { digest, size_bytes }, open(), |_| {}).await;
    sent.expect("the master takes a guest");
    digest
}

/// A task that runs a program with arguments; its agent is the one of the offer it is launched on.
pub fn task(id: &str, program: Digest, arguments: &[&str]) -> TaskInfo {
    let command = CommandInfo {
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        ..CommandInfo::new(program, id)
    };
    TaskInfo {
        id: TaskId::new(id).expect("tests choose legal ids"),
        name: id.to_owned(),
        agent: AgentId::new("any").expect("the text is a legal id"),
        resources: one_task(),
        body: TaskBody::Command(command),
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: None,
    }
}

/// The same task with a directory that it may write to.
pub fn granted(mut task: TaskInfo, dir: &Path, guest_path: &str) -> TaskInfo {
    if let TaskBody::Command(command) = &mut task.body {
        command.grants.directories.push(DirectoryGrant {
            host_path: dir.display().to_string(),
            guest_path: guest_path.to_owned(),
            access: Access::ReadWrite,
        });
    }
    task
}

/// Runs a test's scheduler on one thread, as most schedulers are.
pub fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(test);
    runtime.shutdown_timeout(Duration::from_secs(1));
}
