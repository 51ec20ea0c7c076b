//! A script: one command a line, carried out in order. Each command and each end of a subtask says
//! a line; together they are the transcript, the data of the task's last status.
//!
//! `pipe NAME [own]`, `close NAME`, `spawn NAME KEY=VALUE... -- ARGUMENT...`, `feed NAME BYTES`,
//! `end NAME`, `kill NAME GRACE_MS`, `pause NAME`, `resume NAME`, `list PATH`, `read PATH OFFSET
//! BYTES`, `hold BYTES`, `limits`; and those that wait: `wait` for the ends of all, `heard NAME TEXT`,
//! `spun NAME`, `stands NAME`, `fed NAME BYTES`.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::bindings::exports::stoa::executor::events::TaskInfo;
use crate::bindings::stoa::executor::driver;
use crate::bindings::stoa::executor::files;
use crate::bindings::stoa::executor::subtasks::{
    self, Input, Output, Refusal, Source, SpawnOptions, Target,
};
use crate::bindings::stoa::executor::types::{
    KillPolicy, Limits, NamedProgram, Program, Reason, Usage,
};

thread_local! {
    static PROGRAMS: RefCell<Vec<NamedProgram>> = const { RefCell::new(Vec::new()) };
    /// What the executor itself holds, for ever.
    static HELD: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The executor's own programs.
pub fn remember(programs: &[NamedProgram]) {
    PROGRAMS.set(programs.to_vec());
}

#[derive(Default)]
struct Subtask {
    id: u64,
    said: [Vec<u8>; 2],
    end: Option<String>,
    /// Fuel when it was looked at last, and how often it was the same.
    fuel: (u64, u32),
    /// Bytes fed so far, and whether some were not taken at once.
    fed: (usize, bool),
}

pub struct Script {
    task: String,
    programs: Vec<NamedProgram>,
    commands: VecDeque<String>,
    lines: Vec<String>,
    subtasks: BTreeMap<String, Subtask>,
    pipes: BTreeMap<String, u64>,
}

impl Script {
    pub fn new(task: &TaskInfo, commands: &str) -> Self {
        Self {
            task: task.id.clone(),
            programs: task.programs.iter().cloned().chain(PROGRAMS.take()).collect(),
            commands: commands.lines().map(str::to_owned).collect(),
            lines: Vec::new(),
            subtasks: BTreeMap::new(),
            pipes: BTreeMap::new(),
        }
    }

    /// The task and what was seen, when all commands are done and all subtasks are over.
    pub fn transcript(&self) -> Option<(String, Vec<u8>)> {
        let lives = self.subtasks.values().any(|subtask| subtask.end.is_none());
        if lives || !self.commands.is_empty() {
            return None;
        }
        PROGRAMS.set(self.programs.clone());
        let mut lines = self.lines.clone();
        for (name, subtask) in &self.subtasks {
            let [out, err] = subtask.said.each_ref().map(|said| String::from_utf8_lossy(said));
            let end = subtask.end.as_deref().unwrap_or_default();
            lines.push(format!("{name}: {end} out={out} err={err}"));
        }
        Some((self.task.clone(), lines.join("\n").into_bytes()))
    }

    pub fn on_exited(&mut self, task: Option<String>, subtask: u64, why: Reason, usage: Usage) {
        assert!(task.is_none_or(|task| task == self.task));
        let known = self.subtasks.values_mut().find(|it| it.id == subtask).unwrap();
        known.end = Some(format!("{why:?} output={}", usage.output_bytes));
        self.proceed();
    }

    pub fn on_output(&mut self, subtask: u64, is_stderr: bool, data: &[u8]) {
        let known = self.subtasks.values_mut().find(|it| it.id == subtask).unwrap();
        known.said[usize::from(is_stderr)].extend(data);
        self.proceed();
    }

    /// Carries out what can be carried out now.
    pub fn proceed(&mut self) {
        while let Some(command) = self.commands.pop_front() {
            let words: Vec<_> = command.split_whitespace().collect();
            if !self.is_ready(&words) {
                self.commands.push_front(command);
                return driver::wake_after(1);
            }
            if let Some(line) = self.obey(&words) {
                self.lines.push(line);
            }
        }
    }

    fn is_ready(&mut self, words: &[&str]) -> bool {
        let Some(subtask) = words.get(1).and_then(|name| self.subtasks.get_mut(*name)) else {
            return words[0] != "wait" || self.subtasks.values().all(|it| it.end.is_some());
        };
        match words[0] {
            "heard" => String::from_utf8_lossy(&subtask.said[0]).contains(words[2]),
            "spun" | "stands" => {
                let fuel = subtasks::usage_of(subtask.id).map_or(0, |usage| usage.fuel);
                let (before, times) = subtask.fuel;
                subtask.fuel = (fuel, if fuel == before { times + 1 } else { 0 });
                match words[0] {
                    "spun" => fuel > before,
                    _ => subtask.fuel.1 > 5,
                }
            }
            "fed" => {
                let wanted = words[2].parse::<usize>().unwrap() - subtask.fed.0;
                let taken = subtasks::write_stdin(subtask.id, &vec![b'y'; wanted]).unwrap();
                subtask.fed.0 += taken as usize;
                subtask.fed.1 |= (taken as usize) < wanted;
                taken as usize == wanted
            }
            _ => true,
        }
    }

    /// Answers what is worth a line.
    fn obey(&mut self, words: &[&str]) -> Option<String> {
        let id = |name: &str| self.subtasks.get(name).map_or(u64::MAX, |subtask| subtask.id);
        let pipe = |name: &str| self.pipes.get(name).copied().unwrap_or(u64::MAX);
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        let task = || self.task.clone();
        match words[0] {
            "pipe" => {
                let task = (words.get(2) != Some(&"own")).then(task);
                match subtasks::make_pipe(task.as_deref()) {
                    Ok(made) => drop(self.pipes.insert(words[1].to_owned(), made)),
                    Err(refusal) => return Some(told(&refusal)),
                }
                None
            }
            "close" => subtasks::close_pipe(pipe(words[1])).err().map(|it| told(&it)),
            "spawn" => match subtasks::spawn(&self.options(words)) {
                Ok(id) => {
                    let subtask = Subtask { id, ..Subtask::default() };
                    self.subtasks.insert(words[1].to_owned(), subtask);
                    None
                }
                Err(refusal) => Some(format!("{}: {}", words[1], told(&refusal))),
            },
            "feed" => {
                let taken = subtasks::write_stdin(id(words[1]), &vec![b'y'; number(2) as usize]);
                Some(format!("{taken:?}"))
            }
            "fed" => Some(format!("fed in parts: {}", self.subtasks[words[1]].fed.1)),
            "end" => subtasks::write_stdin(id(words[1]), b"").err().map(|it| told(&it)),
            "kill" => {
                let policy = KillPolicy { grace_ms: number(2) };
                subtasks::kill(id(words[1]), policy).err().map(|it| told(&it))
            }
            "pause" => subtasks::pause(id(words[1])).err().map(|it| told(&it)),
            "resume" => subtasks::resume(id(words[1])).err().map(|it| told(&it)),
            "usage" => Some(format!("{:?}", subtasks::usage_of(id(words[1])).map(drop))),
            "list" => Some(match files::list_directory(&task(), words[1]) {
                Ok(entries) => {
                    let slash = |is_directory| if is_directory { "/" } else { "" };
                    let names = entries.iter().map(|it| it.name.clone() + slash(it.is_directory));
                    names.collect::<Vec<_>>().join(" ")
                }
                Err(refusal) => format!("{refusal:?}"),
            }),
            "read" => Some(match files::read_file(&task(), words[1], number(2), number(3) as u32) {
                Ok(bytes) if bytes.len() > 100 => format!("{} bytes", bytes.len()),
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(refusal) => format!("{refusal:?}"),
            }),
            "hold" => {
                let mut bytes = Vec::new();
                let got = bytes.try_reserve_exact(number(1) as usize).is_ok();
                HELD.with_borrow_mut(|held| held.push(bytes));
                Some(format!("held: {got}"))
            }
            "limits" => Some(format!("{:?}", driver::own_limits())),
            _ => None,
        }
    }

    fn options(&self, words: &[&str]) -> SpawnOptions {
        let end = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let value = |key: &str| {
            let pairs = words[2..end].iter().filter_map(|word| word.split_once('='));
            pairs.filter(|(known, _)| *known == key).map(|(_, value)| value).next()
        };
        let arguments = words[(end + 1).min(words.len())..].iter();
        let wanted = value("program").unwrap_or("rascal");
        let known = self.programs.iter().find(|program| program.name == wanted);
        let program = Program {
            artifact: known.map_or(wanted.to_owned(), |program| program.artifact.clone()),
            name: "rascal".to_owned(),
            arguments: arguments.map(|word| (*word).to_owned()).collect(),
            environment: Vec::new(),
        };
        let number = |key: &str| value(key).map(|value| value.parse::<u64>().unwrap());
        let limits = number("memory").map(|memory_bytes| Limits {
            memory_bytes,
            fuel: number("fuel"),
            wall_ms: number("wall"),
            output_bytes: number("output").unwrap_or(10_000),
        });
        SpawnOptions {
            task: (value("of") != Some("executor")).then(|| self.task.clone()),
            source: match value("as") {
                Some("own") => Source::Own,
                Some("granted") => Source::Granted(program),
                _ => Source::Bare(program),
            },
            limits,
            stdin: self.input(value("in").unwrap_or("empty")),
            stdout: self.output(value("out").unwrap_or("executor")),
            stderr: self.output(value("err").unwrap_or("executor")),
        }
    }

    fn input(&self, text: &str) -> Input {
        match text.split_once(':').unwrap_or((text, "")) {
            ("task", _) => Input::Task,
            ("executor", _) => Input::Executor,
            ("file", path) => Input::File(path.to_owned()),
            ("pipe", name) => Input::Pipe(self.pipes.get(name).copied().unwrap_or(u64::MAX)),
            _ => Input::Empty,
        }
    }

    fn output(&self, text: &str) -> Output {
        let target = |path: &str, append| Target { path: path.to_owned(), append };
        match text.split_once(':').unwrap_or((text, "")) {
            ("log", _) => Output::Log,
            ("both", _) => Output::Both,
            ("nothing", _) => Output::Nothing,
            ("file", path) => Output::File(target(path, false)),
            ("append", path) => Output::File(target(path, true)),
            ("pipe", name) => Output::Pipe(self.pipes.get(name).copied().unwrap_or(u64::MAX)),
            _ => Output::Executor,
        }
    }
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::TooMuch(text) => format!("too much: {text}"),
        Refusal::CannotStart(Reason::GrantDenied(text)) => format!("denied: {text}"),
        Refusal::CannotStart(reason) => format!("cannot start: {reason:?}"),
        refusal => format!("{refusal:?}"),
    }
}
