//! `stoa agent drain`, `undrain`, `deactivate`, `reactivate`, `gone` and `reset-breaker`: what
//! operators want of agents. It never runs one; `daemon.rs` does.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::json;
use stoa_model::agent::AgentDuty;
use stoa_model::ids::AgentId;
use stoa_model::operator::{AgentOrder, AgentState, ClusterEvent};

use crate::cluster::{Cluster, Watch};
use crate::config::{At, Drain, Gone, Named, Order, Output};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::table::{print, print_json};
use crate::view::AgentView;

/// Does what is wanted, and prints the agent as it is then.
///
/// # Errors
/// [`Failure`] if the master refuses or does not answer, or nobody says yes.
pub async fn order(order: Order, output: Output) -> Result<(), Failure> {
    match order {
        Order::Drain(arguments) => drain(arguments, output).await,
        Order::Undrain(named) => simple(named, AgentOrder::Undrain, output).await,
        Order::Deactivate(named) => simple(named, AgentOrder::Deactivate, output).await,
        Order::Reactivate(named) => simple(named, AgentOrder::Reactivate, output).await,
        Order::Gone(arguments) => gone(arguments, output).await,
        Order::ResetBreaker(at) => reset_breaker(at, output).await,
    }
}

async fn simple(named: Named, order: AgentOrder, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(named.at.master.as_deref()).await?;
    show(cluster.order(&named.agent, order).await?, output)
}

async fn drain(arguments: Drain, output: Output) -> Result<(), Failure> {
    let Named { at, agent } = arguments.named;
    let cluster = Cluster::find(at.master.as_deref()).await?;
    let order = AgentOrder::Drain { grace_max_ms: arguments.max_grace };
    if !arguments.wait {
        return show(cluster.order(&agent, order).await?, output);
    }
    // The watch begins first, so that no end is missed.
    let mut watch = cluster.watch().await?;
    let ordered = cluster.order(&agent, order).await?;
    if ordered.as_ref().is_ok_and(|state| state.duty == AgentDuty::Drained) {
        return show(ordered, output);
    }
    until_drained(&mut watch, &agent).await?;
    let state = cluster.state().await?.agents.into_iter().find(|known| known.id == agent);
    show(state.ok_or(agent), output)
}

async fn until_drained(watch: &mut Watch, agent: &AgentId) -> Result<(), Failure> {
    loop {
        match watch.next().await? {
            ClusterEvent::AgentDutyChanged(id, AgentDuty::Drained) if id == *agent => {
                return Ok(());
            }
            ClusterEvent::AgentDutyChanged(id, duty) if id == *agent && !duty.is_draining() => {
                let message = format!("agent {agent} is {duty} again before it was drained");
                return Err(Failure::new(code::FAILURE, message));
            }
            ClusterEvent::AgentGone(id) | ClusterEvent::AgentUnregistered(id) if id == *agent => {
                let message = format!("agent {agent} is gone before it was drained");
                return Err(Failure::new(code::FAILURE, message));
            }
            _ => {}
        }
    }
}

async fn gone(arguments: Gone, output: Output) -> Result<(), Failure> {
    let Named { at, agent } = arguments.named;
    if !arguments.yes {
        ask(&agent)?;
    }
    let cluster = Cluster::find(at.master.as_deref()).await?;
    show(cluster.order(&agent, AgentOrder::Gone).await?, output)
}

/// Asks whether an agent is to be given up for ever.
fn ask(agent: &AgentId) -> Result<(), Failure> {
    let unasked = |why: &str| {
        Failure::new(code::USAGE, format!("agent {agent} was not given up: {why}"))
            .hint(format!("stoa agent gone {agent} --yes"))
    };
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(unasked("there is nobody to ask"));
    }
    let mut errors = std::io::stderr().lock();
    let question = format!(
        "Agent {agent} and its tasks will be given up for ever. If it still runs, it ends, and \
         what runs on it too.\nGo on? (yes or no) "
    );
    let asked = errors.write_all(question.as_bytes()).and_then(|()| errors.flush());
    let mut answer = String::new();
    let answered = asked.and_then(|()| input.lock().read_line(&mut answer));
    match answered {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(unasked("the answer was not yes")),
    }
}

async fn reset_breaker(at: At, output: Output) -> Result<(), Failure> {
    let agents = Cluster::find(at.master.as_deref()).await?.reset_breaker().await?;
    match output {
        Output::Json => print_json(&json!({ "agents": agents })),
        Output::Table => writeln!(std::io::stdout().lock(), "{agents} agents are let go"),
    }
    .map_err(unprinted)
}

fn show(agent: Result<AgentState, AgentId>, output: Output) -> Result<(), Failure> {
    match (agent, output) {
        (Ok(state), _) => print(&[AgentView::from(&state)], output),
        (Err(id), Output::Json) => print_json(&json!([{ "agent": id.as_str(), "state": "GONE" }])),
        (Err(id), Output::Table) => writeln!(std::io::stdout().lock(), "{id} GONE"),
    }
    .map_err(unprinted)
}
