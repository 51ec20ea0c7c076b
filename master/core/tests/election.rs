//! Runs the transcripts of elections: text files of what happens to one master's candidacy and what
//! it does then. A new test is a new text file. `STOA_REWRITE=1 cargo test -p stoa-master-core`
//! writes down what it does now; read the difference before you keep it.
//!
//! ```text
//! master                          a new master: m1:5050, a lease of 10 s, a margin of 4 s,
//!                                 keep-alives every 2 s, a rest of 10 s
//! tick TIME                       lets time pass, with a Tick at every deadline: `@` says when
//! sleep TIME                      lets time pass and says nothing: the process stands still
//! granted ASK LEASE TIME          … won ASK EPOCH, lost ASK REVISION [ADDRESS EPOCH],
//!                                 kept-alive ASK TIME, over ASK, revoked ASK, failed ASK
//! key REVISION [ADDRESS EPOCH]    the key was read
//! met EPOCH                       … step-down; of the store: refuses, silent
//! state                           shows how far it has come
//! ```

use std::path::{Path, PathBuf};

use stoa_master_core::election::{
    Action, Ask, Candidacy, Config, Election, Input, Key, Leader, LeaseId,
};
use stoa_model::epoch::Epoch;
use stoa_model::instant::Instant;

type Parsed<T> = Result<T, String>;

/// When the time of the stage begins. It is shown from there.
const START: Instant = Instant::from_ms(1_000_000);

#[test]
fn every_transcript_is_what_the_election_does() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/elections");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let differing: Vec<_> = files.iter().filter(|file| !holds(file)).collect();
    assert!(differing.is_empty(), "transcripts that do not hold: {differing:?}");
}

fn holds(file: &Path) -> bool {
    let expected = std::fs::read_to_string(file).expect("the file was just listed");
    let caused = replay(&expected).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    if caused == expected {
        return true;
    }
    if std::env::var_os("STOA_REWRITE").is_some() {
        std::fs::write(file, caused).expect("the file can be written");
        return true;
    }
    let pairs = caused.lines().zip(expected.lines()).enumerate();
    let first = pairs.into_iter().find(|(_, (caused, expected))| caused != expected);
    eprintln!("{}: {first:?}", file.display());
    false
}

/// The same text, with the actions that the inputs lead to now.
fn replay(text: &str) -> Parsed<String> {
    let mut scene = Scene { election: None, now: START };
    let mut blocks = Vec::new();
    for block in text.trim_end().split("\n\n") {
        let commands = block.split("\n----").next().unwrap_or_default();
        let mut caused = Vec::new();
        let lines: Vec<_> = commands.lines().filter(|line| !line.starts_with('#')).collect();
        for line in &lines {
            scene.play(line, &mut caused).map_err(|why| format!("{line:?}: {why}"))?;
        }
        if lines.is_empty() {
            blocks.push(commands.to_owned());
            continue;
        }
        let caused = if caused.is_empty() { "(nothing)".to_owned() } else { caused.join("\n") };
        blocks.push(format!("{commands}\n----\n{caused}"));
    }
    Ok(blocks.join("\n\n") + "\n")
}

struct Scene {
    election: Option<Election>,
    now: Instant,
}

impl Scene {
    fn play(&mut self, line: &str, caused: &mut Vec<String>) -> Parsed<()> {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["master"] => {
                let config = Config::new("m1:5050".to_owned(), 0);
                self.now = START;
                self.election = Some(Election::new(config, self.now));
            }
            ["tick", time] => {
                let until = self.now.plus_ms(milliseconds(time)?);
                while let due = self.election()?.next_deadline()
                    && due <= until
                {
                    self.now = due.max(self.now);
                    caused.push(format!("@ {}", shown(self.now)));
                    self.step(Input::Tick, caused)?;
                }
                self.now = until;
            }
            ["sleep", time] => self.now = self.now.plus_ms(milliseconds(time)?),
            ["state"] => {
                let now = self.now;
                let state = state(self.election()?, now);
                caused.push(state);
            }
            words => self.step(input(words)?, caused)?,
        }
        Ok(())
    }

    fn election(&mut self) -> Parsed<&mut Election> {
        self.election.as_mut().ok_or_else(|| "there is no master yet".to_owned())
    }

    fn step(&mut self, input: Input, caused: &mut Vec<String>) -> Parsed<()> {
        let now = self.now;
        let mut actions = Vec::new();
        self.election()?.step(now, input, &mut actions);
        caused.extend(actions.iter().map(print));
        Ok(())
    }
}

