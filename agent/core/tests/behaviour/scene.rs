//! One agent on a stage: its time, its checkpoint, and what it does when a line is played. It
//! never reads a word of a line beyond those about the stage itself.

use stoa_agent_core::{Action, Agent, Config, HostsFound, Input, Record, Recovered};
use stoa_model::agent::AgentInfo;
use stoa_model::instant::Instant;

use crate::print::print;
use crate::script::{Words, input, milliseconds};

/// The stage. Time starts at 1 000 s and is shown from there.
#[derive(Default)]
pub struct Scene {
    agent: Option<Agent>,
    config: Option<Config>,
    now: Instant,
    records: Vec<Record>,
    /// What the records give.
    mirror: Recovered,
}

const START: Instant = Instant::from_ms(1_000_000);

impl Scene {
    /// Plays one line and appends what it caused.
    pub fn play(&mut self, line: &str, caused: &mut Vec<String>) -> Result<(), String> {
        let mut words = Words::new(line);
        match words.next()? {
            "agent" => self.on_agent(&mut words),
            "tick" => self.on_tick(&mut words, caused),
            "restart" => self.on_restart(&mut words),
            first => {
                let input = input(first, &mut words)?;
                self.step(input, caused)
            }
        }?;
        words.end()
    }

    /// A new agent that never registered.
    fn on_agent(&mut self, words: &mut Words) -> Result<(), String> {
        let tasks_max = words.value("tasks_max").map(str::parse).transpose();
        let boot = words.value("boot").map(str::to_owned);
        let info = AgentInfo {
            hostname: "here".to_owned(),
            resources: words.rest().parse().map_err(|illegal| format!("{illegal}"))?,
            attributes: Default::default(),
            version: "0.1.0".to_owned(),
        };
        let mut config = Config { boot, ..Config::new(info, 1) };
        if let Some(tasks_max) = tasks_max.map_err(|illegal| format!("{illegal}"))? {
            config.tasks_max = tasks_max;
        }
        self.now = START;
        self.records.clear();
        self.mirror = Recovered::default();
        self.agent = Some(Agent::new(config.clone(), Recovered::default(), self.now));
        self.config = Some(config);
        Ok(())
    }

    /// Lets so much time pass, with a Tick at every deadline.
    fn on_tick(&mut self, words: &mut Words, caused: &mut Vec<String>) -> Result<(), String> {
        let until = self.now.plus_ms(milliseconds(words.next().unwrap_or("0ms"))?);
        loop {
            let agent = self.agent.as_ref().ok_or("there is no agent yet")?;
            let Some(due) = agent.next_deadline().filter(|due| *due <= until) else { break };
            self.now = self.now.max(due);
            let mut lines = Vec::new();
            self.step(Input::Tick, &mut lines)?;
            if !lines.is_empty() && self.now > START {
                let ms = self.now.ms_since(START);
                caused.push(format!("@ {}.{:03}s", ms / 1_000, ms % 1_000));
            }
            caused.extend(lines);
        }
        self.now = until;
        Ok(())
    }

    /// The agent ends and starts again from its records, of which the newest `lost` are not there.
    fn on_restart(&mut self, words: &mut Words) -> Result<(), String> {
        let mut config = self.config.take().ok_or("there is no agent yet")?;
        config.incarnation += 1;
        config.hosts = match words.value("host") {
            None => HostsFound::None,
            Some("alive") => HostsFound::All,
            Some(frameworks) => {
                let ids = frameworks.split(',').map(|id| id.parse().map_err(|it| format!("{it}")));
                HostsFound::Of(ids.collect::<Result<_, _>>()?)
            }
        };
        if let Some(boot) = words.value("boot") {
            config.boot = Some(boot.to_owned());
        }
        if let Some(given) = words.value("give") {
            config.info.resources =
                given.replace(';', " ").parse().map_err(|it| format!("{it}"))?;
        }
        let lost: usize = words.value("lost").unwrap_or("0").parse().map_err(|_| "lost=N")?;
        self.records.truncate(self.records.len() - lost);
        self.mirror = replayed(&self.records);
        self.agent = Some(Agent::new(config.clone(), self.mirror.clone(), self.now));
        self.config = Some(config);
        Ok(())
    }

    /// One step, after which the records must give what the agent knows, in full and in short.
    fn step(&mut self, input: Input, caused: &mut Vec<String>) -> Result<(), String> {
        let agent = self.agent.as_mut().ok_or("there is no agent yet")?;
        let mut actions = Vec::new();
        agent.step(self.now, input, &mut actions);
        agent.check()?;
        for action in &actions {
            if let Action::Record(record) = action {
                self.records.push(record.clone());
                self.mirror.apply(record).unwrap();
            }
            print(action, caused);
        }
        assert_eq!(self.mirror, *agent.kept(), "the records say something else");
        assert_eq!(replayed(&self.mirror.snapshot()), self.mirror, "the snapshot says less");
        Ok(())
    }
}

/// What an agent that reads these records knows.
pub fn replayed(records: &[Record]) -> Recovered {
    let mut recovered = Recovered::default();
    for record in records {
        recovered.apply(record).unwrap();
    }
    recovered
}
