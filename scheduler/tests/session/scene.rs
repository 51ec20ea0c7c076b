//! One session on a stage: its time, and what it does when a line is played. It never reads a
//! word of a line beyond those about the stage itself.

use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::instant::Instant;
use stoa_scheduler::{Config, Input, Session};

use crate::print::print;
use crate::script::{input, milliseconds, value};

/// When the time of the stage begins. It is shown from there.
const START: Instant = Instant::from_ms(1_000_000);

/// The stage.
#[derive(Default)]
pub struct Scene {
    session: Option<Session>,
    now: Instant,
}

impl Scene {
    /// Plays one line and appends what it caused.
    pub fn play(&mut self, line: &str, caused: &mut Vec<String>) -> Result<(), String> {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["session", rest @ ..] => self.on_session(rest),
            ["tick", time] => self.on_tick(milliseconds(time)?, caused),
            ["due"] => {
                let due = self.session()?.next_deadline();
                caused.push(due.map_or("never".to_owned(), |due| format!("due at {}", shown(due))));
                Ok(())
            }
            words => self.step(input(words)?, caused),
        }
    }

    fn session(&mut self) -> Result<&mut Session, String> {
        self.session.as_mut().ok_or_else(|| "there is no session yet".to_owned())
    }

    /// A new session; with `framework=` and `epoch=` one that goes on with what was kept.
    fn on_session(&mut self, words: &[&str]) -> Result<(), String> {
        let framework = value(words, "framework").map(str::parse).transpose();
        let framework = framework.map_err(|illegal| format!("{illegal}"))?;
        let role = "web".parse().map_err(|illegal| format!("{illegal}"))?;
        let info = FrameworkInfo {
            name: "staged".to_owned(),
            user: "someone".to_owned(),
            roles: vec![role],
            failover_timeout_ms: 60_000,
            labels: Vec::new(),
            ends_alone: false,
        };
        self.now = START;
        let epoch = value(words, "epoch").map_or(Ok(0), str::parse).map_err(|_| "epoch=N")?;
        let config = Config { info, framework, epoch: Epoch(epoch) };
        self.session = Some(Session::new(config, self.now));
        Ok(())
    }

    /// Lets so much time pass, with a Tick at every deadline.
    fn on_tick(&mut self, ms: u64, caused: &mut Vec<String>) -> Result<(), String> {
        let until = self.now.plus_ms(ms);
        while let Some(due) = self.session()?.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            caused.push(format!("@ {}", shown(self.now)));
            self.step(Input::Tick, caused)?;
        }
        self.now = until;
        Ok(())
    }

    fn step(&mut self, input: Input, caused: &mut Vec<String>) -> Result<(), String> {
        let now = self.now;
        let mut actions = Vec::new();
        self.session()?.step(now, input, &mut actions);
        caused.extend(actions.iter().map(print));
        Ok(())
    }
}

fn shown(at: Instant) -> Instant {
    Instant::from_ms(at.ms_since(START))
}
