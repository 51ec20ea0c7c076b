//! A world for tests: programs of a few lines that run at once or when told, over files in memory.
//! It notes what was started, as people would write it.

use std::collections::BTreeMap;

use crate::budget::{Budget, Used};
use crate::machine::{Machine, Progress};
use crate::parser::parse;
use crate::steps::lower;
use crate::strand::Outcome;
use crate::variables::Variables;
use crate::world::{Ended, Input, Output, Start, Stream, World};

/// What a program of the toy world is to do when all its input is there.
type Program = fn(&[String], &[(String, String)], &str) -> (i32, String, String);

/// The toy world.
#[derive(Default)]
pub struct Toy {
    pub files: BTreeMap<String, String>,
    /// What was started, in order.
    pub started: Vec<String>,
    pub stdout: String,
    pub stderr: String,
    pub budgets: Vec<(String, Budget)>,
    pub killed: Vec<u64>,
    running: BTreeMap<u64, Running>,
    pipes: BTreeMap<u64, Pipe>,
    next: u64,
}

struct Running {
    start: Start,
    /// What was written to it.
    text: String,
    is_closed: bool,
}

#[derive(Default)]
struct Pipe {
    text: String,
    writers: usize,
    is_closed: bool,
    has_reader: bool,
}

fn program(name: &str) -> Option<Program> {
    Some(match name {
        "echo" => |words, _, _| (0, words.join(" ") + "\n", String::new()),
        "cat" => |_, _, input| (0, input.to_owned(), String::new()),
        "count" => |_, _, input| (0, format!("{}\n", input.lines().count()), String::new()),
        "upper" => |_, _, input| (0, input.to_uppercase(), String::new()),
        "env" => |_, environment, _| {
            let lines = environment.iter().map(|(name, value)| format!("{name}={value}\n"));
            (0, lines.collect(), String::new())
        },
        "fail" => |words, _, _| {
            let code = words.first().and_then(|word| word.parse().ok()).unwrap_or(1);
            (code, String::new(), "failed\n".to_owned())
        },
        "words" => |words, _, _| {
            (
                0,
                words.iter().map(|word| format!("[{word}]")).collect::<String>() + "\n",
                String::new(),
            )
        },
        "both" => |_, _, _| (0, "out\n".to_owned(), "err\n".to_owned()),
        "warn" => |words, _, input| match words {
            [] => (0, String::new(), input.to_owned()),
            words => (0, String::new(), words.join(" ") + "\n"),
        },
        "true" => |_, _, _| (0, String::new(), String::new()),
        "sleep" => |_, _, _| (0, String::new(), String::new()),
        _ => return None,
    })
}

impl World for Toy {
    fn has_program(&self, name: &str) -> bool {
        program(name).is_some() || name == "broken"
    }

    fn spawn(&mut self, start: &Start) -> Result<u64, String> {
        if start.name == "broken" {
            return Err("it is no program".to_owned());
        }
        self.next += 1;
        self.started
            .push(format!("{} {}", start.name, start.arguments.join(" ")).trim().to_owned());
        self.budgets.push((start.name.clone(), start.budget));
        for output in [&start.wiring.stdout, &start.wiring.stderr] {
            match output {
                Output::Pipe(pipe) => {
                    let pipe = self.pipes.get_mut(pipe).expect("an open pipe is written");
                    assert!(!pipe.is_closed);
                    pipe.writers += 1;
                }
                Output::File(path, false) => {
                    drop(self.files.insert(path.to_string(), String::new()))
                }
                _ => {}
            }
        }
        if let Input::Pipe(pipe) = start.wiring.stdin {
            let pipe = self.pipes.get_mut(&pipe).expect("an open pipe is read");
            assert!(!pipe.has_reader && !pipe.is_closed, "a pipe has one reader");
            pipe.has_reader = true;
        }
        let (text, is_closed) = (String::new(), false);
        self.running.insert(self.next, Running { start: start.clone(), text, is_closed });
        Ok(self.next)
    }

    fn make_pipe(&mut self) -> Result<u64, String> {
        self.next += 1;
        self.pipes.insert(self.next, Pipe::default());
        Ok(self.next)
    }

    fn close_pipe(&mut self, pipe: u64) {
        let pipe = self.pipes.get_mut(&pipe).expect("a pipe is closed once");
        assert!(!pipe.is_closed, "a pipe is closed once");
        pipe.is_closed = true;
    }

    fn kill(&mut self, subtask: u64, _grace_ms: u64) {
        self.killed.push(subtask);
    }

    fn write_stdin(&mut self, subtask: u64, data: &[u8]) -> Option<usize> {
        let running = self.running.get_mut(&subtask)?;
        running.is_closed |= data.is_empty();
        // It takes little at a time.
        let taken = data.len().min(7);
        running.text += std::str::from_utf8(&data[..taken]).expect("texts of tests are ASCII");
        Some(taken)
    }

