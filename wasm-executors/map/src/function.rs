//! The function: its instances, the calls that wait for one, and which call goes where. It never
//! reads a clock: whoever tells it of an event says when that is.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use stoa_executor::subtasks::{self, Input, Refusal, SpawnOptions};
use stoa_executor::{KillPolicy, Limits, Reason, TaskInfo, driver};

use crate::framing::Answer;
use crate::instance::{Call, Death, Instance, Stage, UNASKED};
use crate::limits::{
    CALL_BYTES, CALLS_MAX, INSTANCE_MEMORY_BYTES_MIN, LOG_LINE_BYTES_MAX, OWN_MEMORY_BYTES_MIN,
};
use crate::settings::Settings;
use crate::statistics::{Counts, Statistics};
use crate::updates::Updates;

/// What an instance leaves unanswered.
const SAFE: &str = "not answered; safe to launch again if the function has no side effects";

/// What the author of a function that answers at its end only has to know.
const NEVER_ANSWERED: &str = "; it has answered nothing since it started: a function answers each \
                              input as it comes, and flushes its stdout before it reads the next";

/// A call that no instance has been given.
struct Waiting {
    number: u64,
    task: Rc<str>,
    input: Vec<u8>,
}

/// Where a call is.
#[derive(Clone, Copy)]
struct Place {
    number: u64,
    /// The instance it is in flight in; none if it waits.
    instance: Option<usize>,
    /// What it is counted as in memory.
    bytes: usize,
    /// When the time of its task is over, if it is limited.
    due_ms: Option<u64>,
}

/// The function that all calls are for.
pub(crate) struct Function {
    settings: Settings,
    /// The walls of each instance.
    walls: Limits,
    instances: Vec<Instance>,
    /// In the order of their numbers.
    waiting: VecDeque<Waiting>,
    /// Every call that is not over, by its task.
    places: HashMap<Rc<str>, Place>,
    /// Those whose task's time is limited, by when it is over and the number of the call.
    deadlines: BTreeMap<(u64, u64), Rc<str>>,
    calls_bytes: usize,
    calls_bytes_max: usize,
    next_number: u64,
    updates: Updates,
    counts: Counts,
    /// When the tick comes that was asked for.
    tick_ms: Option<u64>,
    is_stopping: bool,
}

impl Function {
    /// Starts the instances.
    ///
    /// # Errors
    /// Why what the executor was granted is not enough.
    pub(crate) fn new(now_ms: u64, settings: Settings, own: &Limits) -> Result<Self, String> {
        let (walls, own_bytes) = divide(own, settings.instances)?;
        let instances =
            (0..settings.instances).map(|_| Instance::new(settings.framing, &walls)).collect();
        let mut function = Self {
            settings,
            walls,
            instances,
            waiting: VecDeque::new(),
            places: HashMap::new(),
            deadlines: BTreeMap::new(),
            calls_bytes: 0,
            calls_bytes_max: usize::try_from(own_bytes / 2).unwrap_or(usize::MAX),
            next_number: 0,
            updates: Updates::default(),
            counts: Counts::default(),
            tick_ms: None,
            is_stopping: false,
        };
        function.settle(now_ms);
        Ok(function)
    }

    /// A task: its data is the input of one call.
    ///
    /// # Errors
    /// Why the call is refused.
    pub(crate) fn on_launch(&mut self, now_ms: u64, task: TaskInfo) -> Result<(), String> {
        self.updates.on_event();
        let taken = self.take(now_ms, task);
        if taken.is_err() {
            self.counts.refused += 1;
        }
        self.settle(now_ms);
        taken
    }

    fn take(&mut self, now_ms: u64, task: TaskInfo) -> Result<(), String> {
        if self.is_stopping {
            return Err("the executor is shutting down".to_owned());
        }
        let input = task.data;
        self.settings.framing.check(&input)?;
        if self.places.len() >= CALLS_MAX {
            return Err(format!("{CALLS_MAX} calls that are not over are allowed"));
        }
        let bytes = input.len() + CALL_BYTES;
        if bytes > self.calls_bytes_max - self.calls_bytes {
            return Err(format!(
                "the inputs of {} calls that are not over take {} bytes already, {} are allowed; \
                 more memory of the executor allows more",
                self.places.len(),
                self.calls_bytes,
                self.calls_bytes_max
            ));
        }
        let id: Rc<str> = task.id.into();
        if self.places.contains_key(&id) {
            return Err("a task of this id is not over".to_owned());
        }
        let number = self.next_number;
        self.next_number += 1;
        self.calls_bytes += bytes;
        let due_ms = task.limits.wall_ms.map(|ms| now_ms.saturating_add(ms));
        if let Some(due_ms) = due_ms {
            self.deadlines.insert((due_ms, number), Rc::clone(&id));
        }
        self.places.insert(Rc::clone(&id), Place { number, instance: None, bytes, due_ms });
        self.waiting.push_back(Waiting { number, task: id, input });
        Ok(())
    }

