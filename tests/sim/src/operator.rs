//! An operator, who wants agents to be drained, to go on, or to be gone. It never does what only
//! the master may do.

use stoa_agent_core::Recovered;
use stoa_invariants::{Checked, Invariant, Name, Violation};
use stoa_master_core::Input;
use stoa_model::agent::AgentDuty;
use stoa_model::agent_link::RequestId;
use stoa_model::ids::AgentId;
use stoa_model::operator::{AgentOrder, AgentStanding, Answer, ClusterState, Query};

use crate::host::Key;
use crate::queue::Happening;
use crate::seen::Seen;
use crate::world::World;

/// How long people need to put a new agent in the place of one that is gone.
const REPLACED_MS_MAX: u64 = 8_000;

impl World {
    /// The operator wants something of some agent.
    pub(crate) fn order_something(&mut self) -> Checked {
        let at = self.chance.index(self.agents.len());
        let Some(agent) = self.agents[at].disk.agent().cloned() else { return Ok(()) };
        let order = match self.chance.between(0, 12) {
            0 => AgentOrder::Gone,
            1..=4 => {
                let grace_max_ms = self.chance.between(0, 2_000);
                let grace_max_ms = Some(grace_max_ms).filter(|_| self.chance.one_in(2));
                AgentOrder::Drain { grace_max_ms }
            }
            5..=8 => AgentOrder::Undrain,
            9 => AgentOrder::Deactivate,
            10 | 11 => AgentOrder::Reactivate,
            _ => return self.ask_master(Query::ResetBreaker),
        };
        self.order(agent, order)
    }

    /// The operator wants something of an agent.
    pub(crate) fn order(&mut self, agent: AgentId, order: AgentOrder) -> Checked {
        self.note(format!("       !! operator: {} {agent}", order.as_str()));
        self.ask_master(Query::Agent { agent, order })
    }

    /// A question to the master; nobody answers if there is none.
    pub(crate) fn ask_master(&mut self, query: Query) -> Checked {
        let Some(at) = self.leader().filter(|at| self.awake_at(Name::Master(*at)) <= self.now)
        else {
            return Ok(());
        };
        self.counts.orders += 1;
        self.step_master(at, Input::Query(RequestId(self.counts.orders), query))
    }

    pub(crate) fn on_answer(&mut self, _: RequestId, answer: &Answer) {
        self.counts.orders_done += u64::from(!matches!(answer, Answer::Refused(_)));
        let text = match answer {
            Answer::Agent(state) => format!("{} is {}", state.id, state.duty),
            Answer::AgentGone(id) => format!("{id} is gone"),
            Answer::BreakerReset { agents } => format!("{agents} agents are let go"),
            Answer::Refused(refusal) => refusal.to_string(),
            other => format!("{other:?}"),
        };
        self.note(format!("       !! operator is told: {text}"));
    }

    /// The agent's process has ended as the master wanted: somebody puts a new agent there.
    pub(crate) fn replace_agent(&mut self, at: usize) -> Checked {
        self.crash_agent(at)?;
        self.end_host(at);
        self.agents[at].disk = Recovered::default();
        self.checker.on_agent_replaced(Name::Agent(at));
        self.checker.forget_epoch(Name::Agent(at));
        self.tally.note(Seen::AgentReplaced);
        let delay_ms = self.chance.between(1, REPLACED_MS_MAX);
        self.queue.push(self.now.plus_ms(delay_ms), Happening::Start(Name::Agent(at)));
        Ok(())
    }

    /// Nothing runs on an agent that is drained, and it is not offered; nor is one that is to take
    /// no tasks.
    pub(crate) fn check_drained(&self, state: &ClusterState) -> Checked {
        for agent in &state.agents {
            if agent.duty != AgentDuty::Active && !agent.offered.is_empty() {
                let seen = format!("{} is {} with {}", agent.id, agent.duty, agent.offered);
                return Err(Violation::new(Invariant::O5, seen));
            }
            if agent.duty != AgentDuty::Drained || agent.standing != AgentStanding::Connected {
                continue;
            }
            let process = self.agents.iter().find(|it| it.disk.agent() == Some(&agent.id));
            // The end of a removed framework is recorded, and its host hears of it in a moment.
            let is_removed = |(of, _): &&Key| self.store.records.removed.contains(of);
            let mut live = process.into_iter().flat_map(|process| process.host.live());
            if let Some(left) = live.find(|key| !is_removed(key)) {
                let seen = format!("{}/{} on {}", left.0, left.1, agent.id);
                return Err(Violation::new(Invariant::O5, seen));
            }
        }
        Ok(())
    }
}