    fn list_directory(&mut self, path: &str) -> Result<Vec<(String, bool)>, String> {
        let prefix = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let mut entries = BTreeMap::new();
        for file in self.files.keys().filter_map(|file| file.strip_prefix(&prefix)) {
            match file.split_once('/') {
                Some((directory, _)) => entries.insert(directory.to_owned(), true),
                None => entries.insert(file.to_owned(), false),
            };
        }
        match entries.is_empty() && path != "/" {
            true => Err("not found".to_owned()),
            false => Ok(entries.into_iter().collect()),
        }
    }

    fn first_byte(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let text = self.files.get(path).ok_or("not found")?;
        Ok(text.bytes().take(1).collect())
    }
}

impl Toy {
    /// The first program whose input is complete, with that; none if all wait. `sleep` waits.
    fn complete(&self) -> Option<(u64, String)> {
        self.running.iter().filter(|(_, running)| running.start.name != "sleep").find_map(
            |(number, running)| {
                let input = match &running.start.wiring.stdin {
                    Input::Task => "input of the task\n".to_owned(),
                    Input::Empty => String::new(),
                    Input::File(path) => self.files.get(&**path).cloned().unwrap_or_default(),
                    Input::Text(_) if running.is_closed => running.text.clone(),
                    Input::Text(_) => return None,
                    Input::Pipe(pipe) => {
                        let pipe = &self.pipes[pipe];
                        (pipe.is_closed && pipe.writers == 0).then(|| pipe.text.clone())?
                    }
                };
                Some((*number, input))
            },
        )
    }

    fn write(&mut self, output: &Output, stream: Stream, text: &str) {
        match output {
            Output::Log(log) => {
                assert_eq!(*log, stream, "a program writes to its own log only");
                match log {
                    Stream::Stdout => self.stdout += text,
                    Stream::Stderr => self.stderr += text,
                }
            }
            Output::File(path, _) => *self.files.entry(path.to_string()).or_default() += text,
            Output::Pipe(pipe) => {
                let pipe = self.pipes.get_mut(pipe).expect("it was there at the start");
                pipe.text += text;
                pipe.writers -= 1;
            }
            Output::Nothing | Output::Capture(_) => {}
        }
    }

    /// Runs one program to its end; answers whether there was one.
    fn run_one(&mut self, machine: &mut Machine) -> bool {
        let Some((number, input)) = self.complete() else { return false };
        let start = self.running.remove(&number).expect("it runs").start;
        let run = program(&start.name).expect("it was started");
        let (status, stdout, stderr) = run(&start.arguments, &start.environment, &input);
        self.write(&start.wiring.stdout, Stream::Stdout, &stdout);
        self.write(&start.wiring.stderr, Stream::Stderr, &stderr);
        machine.on_output(self, number, false, stdout.as_bytes());
        machine.on_output(self, number, true, stderr.as_bytes());
        let used = Used { fuel: 10, output_bytes: 1 };
        let how = format!("exited with {status}");
        let is_used_up = status == 99;
        let ended = Ended { status, how, ends_task: false, is_used_up, used };
        machine.on_exited(self, number, &ended);
        true
    }

    /// Runs the line as far as it goes.
    pub fn drive(&mut self, machine: &mut Machine) -> Progress {
        loop {
            let progress = machine.go(self);
            if matches!(progress, Progress::Over(_) | Progress::Killed) {
                assert!(self.pipes.values().all(|pipe| pipe.is_closed), "every pipe is closed");
                return progress;
            }
            if !self.run_one(machine) && progress == Progress::Waits {
                return progress;
            }
        }
    }

    /// A program ends in another way than by itself.
    pub fn end(&mut self, machine: &mut Machine, name: &str, ended: &Ended) {
        let mut running = self.running.iter();
        let found = running.find(|(_, running)| running.start.name == name).map(|(id, _)| *id);
        let number = found.expect("it runs");
        self.running.remove(&number);
        machine.on_exited(self, number, ended);
    }
}

/// What a line gets.
pub const BUDGET: Budget = Budget { memory_bytes: 1_200, fuel: Some(100_000), output_bytes: 8_000 };

/// The machine of a line with the variable `HOME=/home`.
pub fn machine(line: &str) -> Result<Machine, String> {
    let script = parse(line).map_err(|error| error.to_string())?;
    let steps = lower(script).map_err(|error| error.to_string())?;
    let variables = Variables::new(vec![("HOME".to_owned(), "/home".to_owned())])?;
    Ok(Machine::new(steps, variables, BUDGET))
}

/// Runs a line to its end in a world with some files.
pub fn run(line: &str) -> (Toy, Outcome) {
    let files = [("/a.txt", "one\ntwo\n"), ("/b.txt", "three\n"), ("/dir/c.txt", "four\n")];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let mut toy = Toy { files: files.into(), ..Toy::default() };
    let mut machine = machine(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    match toy.drive(&mut machine) {
        Progress::Over(outcome) => (toy, outcome),
        progress => panic!("{line}: {progress:?} after {:?}", toy.started),
    }
}