    /// A call is not wanted any more.
    pub(crate) fn on_kill(&mut self, now_ms: u64, task: &str) {
        self.updates.on_event();
        if self.withdraw(task) {
            self.counts.killed += 1;
            self.updates.killed(task);
        }
        self.settle(now_ms);
    }

    /// Ends a call that no answer is wanted for any more; answers whether there was one.
    fn withdraw(&mut self, task: &str) -> bool {
        let Some(Place { number, instance, .. }) = self.forget(task) else { return false };
        match instance {
            None => {
                if let Ok(at) = self.waiting.binary_search_by_key(&number, |w| w.number) {
                    self.waiting.remove(at);
                }
            }
            // The function does not know of tasks: it goes on, and its answer is dropped.
            Some(at) => {
                let calls = &mut self.instances[at].calls;
                if let Ok(at) = calls.binary_search_by_key(&number, |call| call.number) {
                    calls[at].task = None;
                }
            }
        }
        true
    }

    /// An instance has written.
    pub(crate) fn on_output(&mut self, now_ms: u64, subtask: u64, is_stderr: bool, data: &[u8]) {
        self.updates.on_event();
        let at = self.instances.iter().position(|i| i.stage == Stage::Running(subtask));
        match at {
            // One that was killed: its calls are over.
            None => {}
            Some(at) => {
                self.instances[at].on_output(data.len());
                match is_stderr {
                    true => self.log(at, data),
                    false => self.on_answers(now_ms, at, data),
                }
                if self.instances[at].is_worn_out() {
                    self.kill(at);
                }
            }
        }
        self.settle(now_ms);
    }

    fn on_answers(&mut self, now_ms: u64, at: usize, data: &[u8]) {
        self.instances[at].answers.push(data);
        let wrong = loop {
            let instance = &mut self.instances[at];
            match instance.answers.next() {
                Ok(Some(Answer { number, data })) => match instance.on_answer(now_ms, number) {
                    Ok(call) => self.on_answer(call, data),
                    Err(wrong) => break wrong,
                },
                Ok(None) if instance.calls.is_empty() && instance.answers.has_rest() => {
                    break UNASKED.to_owned();
                }
                Ok(None) => return,
                Err(wrong) => break wrong,
            }
        };
        let text = format!("the instance was killed: {wrong}");
        self.instances[at].on_death(Death { text: text.clone(), because: None }, false);
        self.kill(at);
        self.fail_calls(at, |_| (text.clone(), None));
    }

    fn on_answer(&mut self, call: Call, answer: Vec<u8>) {
        let Some(task) = call.task else { return };
        self.forget(&task);
        self.counts.answered += 1;
        self.updates.finished(&task, answer);
    }

    /// An instance has ended.
    pub(crate) fn on_exited(&mut self, now_ms: u64, subtask: u64, why: Reason) {
        self.updates.on_event();
        if let Some(at) = self.instances.iter().position(|i| i.is_subtask(subtask)) {
            if self.instances[at].is_running() {
                let text = format!("the instance ended: {}", why);
                let death = Death { text: text.clone(), because: Some(why.clone()) };
                self.instances[at].on_death(death, false);
                self.fail_calls(at, |_| (format!("{text}; {SAFE}"), Some(why.clone())));
            }
            self.instances[at].rest(now_ms);
        }
        self.settle(now_ms);
    }

    /// Time has passed.
    pub(crate) fn on_tick(&mut self, now_ms: u64) {
        self.tick_ms = None;
        self.updates.on_event();
        let call_ms = self.settings.call_ms;
        while let Some(entry) = self.deadlines.first_entry().filter(|e| e.key().0 <= now_ms) {
            let task = entry.remove();
            self.on_time_over(&task);
        }
        for at in 0..self.instances.len() {
            if self.instances[at].overtime_ms(call_ms).is_some_and(|due_ms| due_ms <= now_ms) {
                self.on_overtime(at);
            }
        }
        self.settle(now_ms);
    }

