//! Which stream is a framework's at each master, and when frameworks end. It never looks into
//! offers and tasks.

use std::collections::{BTreeMap, BTreeSet};

use stoa_master_core::{Action, ConnectionId, Input, Record};
use stoa_model::ids::FrameworkId;
use stoa_model::instant::Instant;
use stoa_model::operator::ClusterEvent;
use stoa_model::scheduler::{Call, Event};

use crate::checker::{Checker, Step};
use crate::invariant::Invariant;
use crate::names::Name;
use crate::violation::{Checked, ensure};

/// The streams of schedulers, as masters have greeted them.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    of: BTreeMap<(Name, ConnectionId), FrameworkId>,
    current: BTreeMap<(Name, FrameworkId), ConnectionId>,
    /// Since when a master waits for a framework's scheduler.
    away_since: BTreeMap<(Name, FrameworkId), Instant>,
    started_at: BTreeMap<Name, Instant>,
    /// The deadlines that are durable, and those that were when a master began: they hold.
    deadlines: BTreeMap<FrameworkId, Instant>,
    found: BTreeMap<(Name, FrameworkId), Instant>,
    failover_ms: BTreeMap<FrameworkId, u64>,
    /// Those that may end by themselves.
    alone: BTreeSet<FrameworkId>,
    /// Those whose end a master has published.
    pub(crate) removed: BTreeSet<FrameworkId>,
}

impl Streams {
    /// A master begins without streams.
    pub(crate) fn on_start(&mut self, master: Name, now: Instant) {
        self.of.retain(|(other, _), _| *other != master);
        self.current.retain(|(other, _), _| *other != master);
        self.away_since.retain(|(other, _), _| *other != master);
        self.started_at.insert(master, now);
        self.found.retain(|(other, _), _| *other != master);
        let found = self.deadlines.iter().map(|(id, at)| ((master, id.clone()), *at));
        self.found.extend(found);
    }

    /// A record of a master is durable.
    pub(crate) fn on_record(&mut self, record: &Record) {
        match record {
            Record::FrameworkDisconnected { id, deadline } => {
                self.deadlines.insert(id.clone(), *deadline);
            }
            Record::FrameworkConnected { id } | Record::FrameworkRemoved { id } => {
                self.deadlines.remove(id);
            }
            _ => {}
        }
    }

    /// Whose stream it is.
    pub(crate) fn framework(&self, master: Name, id: ConnectionId) -> Option<FrameworkId> {
        self.of.get(&(master, id)).cloned()
    }

    fn greet(&mut self, master: Name, id: ConnectionId, framework: &FrameworkId) {
        self.of.insert((master, id), framework.clone());
        self.current.insert((master, framework.clone()), id);
        self.away_since.remove(&(master, framework.clone()));
        self.found.remove(&(master, framework.clone()));
    }
}

impl Checker {
    pub(crate) fn check_streams(&mut self, step: &Step<'_>) -> Checked {
        let (master, streams) = (step.master, &mut self.streams);
        if let Input::SchedulerGone(id) = step.input
            && let Some(framework) = streams.of.remove(&(master, *id))
            && streams.current.get(&(master, framework.clone())) == Some(id)
        {
            streams.away_since.insert((master, framework), step.now);
        }
        for action in step.actions {
            match action {
                Action::ToScheduler(id, event) => self.check_told(master, *id, event)?,
                Action::Record(Record::Framework { id, info }) => {
                    self.streams.failover_ms.insert(id.clone(), info.failover_timeout_ms);
                    if info.ends_alone {
                        self.streams.alone.insert(id.clone());
                    }
                }
                Action::Publish(ClusterEvent::FrameworkRemoved(id)) => {
                    self.check_removal(step, id)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_told(&mut self, master: Name, id: ConnectionId, event: &Event) -> Checked {
        let streams = &mut self.streams;
        if let Event::Registered { framework, .. } | Event::Reregistered { framework, .. } = event {
            let is_over = streams.removed.contains(framework);
            ensure(!is_over, Invariant::T9, || format!("{framework} is greeted by {master}"))?;
            streams.greet(master, id, framework);
        }
        let Some(framework) = streams.of.get(&(master, id)) else { return Ok(()) };
        let is_current = streams.current.get(&(master, framework.clone())) == Some(&id);
        let may_be = is_current || matches!(event, Event::Error { .. });
        ensure(may_be, Invariant::F1, || format!("{framework} is told {event:?} on an old stream"))
    }

    fn check_removal(&self, step: &Step<'_>, id: &FrameworkId) -> Checked {
        let streams = &self.streams;
        if matches!(step.input, Input::SchedulerCall(_, Call::Unregister))
            || streams.alone.contains(id)
        {
            return Ok(());
        }
        let key = (step.master, id.clone());
        let since = streams.away_since.get(&key);
        if since.is_none() && streams.found.get(&key).is_some_and(|deadline| *deadline <= step.now)
        {
            return Ok(());
        }
        let since = since.or(streams.started_at.get(&step.master)).copied().unwrap_or_default();
        let failover_ms = streams.failover_ms.get(id).copied().unwrap_or(0);
        let waited_ms = step.now.ms_since(since);
        ensure(waited_ms >= failover_ms, Invariant::F2, || {
            format!("{id} after {waited_ms} of {failover_ms} ms")
        })
    }
}
