//! One step under way: when it happens, and what it has led to so far. It never decides.

use stoa_model::agent_link::{self, RequestId};
use stoa_model::instant::Instant;
use stoa_model::operator::{Answer, ClusterEvent};
use stoa_model::scheduler;

use crate::action::Action;
use crate::input::ConnectionId;
use crate::record::Record;

/// The time of a step and the end of the list its actions are appended to.
pub(crate) struct Step<'a> {
    pub(crate) now: Instant,
    pub(crate) actions: &'a mut Vec<Action>,
}

impl Step<'_> {
    pub(crate) fn record(&mut self, record: Record) {
        self.actions.push(Action::Record(record));
    }

    pub(crate) fn send_scheduler(&mut self, connection: ConnectionId, event: scheduler::Event) {
        self.actions.push(Action::ToScheduler(connection, event));
    }

    pub(crate) fn close_scheduler(&mut self, connection: ConnectionId) {
        self.actions.push(Action::CloseScheduler(connection));
    }

    pub(crate) fn send_agent(&mut self, connection: ConnectionId, event: agent_link::Event) {
        self.actions.push(Action::ToAgent(connection, event));
    }

    pub(crate) fn close_agent(&mut self, connection: ConnectionId) {
        self.actions.push(Action::CloseAgent(connection));
    }

    pub(crate) fn answer(&mut self, request: RequestId, answer: Answer) {
        self.actions.push(Action::Answer(request, answer));
    }

    pub(crate) fn publish(&mut self, event: ClusterEvent) {
        self.actions.push(Action::Publish(event));
    }
}
