//! What must be true after every step. It never repairs anything.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::resources::Resources;

use crate::agents::{Agent, Standing};
use crate::amounts::Amounts;
use crate::connections::Peer;
use crate::deadlines::Deadline;
use crate::frameworks::Framework;
use crate::limits::{
    AGENTS_GONE_MAX, AGENTS_MAX, FRAMEWORKS_MAX, LOG_REQUESTS_WAITING_MAX,
    OFFERS_PER_FRAMEWORK_MAX, TASKS_COMPLETED_MAX,
};
use crate::master::Master;

impl Master {
    /// All invariants: accounts, indexes, shares, deadlines, bounds.
    ///
    /// # Errors
    /// Says which is broken, and where.
    pub fn check(&self) -> Result<(), String> {
        for (id, agent) in &self.agents {
            self.check_agent(id, agent).map_err(|fault| format!("agent {id}: {fault}"))?;
        }
        for (id, framework) in &self.frameworks {
            self.check_framework(id, framework)
                .map_err(|fault| format!("framework {id}: {fault}"))?;
        }
        self.check_offers()?;
        self.check_shares()?;
        self.check_deadlines()?;
        self.check_allocator()?;
        self.check_bounds()?;
        self.check_gone()?;
        self.losses.check(&self.agents)?;
        self.questions.check(|agent| match agent {
            None => !self.awaited.is_empty(),
            Some(id) => self
                .agents
                .get(id)
                .is_some_and(|agent| !matches!(agent.standing, Standing::Connected { .. })),
        })
    }

    fn check_agent(&self, id: &AgentId, agent: &Agent) -> Result<(), String> {
        let mut used = Resources::default();
        let add = |sum: &mut Resources, part: &Resources| {
            *sum = sum.checked_add(part).ok_or("more is used than can be")?;
            Ok::<(), String>(())
        };
        for key in &agent.tasks {
            let framework = self.frameworks.get(&key.framework).ok_or("a task of nobody")?;
            let record = &framework.tasks.get(&key.task).ok_or("an unknown task")?.record;
            ensure(record.agent == *id, || format!("task {key} is on {}", record.agent))?;
            if record.state.holds_resources() {
                add(&mut used, &record.resources)?;
            }
        }
        for (key, executor) in &agent.executors {
            ensure(self.frameworks.contains_key(&key.framework), || format!("{key} of nobody"))?;
            add(&mut used, &executor.resources)?;
        }
        for (framework, resources) in &agent.ending {
            let waits = agent.outbox.ends_with_removal(framework);
            ensure(waits, || format!("{framework} ends without a command"))?;
            add(&mut used, resources)?;
        }
        let mut offered = Resources::default();
        for id in &agent.offers {
            add(&mut offered, &self.offers.get(id).ok_or("an unknown offer")?.resources)?;
        }
        ensure(agent.book.total() == &agent.info.resources, || "a wrong total".to_owned())?;
        agent.book.check(&offered, &used)?;
        let is_bare = used.is_empty() && agent.ending.is_empty() && agent.executors.is_empty();
        ensure(agent.is_in_pool() || is_bare, || "out of the pool, but charged".to_owned())?;
        ensure(agent.connection().is_some() || offered.is_empty(), || {
            "away, but offered".to_owned()
        })?;
        agent.check_duty()?;
        let is_awaited = agent.standing == Standing::Recovered;
        ensure(self.awaited.contains(id) == is_awaited, || "wrongly awaited".to_owned())?;
        let Some(connection) = agent.connection() else {
            return Ok(());
        };
        let peer = self.agent_streams.peer(connection);
        ensure(peer == Some(&Peer::Registered(id.clone())), || format!("its stream is {peer:?}"))
    }

    fn check_framework(&self, id: &FrameworkId, framework: &Framework) -> Result<(), String> {
        for (task_id, task) in &framework.tasks {
            let record = &task.record;
            ensure(record.id == *task_id && record.framework == *id, || format!("task {task_id}"))?;
            let agent = self.agents.get(&record.agent).ok_or("a task on no agent")?;
            let key = stoa_model::keys::TaskKey::new(id, task_id);
            ensure(agent.tasks.contains(&key), || format!("agent does not know {key}"))?;
            ensure(agent.is_in_pool() || !record.state.holds_resources(), || {
                format!("{key} is {} on a lost agent", record.state)
            })?;
            ensure(self.completed.task(id, task_id).is_none(), || format!("{key} twice"))?;
        }
        for offer in &framework.offers {
            ensure(self.offers.contains_key(offer), || format!("unknown offer {offer}"))?;
        }
        for role in &framework.info.roles {
            let turn = self.allocator.shares.turn(role, id);
            ensure(turn == framework.turn(role), || format!("waits as {turn:?} for {role}"))?;
        }
        let Some(connection) = framework.connection() else {
            let is_bare = framework.offers.is_empty()
                && framework.demand.is_empty()
                && framework.filters.agents().next().is_none();
            return ensure(is_bare, || "away, but offered, filtered or wanting".to_owned());
        };
        let peer = self.schedulers.peer(connection);
        ensure(peer == Some(&Peer::Registered(id.clone())), || format!("its stream is {peer:?}"))
    }

