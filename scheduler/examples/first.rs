//! A whole scheduler: runs one artifact as three tasks, one after the other, and prints how each
//! ends. `cargo run --release -p stoa-scheduler --example first -- HOST:PORT sha256:DIGEST`, with
//! an artifact that is in the cluster's store already; `stoa run FILE` puts one there.

use stoa_model::command::CommandInfo;
use stoa_model::digest::Digest;
use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{Role, TaskId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, Event};
use stoa_model::task::{KillPolicy, Limits, TaskBody, TaskInfo};
use stoa_scheduler::{Client, Config};

const TASKS: usize = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(masters), Some(digest)) = (arguments.next(), arguments.next()) else {
        return Err("usage: first HOST:PORT,… sha256:DIGEST".into());
    };
    let program: Digest = digest.parse()?;
    let info = FrameworkInfo {
        name: "first".to_owned(),
        user: "example".to_owned(),
        roles: vec![Role::new("default")?],
        failover_timeout_ms: 10_000,
        labels: Vec::new(),
        ends_alone: false,
    };
    let mut client =
        Client::start(masters.parse()?, Config { info, framework: None, epoch: Epoch::NONE });
    let (mut launched, mut over) = (0, 0);
    while over < TASKS {
        match client.event().await.ok_or("the framework has ended")? {
            Event::Offer(offers) => {
                for offer in offers {
                    let call = if launched < TASKS {
                        launched += 1;
                        launch(offer, program, launched)?
                    } else {
                        Call::Decline { offers: vec![offer.id], filters: Filters::default() }
                    };
                    client.call(call).await?;
                }
            }
            Event::Update(status) => {
                println!("{} {} {}", status.task, status.state, status.message);
                over += usize::from(status.state.is_terminal());
                // An Update comes again until it is acknowledged: say so once it is taken in.
                if let (Some(agent), Some(update)) = (status.agent, status.update) {
                    client.call(Call::Acknowledge { agent, task: status.task, update }).await?;
                }
            }
            Event::Error { message, .. } => return Err(message.into()),
            _ => {}
        }
    }
    client.unregister().await?;
    Ok(())
}

fn launch(offer: Offer, program: Digest, n: usize) -> Result<Call, Box<dyn std::error::Error>> {
    let command =
        CommandInfo { arguments: vec![n.to_string()], ..CommandInfo::new(program, "first") };
    let task = TaskInfo {
        id: TaskId::new(&format!("first-{n}"))?,
        name: "first".to_owned(),
        agent: offer.agent,
        resources: Resources::new(100, 64 << 20),
        body: TaskBody::Command(command),
        limits: Limits::default(),
        labels: Vec::new(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: Some(60_000),
    };
    let filters = Filters { refuse_ms: 0 };
    Ok(Call::Launch { offers: vec![offer.id], tasks: vec![task], filters })
}
