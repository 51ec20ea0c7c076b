//! A world without chance that does what lines of text say, so that what it causes can be read.
//! Each message takes a millisecond, and so does each batch of records. It never does anything
//! unasked, except that authors acknowledge at once.
//!
//! ```text
//! agent RESOURCES                    one more agent: a1, a2, …
//! scheduler ROLE                     one more scheduler: s1, s2, …
//! run TIME                           lets time pass, such as 5ms or 2s
//! s1 request RESOURCES               … decline [refuse=TIME], which takes all offers
//! s1 launch TASK RESOURCES [runs=TIME] [exit=CODE] [executor=ID]    on all of one agent
//! s1 kill TASK [grace=TIME]          … reconcile [TASK …], suppress, revive, unregister
//! operator drain AGENT [grace=TIME]  … undrain, deactivate, reactivate, gone
//! cut NAME                           its stream breaks
//! crash NAME, start NAME             a process ends, and starts again from what is durable
//! ```

use stoa_invariants::{Name, Violation};
use stoa_model::ids::{ExecutorId, TaskId};
use stoa_model::offer::Filters;
use stoa_model::operator::AgentOrder;
use stoa_model::resources::Resources;
use stoa_model::scheduler::{Call, ResourceRequest};
use stoa_model::task::KillPolicy;

use crate::author::{Author, Mood, Own, framework_info, task_info};
use crate::chance::Chance;
use crate::guest::Guest;
use crate::plan::Plan;
use crate::world::World;

/// The stage.
#[derive(Debug)]
struct Stage {
    world: World,
}

/// Plays a transcript: the text as it would be if every expectation were what is caused.
///
/// # Errors
/// Names the line that is no command, or after which an invariant did not hold.
pub fn play(text: &str) -> Result<String, String> {
    let mut stage = Stage { world: World::new(Plan::of_stage(), Chance::new(0)) };
    let mut blocks = Vec::new();
    for block in text.trim_end().split("\n\n") {
        let commands = block.split("\n----").next().unwrap_or_default();
        let mut lines = commands.lines().filter(|line| !line.starts_with('#')).peekable();
        if lines.peek().is_none() {
            blocks.push(commands.to_owned());
            continue;
        }
        for line in lines {
            stage.play(line).map_err(|why| format!("{line:?}: {why}"))?;
        }
        let caused = stage.world.transcript.take();
        let caused = if caused.is_empty() { "(nothing)" } else { caused.trim_end() };
        blocks.push(format!("{commands}\n----\n{caused}"));
    }
    Ok(blocks.join("\n\n") + "\n")
}

fn shown(violation: Violation) -> String {
    violation.to_string()
}