fn shown(at: Instant) -> Instant {
    Instant::from_ms(at.ms_since(START))
}

fn number<T: std::str::FromStr>(word: &str) -> Parsed<T> {
    word.parse().map_err(|_| format!("{word:?} is no number"))
}

fn milliseconds(text: &str) -> Parsed<u64> {
    match text.strip_suffix("ms") {
        Some(digits) => number(digits),
        None => number::<u64>(text.strip_suffix('s').unwrap_or(text)).map(|it| it * 1_000),
    }
}

fn ask(word: &str) -> Parsed<Ask> {
    number(word).map(Ask)
}

fn key(words: &[&str]) -> Parsed<Key> {
    let (revision, leader) = match words {
        [revision] => (revision, None),
        [revision, address, epoch] => {
            let (address, epoch) = ((*address).to_owned(), Epoch(number(epoch)?));
            (revision, Some(Leader { address, epoch }))
        }
        _ => return Err("REVISION [ADDRESS EPOCH] is allowed".to_owned()),
    };
    Ok(Key { revision: number(revision)?, leader })
}

fn input(words: &[&str]) -> Parsed<Input> {
    Ok(match words {
        ["granted", asked, lease, time] => Input::Granted {
            ask: ask(asked)?,
            lease: LeaseId(number(lease)?),
            lease_ms: milliseconds(time)?,
        },
        ["won", asked, epoch] => Input::Won { ask: ask(asked)?, epoch: Epoch(number(epoch)?) },
        ["lost", asked, rest @ ..] => Input::Lost { ask: ask(asked)?, key: key(rest)? },
        ["kept-alive", asked, time] => {
            Input::KeptAlive { ask: ask(asked)?, lease_ms: milliseconds(time)? }
        }
        ["over", asked] => Input::LeaseOver(ask(asked)?),
        ["revoked", asked] => Input::Revoked(ask(asked)?),
        ["failed", asked] => Input::Failed(ask(asked)?),
        ["key", rest @ ..] => Input::Key(key(rest)?),
        ["met", epoch] => Input::Met(Epoch(number(epoch)?)),
        ["step-down"] => Input::StepDown,
        ["refuses"] => Input::StoreRefuses,
        ["silent"] => Input::StoreSilent,
        _ => return Err("there is no such command".to_owned()),
    })
}

fn print(action: &Action) -> String {
    match action {
        Action::Grant { ask, lease_ms } => format!("grant {} {lease_ms}ms", ask.0),
        Action::Campaign { ask, lease } => format!("campaign {} with {}", ask.0, lease.0),
        Action::KeepAlive { ask, lease } => format!("keep-alive {} of {}", ask.0, lease.0),
        Action::Revoke { ask, lease } => format!("revoke {} of {}", ask.0, lease.0),
        Action::Lead(epoch) => format!("lead as {epoch}"),
        Action::Stop(why) => format!("stop: {why}"),
        Action::Refuse(why) => format!("refuse to lead: {why}"),
        Action::Announce(None) => "announce nobody".to_owned(),
        Action::Announce(Some(leader)) => format!("announce {} {}", leader.address, leader.epoch),
    }
}

fn state(election: &Election, now: Instant) -> String {
    let what = match election.candidacy() {
        Candidacy::Follower { campaign_at } => {
            format!("follower, stands at {}", shown(*campaign_at))
        }
        Candidacy::Candidate { lease: None, .. } => "candidate".to_owned(),
        Candidacy::Candidate { lease: Some(lease), .. } => format!("candidate with {}", lease.id.0),
        Candidacy::Leader { epoch, lease } => {
            format!("leader as {epoch} until {}", shown(lease.until))
        }
        Candidacy::SteppingDown { until, .. } => format!("stepping down until {}", shown(*until)),
    };
    let acts = election.acts_as(now).map_or("acts not".to_owned(), |it| format!("acts as {it}"));
    format!("{what}; {acts}")
}
