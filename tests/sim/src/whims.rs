//! What simulated authors do unasked, and what they make of offers, drawn by chance. It never
//! does what a scheduler may not do, except to ask for too much, too late or for nothing.

use stoa_invariants::Checked;
use stoa_model::ids::{ExecutorId, OfferId, TaskId, UpdateId};
use stoa_model::offer::{Filters, Offer};
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, ResourceRequest};
use stoa_model::task::{KillPolicy, TaskInfo};

use crate::author::{Mood, Own, Thought, task_info};
use crate::chance::Chance;
use crate::guest::Guest;
use crate::seen::Seen;
use crate::world::World;

/// How soon an author may regret a Launch, in milliseconds.
const REGRET_MS_MAX: u64 = 100;

/// One whim in so many ends the framework.
const UNREGISTER_ONE_IN: u64 = 150;

impl World {
    pub(crate) fn begin_whims(&mut self, at: usize) {
        if self.schedulers[at].author.mood == Mood::Eager {
            let delay_ms = self.chance.between(0, 2_000);
            self.think(at, delay_ms, Thought::Whim);
        }
    }

    pub(crate) fn on_whim(&mut self, at: usize) -> Checked {
        if self.schedulers[at].author.mood != Mood::Eager {
            return Ok(());
        }
        if self.chance.one_in(UNREGISTER_ONE_IN) {
            self.schedulers[at].author.has_left = true;
            return self.call(at, Call::Unregister);
        }
        if self.chance.one_in(self.plan.faults.hostile_one_in) {
            self.say_garbage(at)?;
            self.spend_badly(at)?;
        }
        match self.chance.between(0, 10) {
            0 | 1 | 9 | 10 => self.kill_one(at)?,
            2 => self.kill_nothing(at)?,
            3 => self.ask_about_some(at)?,
            4 => self.call(at, Call::Reconcile(Vec::new()))?,
            5 => self.call(at, Call::Suppress(Vec::new()))?,
            6 => self.call(at, Call::Revive(Vec::new()))?,
            7 => self.request(at)?,
            _ => self.meet_executor(at)?,
        }
        let delay_ms = self.chance.between(100, 3_000);
        self.think(at, delay_ms, Thought::Whim);
        Ok(())
    }

    fn kill_one(&mut self, at: usize) -> Checked {
        let is_any = self.chance.one_in(4);
        let open = self.schedulers[at].author.open();
        let is_patient = |own: &Own| own.guest.runs_ms.is_none() && !own.is_killed;
        let open = open.filter(|(_, own)| is_any || is_patient(own));
        let open: Vec<_> = open.map(|(task, own)| (task.clone(), own.agent.clone())).collect();
        let Some((task, agent)) = self.chance.pick(open) else { return Ok(()) };
        if let Some(own) = self.schedulers[at].author.tasks.get_mut(&task) {
            own.is_killed = true;
        }
        let agent = Some(agent).filter(|_| !self.chance.one_in(4));
        let grace_ms = self.chance.between(0, 2_000);
        let policy = Some(KillPolicy { grace_ms }).filter(|_| self.chance.one_in(2));
        self.call(at, Call::Kill { task, agent, policy })
    }

    /// A kill of a task that never was is answered too.
    fn kill_nothing(&mut self, at: usize) -> Checked {
        let task = TaskId::new("nothing").expect("a plain word is an id");
        self.call(at, Call::Kill { task, agent: None, policy: None })
    }

    fn ask_about_some(&mut self, at: usize) -> Checked {
        let tasks = &self.schedulers[at].author.tasks;
        let all: Vec<_> =
            tasks.iter().map(|(task, own)| (task.clone(), own.agent.clone())).collect();
        let some: Vec<_> = all.into_iter().filter(|_| self.chance.one_in(2)).collect();
        let questions: Vec<_> = some.into_iter().map(|(task, agent)| (task, Some(agent))).collect();
        if questions.is_empty() { Ok(()) } else { self.ask_about(at, questions) }
    }

    fn request(&mut self, at: usize) -> Checked {
        let resources = Resources::new(self.chance.between(1, 20) * 100, 128 << 20);
        let requests = vec![ResourceRequest { agent: None, resources }];
        let is_none = self.chance.one_in(3);
        self.call(at, Call::Request(if is_none { Vec::new() } else { requests }))
    }

    fn meet_executor(&mut self, at: usize) -> Checked {
        let executors = self.schedulers[at].author.executors.iter().cloned();
        let Some((agent, executor)) = self.chance.pick(executors) else { return Ok(()) };
        if self.chance.one_in(2) {
            return self.call(at, Call::Shutdown { agent, executor });
        }
        self.call(at, Call::Message { agent, executor, data: b"hello".to_vec() })
    }

