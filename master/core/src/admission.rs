//! How an agent joins: Register, and the welcome that Register and Reregister have in common. It
//! never reads a report; `reregistration.rs` does.

use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Event, Welcome};
use stoa_model::ids::AgentId;
use stoa_model::operator::ClusterEvent;
use stoa_planted::{Bug, is_planted};

use crate::agent_loss::Departure;
use crate::agents::{Agent, Standing};
use crate::deadlines::Deadline;
use crate::input::ConnectionId;
use crate::limits::{AGENTS_MAX, NAME_BYTES_MAX};
use crate::master::Master;
use crate::record::Record;
use crate::rejection::AgentRejection;
use crate::step::Step;

pub(crate) fn check_agent(info: &AgentInfo) -> Result<(), AgentRejection> {
    if info.resources.cpus_milli == 0 && info.resources.memory_bytes == 0 {
        return Err(AgentRejection::NothingGiven);
    }
    let longest = info.hostname.len().max(info.version.len());
    if longest > NAME_BYTES_MAX {
        return Err(AgentRejection::NameTooLong(longest));
    }
    Ok(())
}

impl Master {
    pub(crate) fn on_agent_register(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        info: AgentInfo,
    ) -> Result<(), AgentRejection> {
        check_agent(&info)?;
        self.make_room(step)?;
        let (known, gone) = (&self.agents, &self.gone);
        let id = self.mint.agent(|id| known.contains_key(id) || gone.contains(id));
        self.insert_agent(step, &id, info.clone());
        let welcome = self.welcome(step, connection, &id);
        step.send_agent(connection, Event::Registered(welcome));
        step.publish(ClusterEvent::AgentRegistered(id, info));
        Ok(())
    }

    /// Makes sure that one more agent can be known.
    pub(crate) fn make_room(&mut self, step: &mut Step) -> Result<(), AgentRejection> {
        if self.agents.len() < AGENTS_MAX {
            return Ok(());
        }
        let unreachable = self.agents.iter().filter_map(|(id, agent)| match agent.standing {
            Standing::Unreachable { since } => Some((since, id)),
            _ => None,
        });
        let Some((_, id)) = unreachable.min() else {
            return Err(AgentRejection::AgentsFull);
        };
        let id = id.clone();
        self.remove_agent(step, &id, Departure::Left);
        Ok(())
    }

    /// Makes an agent of the pool known, on which nothing runs as far as is known.
    pub(crate) fn insert_agent(&mut self, step: &mut Step, id: &AgentId, info: AgentInfo) {
        if !is_planted(Bug::MasterAdmitsUnrecorded) {
            step.record(Record::Agent { id: id.clone(), info: info.clone() });
        }
        self.allocator.shares.grow(&info.resources);
        let agent = Agent::new(info, Standing::Disconnected, self.mint.session());
        self.agents.insert(id.clone(), agent);
    }

    /// Connects an agent of the pool: from now on it is on offer.
    pub(crate) fn welcome(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        id: &AgentId,
    ) -> Welcome {
        self.agent_streams.register(connection, id.clone());
        let silent_at = step.now.plus_ms(self.config.agent_unreachable_ms);
        self.deadlines.set(Deadline::Agent(id.clone()), silent_at);
        self.forget_loss(step, id);
        self.start_heartbeat(step.now);
        self.note_drain(id);
        self.allocator.dirty.insert(id.clone());
        let (heartbeat_ms, epoch) = (self.config.heartbeat_ms, self.config.master.epoch);
        let agent = self.agent_mut(id);
        agent.standing = Standing::Connected { connection, heard_at: step.now };
        let session = agent.outbox.session().clone();
        Welcome { agent: id.clone(), session, heartbeat_ms, epoch }
    }
}
