//! How frameworks come and go: Register, Reregister, a broken stream, a failover. It never ends a
//! framework; `removal.rs` does.

use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::FrameworkId;
use stoa_model::operator::ClusterEvent;
use stoa_model::scheduler::Event;
use stoa_planted::{Bug, is_planted};

use crate::deadlines::Deadline;
use crate::demand::Demand;
use crate::framework_rules::check_framework;
use crate::frameworks::{Framework, Link};
use crate::input::ConnectionId;
use crate::limits::FRAMEWORKS_MAX;
use crate::master::Master;
use crate::record::Record;
use crate::rejection::Rejection;
use crate::step::Step;

impl Master {
    pub(crate) fn on_register(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        info: FrameworkInfo,
    ) -> Result<(), Rejection> {
        check_framework(&info)?;
        if self.frameworks.len() >= FRAMEWORKS_MAX {
            return Err(Rejection::FrameworksFull);
        }
        let (known, removed) = (&self.frameworks, &self.removed);
        let id = self.mint.framework(|id| known.contains_key(id) || removed.contains(id));
        self.schedulers.register(connection, id.clone());
        let framework = Framework::new(info.clone(), Link::Connected(connection));
        self.frameworks.insert(id.clone(), framework);

        step.record(Record::Framework { id: id.clone(), info: info.clone() });
        let registered = Event::Registered {
            framework: id.clone(),
            master: self.config.master.clone(),
            heartbeat_ms: self.config.heartbeat_ms,
        };
        step.send_scheduler(connection, registered);
        step.publish(ClusterEvent::FrameworkRegistered(id.clone(), info));
        self.start_heartbeat(step.now);
        self.refresh_turns(&id, &[]);
        Ok(())
    }

    pub(crate) fn on_reregister(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        id: FrameworkId,
        info: FrameworkInfo,
    ) -> Result<(), Rejection> {
        check_framework(&info)?;
        let Some(framework) = self.frameworks.get(&id) else {
            return Err(if self.removed.contains(&id) {
                Rejection::FrameworkRemoved(id)
            } else {
                Rejection::FrameworkUnknown(id)
            });
        };
        let former = framework.connection();
        if let Some(former) = former.filter(|_| !is_planted(Bug::MasterServesTwoStreams)) {
            self.take_over(step, former, &id);
        }
        self.adopt_connection(step, connection, &id, info);

        let reregistered = Event::Reregistered {
            framework: id.clone(),
            master: self.config.master.clone(),
            heartbeat_ms: self.config.heartbeat_ms,
        };
        step.send_scheduler(connection, reregistered);
        step.publish(ClusterEvent::FrameworkReregistered(id.clone()));
        for task in self.frameworks[&id].tasks.values() {
            if let Some(status) = task.status_unacknowledged() {
                step.send_scheduler(connection, Event::Update(status.clone()));
            }
        }
        self.start_heartbeat(step.now);
        Ok(())
    }

    /// Ends the stream of the scheduler before, and voids all that it had asked and been offered.
    fn take_over(&mut self, step: &mut Step, former: ConnectionId, id: &FrameworkId) {
        let message = format!("another scheduler has taken over framework {id}");
        step.send_scheduler(
            former,
            Event::Error { message, is_final: true, epoch: self.config.master.epoch },
        );
        step.close_scheduler(former);
        self.schedulers.close(former);
        self.void(step, id);
    }

    /// Gives the framework its new stream and what its new scheduler says of it.
    fn adopt_connection(
        &mut self,
        step: &mut Step,
        connection: ConnectionId,
        id: &FrameworkId,
        info: FrameworkInfo,
    ) {
        self.schedulers.register(connection, id.clone());
        self.deadlines.clear(&Deadline::Framework(id.clone()));
        let framework = self.framework_mut(id);
        if framework.info != info {
            step.record(Record::Framework { id: id.clone(), info: info.clone() });
        }
        let former = std::mem::replace(&mut framework.info, info);
        if framework.connection().is_none() {
            step.record(Record::FrameworkConnected { id: id.clone() });
        }
        framework.link = Link::Connected(connection);
        framework.suppressed.clear();
        self.refresh_turns(id, &former.roles);
    }

    pub(crate) fn on_scheduler_gone(&mut self, step: &mut Step, connection: ConnectionId) {
        let Some(id) = self.schedulers.forget(connection) else {
            return;
        };
        let framework = self.framework_mut(&id);
        let is_hasty = is_planted(Bug::MasterIsImpatient);
        let failover_ms = framework.info.failover_timeout_ms;
        let until = step.now.plus_ms(if is_hasty { failover_ms / 2 } else { failover_ms });
        framework.link = Link::Disconnected { until };
        self.deadlines.set(Deadline::Framework(id.clone()), until);
        step.record(Record::FrameworkDisconnected { id: id.clone(), deadline: until });
        step.publish(ClusterEvent::FrameworkDisconnected(id.clone()));
        self.void(step, &id);
        self.questions.forget_framework(&id);
        self.refresh_turns(&id, &[]);
        self.begin_alone(step, &id);
    }

    /// Voids what a scheduler that is gone was offered, refused and requested.
    fn void(&mut self, step: &mut Step, id: &FrameworkId) {
        self.withdraw_of_framework(step, id);
        self.drop_filters(id);
        self.framework_mut(id).demand = Demand::default();
    }
}