impl Stage {
    fn play(&mut self, line: &str) -> Result<(), String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "agent" => self.world.add_agent(resources(rest)?),
            "scheduler" => {
                let role = rest.parse().map_err(|illegal| format!("{illegal}"))?;
                let info = framework_info("staged", role, self.world.plan.timing.failover_ms);
                self.world.add_scheduler(Author::new(info, Mood::Staged));
            }
            "run" => {
                let until = self.world.now.plus_ms(milliseconds(rest)?);
                while self.world.advance(until).map_err(shown)? {}
            }
            "cut" => {
                let streams = self.world.network.whole_of(self.name(rest)?);
                streams.into_iter().for_each(|id| self.world.cut(id));
                self.world.note(format!("{rest:>6} !! its stream breaks"));
            }
            "crash" => self.crash(rest)?,
            "operator" => self.order(rest)?,
            "start" => {
                let name = self.name(rest)?;
                self.world.start(name);
            }
            scheduler => self.say(scheduler, rest)?,
        }
        Ok(())
    }

    fn name(&self, text: &str) -> Result<Name, String> {
        let mut names = self.world.names();
        names.find(|name| name.to_string() == text).ok_or_else(|| format!("nobody is {text:?}"))
    }

    fn crash(&mut self, text: &str) -> Result<(), String> {
        match self.name(text)? {
            Name::Master(at) => self.world.crash_master(at),
            Name::Agent(at) => self.world.crash_agent(at).map_err(shown)?,
            Name::Scheduler(at) => self.world.crash_scheduler(at),
        }
        Ok(())
    }

    /// `drain a1 grace=5s`, `undrain a1`, `deactivate a1`, `reactivate a1`, `gone a1`.
    fn order(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<_> = text.split(' ').collect();
        let (what, rest) = words.split_first().ok_or("an order is missing")?;
        let Name::Agent(at) = self.name(rest.first().ok_or("an agent is missing")?)? else {
            return Err("operators want things of agents".to_owned());
        };
        let grace_max_ms = value(rest, "grace").map(milliseconds).transpose()?;
        let order = match *what {
            "drain" => AgentOrder::Drain { grace_max_ms },
            "undrain" => AgentOrder::Undrain,
            "deactivate" => AgentOrder::Deactivate,
            "reactivate" => AgentOrder::Reactivate,
            "gone" => AgentOrder::Gone,
            other => return Err(format!("{other:?} is nothing that operators want")),
        };
        let agent = self.world.agents[at].disk.agent().cloned().ok_or("it has no id yet")?;
        self.world.order(agent, order).map_err(shown)
    }

    /// A scheduler says something.
    fn say(&mut self, scheduler: &str, text: &str) -> Result<(), String> {
        let Name::Scheduler(at) = self.name(scheduler)? else {
            return Err("only schedulers are told what to say".to_owned());
        };
        let (what, rest) = text.split_once(' ').unwrap_or((text, ""));
        let words: Vec<_> = rest.split(' ').filter(|word| !word.is_empty()).collect();
        let call = match what {
            "request" => {
                Call::Request(vec![ResourceRequest { agent: None, resources: resources(rest)? }])
            }
            "decline" => self.decline(at, &words)?,
            "launch" => self.launch(at, &words)?,
            "kill" => self.kill(at, &words)?,
            "reconcile" => {
                let own = &self.world.schedulers[at].author.tasks;
                let ids = words.iter().map(|word| task_id(word));
                let ids = ids.collect::<Result<Vec<_>, _>>()?.into_iter();
                let asked = ids.map(|id| {
                    let agent = own.get(&id).map(|own| own.agent.clone());
                    (id, agent)
                });
                Call::Reconcile(asked.collect())
            }
            "suppress" => Call::Suppress(Vec::new()),
            "revive" => Call::Revive(Vec::new()),
            "unregister" => Call::Unregister,
            _ => return Err(format!("{what:?} is nothing that a scheduler says")),
        };
        self.world.call(at, call).map_err(shown)
    }

    fn decline(&mut self, at: usize, words: &[&str]) -> Result<Call, String> {
        let refuse_ms = value(words, "refuse").map_or(Ok(0), milliseconds)?;
        let offers = std::mem::take(&mut self.world.schedulers[at].author.offers);
        Ok(Call::Decline { offers: offers.into_keys().collect(), filters: Filters { refuse_ms } })
    }

    fn launch(&mut self, at: usize, words: &[&str]) -> Result<Call, String> {
        let own = ["runs", "exit", "executor"];
        let (task, rest) = words.split_first().ok_or("a task is missing")?;
        let is_own = |word: &&str| own.iter().any(|name| word.starts_with(name));
        let asked: Vec<_> = rest.iter().copied().filter(|word| !is_own(word)).collect();
        let exit = value(rest, "exit").unwrap_or("0").parse().map_err(|_| "exit=CODE")?;
        let runs_ms = value(rest, "runs").map(milliseconds).transpose()?;
        let guest = Guest { runs_ms, exit, has_download: false };
        let executor = value(rest, "executor").map(str::parse::<ExecutorId>).transpose();
        let executor = executor.map_err(|illegal| illegal.to_string())?;
        let author = &mut self.world.schedulers[at].author;
        let agent = author.offers.values().next().ok_or("there is no offer")?.agent.clone();
        let offers = author.offers.extract_if(.., |_, offer| offer.agent == agent);
        let offers: Vec<_> = offers.map(|(id, _)| id).collect();
        let id = task_id(task)?;
        author.tasks.insert(id.clone(), Own::new(agent.clone(), guest));
        let resources = resources(&asked.join(" "))?;
        let info = task_info(id, agent, resources, (guest, 1, executor.as_ref()));
        let filters = Filters { refuse_ms: 60_000 };
        Ok(Call::Launch { offers, tasks: vec![info], filters })
    }

    fn kill(&mut self, at: usize, words: &[&str]) -> Result<Call, String> {
        let task = task_id(words.first().ok_or("a task is missing")?)?;
        let grace_ms = value(words, "grace").map(milliseconds).transpose()?;
        let policy = grace_ms.map(|grace_ms| KillPolicy { grace_ms });
        let own = self.world.schedulers[at].author.tasks.get(&task);
        let agent = own.map(|own| own.agent.clone());
        Ok(Call::Kill { task, agent, policy })
    }
}

fn task_id(word: &str) -> Result<TaskId, String> {
    word.parse().map_err(|illegal| format!("{illegal}"))
}

fn resources(text: &str) -> Result<Resources, String> {
    text.parse().map_err(|illegal| format!("{illegal}"))
}

/// The value of `name=value`.
fn value<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Reads `5ms` or `2s`.
fn milliseconds(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or(text), 1_000),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    number.ok_or_else(|| format!("{text:?} is no time such as 5ms or 2s"))
}