    /// The time that a task was granted is over; the function is not told, as with a kill.
    fn on_time_over(&mut self, task: &str) {
        let is_given = self.places.get(task).is_some_and(|place| place.instance.is_some());
        let text = match is_given {
            true => "no answer within the time of the task",
            false => "no instance was free within the time of the task",
        };
        if self.withdraw(task) {
            self.tell_failed(task, text.to_owned(), Some(Reason::TimedOut));
        }
    }

    fn on_overtime(&mut self, at: usize) {
        let ms = self.settings.call_ms;
        let hint = if self.instances[at].answered == 0 { NEVER_ANSWERED } else { "" };
        self.kill(at);
        self.fail_calls(at, |position| match position {
            0 => {
                let what = format!("no answer within the {ms} ms of call_ms");
                (format!("{what}; the instance was killed{hint}"), None)
            }
            _ => (format!("the instance was killed for a call before this one: {SAFE}"), None),
        });
    }

    /// What a scheduler may want to know.
    pub(crate) fn statistics(&mut self, now_ms: u64) -> Vec<u8> {
        self.updates.on_event();
        self.settle(now_ms);
        let statistics = Statistics::of(&self.counts, self.waiting.len(), &self.instances);
        statistics.to_json()
    }

    /// The executor is to end: calls that are not over may still be answered.
    pub(crate) fn on_shutdown(&mut self, now_ms: u64, grace_ms: u64) {
        self.updates.on_event();
        self.is_stopping = true;
        if grace_ms == 0 {
            return driver::stop();
        }
        self.settle(now_ms);
    }

    fn forget(&mut self, task: &str) -> Option<Place> {
        let place = self.places.remove(task)?;
        self.calls_bytes -= place.bytes;
        if let Some(due_ms) = place.due_ms {
            self.deadlines.remove(&(due_ms, place.number));
        }
        Some(place)
    }

    /// Its end follows. A refusal says that it has ended by itself, and then that follows too.
    fn kill(&mut self, at: usize) {
        if let Stage::Running(subtask) = self.instances[at].stage {
            self.instances[at].stage = Stage::Ending(subtask);
            let _ = subtasks::kill(subtask, KillPolicy::AT_ONCE);
        }
    }

    /// Fails what an instance will not answer; `why` is asked with the place in its queue.
    fn fail_calls(&mut self, at: usize, why: impl Fn(usize) -> (String, Option<Reason>)) {
        let calls = self.instances[at].take_calls();
        for (position, call) in calls.into_iter().enumerate() {
            let Some(task) = call.task else { continue };
            let (text, because) = why(position);
            self.fail(&task, text, because);
        }
    }

    fn fail(&mut self, task: &str, text: String, because: Option<Reason>) {
        self.forget(task);
        self.tell_failed(task, text, because);
    }

    fn tell_failed(&mut self, task: &str, text: String, because: Option<Reason>) {
        self.counts.failed += 1;
        let text = format!("{}: {text}", self.settings.program.name);
        self.updates.failed(task, text, because);
    }

    /// Does what has become possible, and asks for the tick by which more will be.
    fn settle(&mut self, now_ms: u64) {
        for at in 0..self.instances.len() {
            if let Stage::Resting(until_ms) = self.instances[at].stage
                && until_ms <= now_ms
                && (!self.instances[at].is_given_up() || !self.waiting.is_empty())
            {
                self.start(now_ms, at);
            }
        }
        self.give_up();
        self.feed(now_ms);
        self.write(now_ms);
        if self.is_stopping && self.places.is_empty() && !self.updates.are_waiting() {
            return driver::stop();
        }
        self.ask_for_tick(now_ms);
    }

    fn start(&mut self, now_ms: u64, at: usize) {
        let program = self.settings.program.with_arguments(self.settings.arguments.clone());
        let program = program.environment(self.settings.environment.clone());
        let options = SpawnOptions::for_executor(program).limits(self.walls).stdin(Input::Executor);
        let instance = &mut self.instances[at];
        let (why, because) = match subtasks::spawn(&options) {
            Ok(subtask) => return instance.on_started(subtask),
            Err(Refusal::CannotStart(reason)) => (reason.to_string(), Some(reason)),
            Err(refusal) => (refusal.to_string(), None),
        };
        // These would be the same at the next start.
        let is_final = matches!(
            because,
            Some(Reason::InvalidModule(_) | Reason::MissingImport(_) | Reason::GrantDenied(_))
        );
        let text = format!("it cannot start: {why}");
        driver::log(&format!("{}: {text}", self.settings.program.name));
        instance.answered = 0;
        instance.on_death(Death { text, because }, is_final);
        instance.rest(now_ms);
    }

