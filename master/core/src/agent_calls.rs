//! What agents call: finds out who is speaking, and hands the call to the file that owns what it
//! is about. It never changes the state itself.

use stoa_model::agent_link::{Call, Event};
use stoa_model::epoch::Epoch;
use stoa_model::ids::AgentId;
use stoa_model::instant::Instant;
use stoa_model::scheduler;

use crate::action::Action;
use crate::agents::Standing;
use crate::connections::Peer;
use crate::input::ConnectionId;
use crate::master::Master;
use crate::rejection::AgentRejection;
use crate::step::Step;

impl Master {
    pub(crate) fn on_agent_call(&mut self, step: &mut Step, connection: ConnectionId, call: Call) {
        let result = match (self.agent_streams.peer(connection).cloned(), call) {
            (Some(Peer::Closed), _) => Ok(()),
            (Some(Peer::Registered(id)), call) => self.on_member_call(step, &id, call),
            (None, Call::Register { info, epoch }) => self
                .check_epoch(step, epoch)
                .and_then(|()| self.on_agent_register(step, connection, info)),
            (None, Call::Reregister(report)) => self
                .check_epoch(step, report.epoch)
                .and_then(|()| self.on_agent_reregister(step, connection, *report)),
            (None, _) => Err(AgentRejection::NotRegistered),
        };
        if let Err(rejection) = result {
            self.refuse_agent(step, connection, &rejection);
        }
    }

    /// An agent that has obeyed a later leader than this one is the proof that this one leads no
    /// more, or that its store is older than the agents.
    fn check_epoch(&self, step: &mut Step, known: Epoch) -> Result<(), AgentRejection> {
        let own = self.config.master.epoch;
        if known <= own {
            return Ok(());
        }
        step.actions.push(Action::Stop { known });
        Err(AgentRejection::EpochHigher { own, known })
    }

    /// Ends an agent's stream and says why.
    pub(crate) fn refuse_agent(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        rejection: &AgentRejection,
    ) {
        let is_final = rejection.is_final();
        let (message, epoch) = (rejection.to_string(), self.config.master.epoch);
        step.send_agent(connection, Event::Error { message, is_final, epoch });
        step.close_agent(connection);
        if let Some(id) = self.agent_streams.forget(connection) {
            self.disconnect_agent(step, &id);
        }
        self.agent_streams.close(connection);
    }

    fn on_member_call(
        &mut self,
        step: &mut Step,
        id: &AgentId,
        call: Call,
    ) -> Result<(), AgentRejection> {
        self.hear(id, step.now);
        match call {
            Call::Register { .. } | Call::Reregister(_) => {
                return Err(AgentRejection::AlreadyRegistered(id.clone()));
            }
            Call::Unregister => self.on_agent_unregister(step, id),
            Call::Update { framework, status, latest } => {
                self.on_update(step, id, framework, (status, latest))?;
            }
            Call::Applied { number } => self.on_applied(id, number)?,
            Call::Message { framework, executor, data } => {
                let agent = id.clone();
                let event = scheduler::Event::Message { agent, executor, data };
                self.tell(step, &framework, event);
            }
            Call::ExecutorEnded { framework, executor, message } => {
                self.on_executor_ended(step, id, (framework, executor), message);
            }
            Call::Log { request, chunk } => self.on_log(step, id, request, chunk),
            Call::Heartbeat => {}
        }
        Ok(())
    }

    /// Notes that an agent lives. Its deadline looks at this when it is due, so that a call
    /// costs next to nothing.
    fn hear(&mut self, id: &AgentId, now: Instant) {
        if let Standing::Connected { heard_at, .. } = &mut self.agent_mut(id).standing {
            *heard_at = now;
        }
    }
}