    fn check_offers(&self) -> Result<(), String> {
        for (id, offer) in &self.offers {
            let is_known =
                self.frameworks.get(&offer.framework).is_some_and(|f| f.offers.contains(id))
                    && self.agents.get(&offer.agent).is_some_and(|agent| agent.offers.contains(id));
            ensure(is_known && !offer.resources.is_empty(), || format!("offer {id} is lost"))?;
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), String> {
        let mut held: BTreeMap<(&Role, &FrameworkId), Amounts> = BTreeMap::new();
        let mut total = Amounts::default();
        for offer in self.offers.values() {
            held.entry((&offer.role, &offer.framework)).or_default().add(&offer.resources);
        }
        for (id, framework) in &self.frameworks {
            for task in framework.tasks.values().filter(|of| of.record.state.holds_resources()) {
                held.entry((&task.record.role, id)).or_default().add(&task.record.resources);
            }
        }
        for agent in self.agents.values() {
            if agent.is_in_pool() {
                total.add(&agent.info.resources);
            }
            for (key, executor) in &agent.executors {
                held.entry((&executor.role, &key.framework)).or_default().add(&executor.resources);
            }
        }
        ensure(*self.allocator.shares.total() == total, || "a wrong total of shares".to_owned())?;
        held.retain(|_, amounts| !amounts.is_empty());
        for (role, framework, allocated, turn) in self.allocator.shares.all() {
            let counted = held.remove(&(role, framework)).unwrap_or_default();
            ensure(counted == *allocated, || format!("{framework} in {role}: {allocated:?}"))?;
            ensure(self.frameworks.contains_key(framework), || format!("{framework} has a share"))?;
            let is_idle = allocated.is_empty() && turn.is_none();
            ensure(!is_idle, || format!("{framework} in {role} is not forgotten"))?;
        }
        ensure(held.is_empty(), || format!("uncounted: {held:?}"))
    }

    fn check_deadlines(&self) -> Result<(), String> {
        let mut expected: BTreeSet<Deadline> =
            self.offers.keys().cloned().map(Deadline::Lease).collect();
        for (id, agent) in &self.agents {
            let is_over = self.losses.contains(id);
            if !matches!(agent.standing, Standing::Unreachable { .. }) && !is_over {
                expected.insert(Deadline::Agent(id.clone()));
            }
        }
        if !self.losses.is_empty() {
            expected.insert(Deadline::Loss);
        }
        for (id, framework) in &self.frameworks {
            if framework.connection().is_none() {
                expected.insert(Deadline::Framework(id.clone()));
            }
            let agents = framework.filters.agents().cloned();
            expected.extend(agents.map(|agent| Deadline::Filters(id.clone(), agent)));
        }
        let missing = expected.iter().find(|deadline| self.deadlines.at(deadline).is_none());
        ensure(missing.is_none(), || format!("no deadline for {missing:?}"))?;
        let is_expected =
            |deadline: &&Deadline| **deadline == Deadline::Heartbeat || expected.contains(deadline);
        let needless = self.deadlines.all().find(|deadline| !is_expected(deadline));
        ensure(needless.is_none(), || format!("{needless:?} for nothing"))
    }

    fn check_allocator(&self) -> Result<(), String> {
        ensure(self.allocator.dirty.is_empty(), || "an agent was not looked at".to_owned())?;
        for (id, agent) in &self.agents {
            let is_idle = self.allocator.idle.contains(id);
            ensure(is_idle == agent.is_on_offer(), || format!("agent {id} is wrongly idle"))?;
        }
        let is_known = self.allocator.idle.iter().all(|id| self.agents.contains_key(id));
        ensure(is_known, || "an unknown agent is idle".to_owned())
    }

    fn check_gone(&self) -> Result<(), String> {
        let back = self.gone.iter().find(|id| self.agents.contains_key(*id));
        ensure(back.is_none(), || format!("agent {back:?} is gone and here"))?;
        ensure(self.perhaps_drained.is_empty(), || "a drain was not looked at".to_owned())
    }

    fn check_bounds(&self) -> Result<(), String> {
        let sizes = [
            ("agents", self.agents.len(), AGENTS_MAX),
            ("gone agents", self.gone.len(), AGENTS_GONE_MAX),
            ("frameworks", self.frameworks.len(), FRAMEWORKS_MAX),
            ("completed tasks", self.completed.len(), TASKS_COMPLETED_MAX),
            ("log requests", self.log_requests.len(), LOG_REQUESTS_WAITING_MAX),
        ];
        let of_frameworks = self.frameworks.values().flat_map(|framework| {
            [
                ("offers", framework.offers.len(), OFFERS_PER_FRAMEWORK_MAX),
                ("suppressed", framework.suppressed.len(), framework.info.roles.len()),
            ]
        });
        for (what, size, max) in sizes.into_iter().chain(of_frameworks) {
            ensure(size <= max, || format!("{size} {what}; {max} are allowed"))?;
        }
        Ok(())
    }

    /// That no agent lies idle that somebody in turn would have.
    ///
    /// # Errors
    /// Names an agent and who would have it.
    pub fn check_work_conserving(&self) -> Result<(), String> {
        let wanted = self.allocator.idle.iter().find_map(|id| Some((id, self.taker(id)?)));
        match wanted {
            Some((id, (role, framework))) => {
                Err(format!("agent {id} lies idle, but {framework} would have it for {role}"))
            }
            None => Ok(()),
        }
    }
}

fn ensure(holds: bool, fault: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault()) }
}