    /// When no instance is left that calls could wait for, they fail.
    fn give_up(&mut self) {
        let is_out = |i: &Instance| i.is_given_up() && matches!(i.stage, Stage::Resting(_));
        if !self.instances.iter().all(is_out) || self.waiting.is_empty() {
            return;
        }
        let mut deaths = self.instances.iter().filter_map(|instance| instance.death.clone());
        let Some(Death { text, because }) = deaths.next() else { return };
        let text = format!("{text}; it was tried several times and is given up for a while");
        for waiting in std::mem::take(&mut self.waiting) {
            self.fail(&waiting.task, text.clone(), because.clone());
        }
    }

    /// Hands out waiting calls, each to the instance that has the fewest.
    fn feed(&mut self, now_ms: u64) {
        while let Some(first) = self.waiting.front()
            && !self.updates.are_too_many()
        {
            let bytes = first.input.len();
            let free = |(_, instance): &(usize, &Instance)| instance.has_room(bytes);
            let candidates = self.instances.iter().enumerate().filter(free);
            let Some((at, _)) = candidates.min_by_key(|(_, i)| i.calls.len()) else { return };
            let Some(call) = self.waiting.pop_front() else { return };
            if let Some(place) = self.places.get_mut(&call.task) {
                place.instance = Some(at);
            }
            self.instances[at].push(now_ms, call.number, call.task, &call.input);
        }
    }

    fn write(&mut self, now_ms: u64) {
        for instance in &mut self.instances {
            while let Stage::Running(subtask) = instance.stage {
                let input = instance.unwritten(now_ms);
                if input.is_empty() {
                    break;
                }
                let offered = input.len();
                // A refusal says that it has ended, which is told next.
                let taken = subtasks::write_stdin(subtask, input).unwrap_or(0);
                let taken = usize::try_from(taken).unwrap_or(offered).min(offered);
                instance.on_written(now_ms, taken);
            }
        }
    }

    fn ask_for_tick(&mut self, now_ms: u64) {
        let at_once = self.updates.are_waiting().then_some(now_ms);
        let call_ms = self.settings.call_ms;
        let of_instances = self.instances.iter().filter_map(|instance| instance.due_ms(call_ms));
        let of_tasks = self.deadlines.keys().next().map(|&(due_ms, _)| due_ms);
        let Some(due_ms) = of_instances.chain(of_tasks).chain(at_once).min() else { return };
        // A tick that comes too early costs less than asking anew with each call.
        if self.tick_ms.is_none_or(|asked_ms| due_ms < asked_ms) {
            self.tick_ms = Some(due_ms);
            driver::wake_after(due_ms.saturating_sub(now_ms));
        }
    }

    /// What the function writes to stderr is for people.
    fn log(&self, at: usize, data: &[u8]) {
        for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(&line[..line.len().min(LOG_LINE_BYTES_MAX)]);
            driver::log(&format!("{} #{at}: {line}", self.settings.program.name));
        }
    }
}

/// The walls of each instance, and what is left for the executor itself.
fn divide(own: &Limits, instances: usize) -> Result<(Limits, u64), String> {
    let count = u64::try_from(instances).unwrap_or(u64::MAX);
    let own_bytes = (own.memory_bytes / 4).max(OWN_MEMORY_BYTES_MIN).min(own.memory_bytes / 2);
    let memory_bytes = (own.memory_bytes - own_bytes) / count;
    if memory_bytes < INSTANCE_MEMORY_BYTES_MIN {
        return Err(format!(
            "the executor has {} bytes of memory, which leaves {memory_bytes} for each of \
             {instances} instances; {INSTANCE_MEMORY_BYTES_MIN} is the least: grant it more",
            own.memory_bytes
        ));
    }
    let walls = Limits {
        memory_bytes,
        fuel: own.fuel.map(|fuel| fuel / count),
        wall_ms: own.wall_ms,
        output_bytes: own.output_bytes / count,
    };
    Ok((walls, own_bytes))
}
