//! What schedulers call: finds out who is speaking, and hands the call to the file that owns what
//! it is about. It never changes the state itself, but for what is a line long.

use stoa_model::agent_link;
use stoa_model::ids::{AgentId, ExecutorId, FrameworkId, Role};
use stoa_model::scheduler::{Call, Event, ResourceRequest};

use crate::connections::Peer;
use crate::demand::Demand;
use crate::input::ConnectionId;
use crate::limits::REQUESTS_PER_FRAMEWORK_MAX;
use crate::master::Master;
use crate::rejection::Rejection;
use crate::step::Step;
use stoa_model::keys::ExecutorKey;

impl Master {
    pub(crate) fn on_scheduler_call(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        call: Call,
    ) {
        let result = match (self.schedulers.peer(connection).cloned(), call) {
            (Some(Peer::Closed), _) => Ok(()),
            (Some(Peer::Registered(id)), Call::Register(_) | Call::Reregister { .. }) => {
                Err(Rejection::AlreadyRegistered(id))
            }
            (Some(Peer::Registered(id)), call) => self.on_framework_call(step, &id, call),
            (None, Call::Register(info)) => self.on_register(step, connection, info),
            (None, Call::Reregister { framework, info }) => {
                self.on_reregister(step, connection, framework, info)
            }
            (None, _) => Err(Rejection::NotRegistered),
        };
        let Err(rejection) = result else { return };
        let is_final = rejection.is_final();
        let (message, epoch) = (rejection.to_string(), self.config.master.epoch);
        step.send_scheduler(connection, Event::Error { message, is_final, epoch });
        if is_final {
            self.schedulers.close(connection);
            step.close_scheduler(connection);
        }
    }

    fn on_framework_call(
        &mut self,
        step: &mut Step,
        id: &FrameworkId,
        call: Call,
    ) -> Result<(), Rejection> {
        match call {
            Call::Register(_) | Call::Reregister { .. } => {
                return Err(Rejection::AlreadyRegistered(id.clone()));
            }
            Call::Unregister => self.on_unregister(step, id),
            Call::Request(requests) => self.on_request(id, requests)?,
            Call::Decline { offers, filters } => self.on_decline(step, id, offers, filters)?,
            Call::Revive(roles) => self.on_revive(id, roles)?,
            Call::Suppress(roles) => self.on_suppress(id, roles)?,
            Call::Launch { offers, tasks, filters } => {
                self.on_launch(step, id, (offers, tasks, filters));
            }
            Call::Kill { task, agent, policy } => self.on_kill(step, id, (task, agent), policy)?,
            Call::SetPaused { task, is_paused } => {
                self.on_set_paused(step, id, (task, is_paused))?;
            }
            Call::Acknowledge { agent, task, update } => {
                self.on_acknowledge(step, id, (&agent, &task), update);
            }
            Call::Reconcile(tasks) => self.on_reconcile(step, id, tasks)?,
            Call::Message { agent, executor, data } => {
                let framework = id.clone();
                let event = agent_link::Event::Message { framework, executor, data };
                self.tell_agent(step, &agent, event);
            }
            Call::Shutdown { agent, executor } => self.on_shutdown(step, id, agent, executor)?,
        }
        Ok(())
    }

    fn on_request(
        &mut self,
        id: &FrameworkId,
        requests: Vec<ResourceRequest>,
    ) -> Result<(), Rejection> {
        if requests.len() > REQUESTS_PER_FRAMEWORK_MAX {
            return Err(Rejection::RequestsFull(requests.len()));
        }
        if requests.iter().any(|request| request.resources.is_empty()) {
            return Err(Rejection::RequestEmpty);
        }
        self.framework_mut(id).demand = Demand::new(requests);
        self.refresh_turns(id, &[]);
        Ok(())
    }

    fn on_revive(&mut self, id: &FrameworkId, named: Vec<Role>) -> Result<(), Rejection> {
        let framework = self.framework_mut(id);
        let roles = framework.roles_named(named).map_err(Rejection::RoleForeign)?;
        framework.suppressed.retain(|role| !roles.contains(role));
        self.drop_filters_of_roles(id, &roles);
        self.refresh_turns(id, &[]);
        Ok(())
    }

    fn on_suppress(&mut self, id: &FrameworkId, named: Vec<Role>) -> Result<(), Rejection> {
        let framework = self.framework_mut(id);
        let roles = framework.roles_named(named).map_err(Rejection::RoleForeign)?;
        framework.suppressed.extend(roles);
        self.refresh_turns(id, &[]);
        Ok(())
    }

    fn on_shutdown(
        &mut self,
        step: &mut Step,
        id: &FrameworkId,
        agent: AgentId,
        executor: ExecutorId,
    ) -> Result<(), Rejection> {
        let key = ExecutorKey::new(id, &executor);
        let known = self.agents.get(&agent).filter(|known| known.executors.contains_key(&key));
        let Some(known) = known else {
            return Err(Rejection::ExecutorUnknown { agent, executor });
        };
        if known.outbox.is_full() {
            return Err(Rejection::CommandsFull(agent));
        }
        let framework = id.clone();
        self.command(step, &agent, agent_link::Command::Shutdown { framework, executor });
        Ok(())
    }
}