    /// Uses an offer that is still there, or gives it back.
    pub(crate) fn answer_offer(&mut self, at: usize, id: OfferId) -> Checked {
        let author = &mut self.schedulers[at].author;
        let Some(offer) = author.offers.remove(&id) else { return Ok(()) };
        let may_launch = author.mood == Mood::Eager && author.made < self.plan.tasks;
        let refuse_ms = self.chance.between(0, 3_000);
        let filters = Filters { refuse_ms };
        if !may_launch || self.chance.one_in(4) {
            return self.call(at, Call::Decline { offers: vec![id], filters });
        }
        let count = self.chance.between(1, 3);
        let tasks: Vec<_> = (0..count).map(|_| self.make_task(at, &offer)).collect();
        self.schedulers[at].author.used.push(offer.clone());
        self.call(at, Call::Launch { offers: vec![id], tasks, filters })?;
        if self.chance.one_in(self.plan.faults.hostile_one_in) {
            self.spend_badly(at)?;
        }
        Ok(())
    }

    /// Uses what is not its own, or not any more: an offer that it has used or given back, or one
    /// of somebody else.
    fn spend_badly(&mut self, at: usize) -> Checked {
        let others = self.schedulers.iter().enumerate().filter(|(other, _)| *other != at);
        let foreign: Vec<Offer> =
            others.flat_map(|(_, other)| other.author.offers.values().cloned()).collect();
        let used = self.schedulers[at].author.used.clone();
        let foreign = self.chance.pick(foreign).filter(|_| self.chance.one_in(2));
        let is_foreign = foreign.is_some();
        let Some(offer) = foreign.or_else(|| self.chance.pick(used)) else { return Ok(()) };
        let what = if is_foreign { Seen::OfferForeign } else { Seen::OfferSpentTwice };
        self.tally.note(what);
        let id = offer.id.clone();
        let tasks = vec![self.make_task(at, &offer)];
        self.call(at, Call::Launch { offers: vec![id], tasks, filters: Filters::default() })
    }

    /// Acknowledges what was never sent.
    fn say_garbage(&mut self, at: usize) -> Checked {
        let open = self.schedulers[at].author.open();
        let open: Vec<_> = open.map(|(task, own)| (task.clone(), own.agent.clone())).collect();
        let Some((task, agent)) = self.chance.pick(open) else { return Ok(()) };
        self.tally.note(Seen::GarbageAcknowledged);
        let update = UpdateId(u128::from(self.chance.between(0, u64::MAX)));
        self.call(at, Call::Acknowledge { agent, task, update })
    }

    /// A new task for an offer; the author notes it before it says a word.
    fn make_task(&mut self, at: usize, offer: &Offer) -> TaskInfo {
        let author = &mut self.schedulers[at].author;
        author.made += 1;
        let id = TaskId::new(&format!("s{}t{}", at + 1, author.made)).expect("it is short");
        let guest = draw_guest(&mut self.chance);
        let agent = offer.agent.clone();
        author.tasks.insert(id.clone(), Own::new(agent.clone(), guest));
        let executor = self.chance.one_in(4).then(|| {
            let name = ["e1", "e2"][self.chance.index(2)];
            ExecutorId::new(name).expect("a plain word is an id")
        });
        if let Some(executor) = &executor {
            author.executors.insert((agent.clone(), executor.clone()));
        }
        // Now and then more than there is.
        let most = offer.resources.cpus_milli + if self.chance.one_in(8) { 4_000 } else { 0 };
        let cpus_milli = self.chance.between(10, (most / 2).max(10));
        let memory_bytes = self.chance.between(1, 8) * (16 << 20);
        self.counts.launched += 1;
        if self.chance.one_in(10) {
            let delay_ms = self.chance.between(0, REGRET_MS_MAX);
            self.think(at, delay_ms, Thought::Regret(id.clone(), agent.clone()));
        }
        let program = self.chance.between(3, 8) as u8;
        let resources = Resources::new(cpus_milli, memory_bytes);
        task_info(id, agent, resources, (guest, program, executor.as_ref()))
    }
}

fn draw_guest(chance: &mut Chance) -> Guest {
    let runs_ms = chance.between(0, 6_000);
    Guest {
        runs_ms: Some(runs_ms).filter(|_| !chance.one_in(5)),
        exit: if chance.one_in(4) { 1 } else { 0 },
        has_download: chance.one_in(6),
    }
}
