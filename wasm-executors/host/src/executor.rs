//! One executor that lives: an instance and its queue of events. Events run one at a time, each
//! with a deadline and fuel of its own. It never touches another executor.

use std::sync::Arc;
use std::time::Duration;

use stoa_model::host::Event;
use stoa_model::ids::{AgentId, TaskId};
use stoa_model::status::{Download, Reason};
use stoa_model::task::{KillPolicy, TaskInfo, TaskState};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until, timeout_at};
use wasmtime::Store;

use crate::birth::Birth;
use crate::container::{Ended, is_out_of_fuel, seconds, set_walls, trap_text};
use crate::end::End;
use crate::happening::Happening;
use crate::life::{Ending, ending_of};
use crate::limits::{
    EVENT_FUEL_MAX, EXECUTOR_IDLE_MS, EXECUTOR_NOTES_WAITING_MAX, EXECUTOR_TASKS_MAX,
    EXECUTORS_MAX, IDLE_GRACE_MS, REFUSALS_MAX, REMOVAL_GRACE_MS, STOPPING_MS_MAX,
};
use crate::output::Log;
use crate::preparation;
use crate::slices::{Cause, Cut, Leash, sliced};
use crate::state::{Due, State, after};
use crate::tasks::{Prepared, Stage, Task, change, progress};
use crate::words;
use crate::world::Executor as World;
use crate::world::exports::stoa::executor::events;

/// From the dispatcher to an executor.
pub(crate) enum Input {
    Launch(Box<TaskInfo>),
    Kill(TaskId, KillPolicy),
    SetPaused(TaskId, bool),
    Message(Vec<u8>),
    Acknowledge(TaskId),
    /// The agent has come back.
    Reregistered(AgentId),
    Shutdown {
        grace_ms: u64,
    },
    /// Its framework is gone.
    Remove,
}

/// Why an executor is told to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    Asked,
    /// It has had nothing to do for so many milliseconds.
    Idle(u64),
    /// Its framework is gone.
    Removed,
}

/// From an executor's containers and helpers to it.
pub(crate) enum Note {
    /// The preparation of a task takes its time.
    Progress { task: TaskId, message: String },
    /// A task's own program can start, or never will.
    Prepared { task: TaskId, prepared: Result<Prepared, End> },
    /// A container has written.
    Output { task: Option<TaskId>, subtask: u64, is_stderr: bool, data: Vec<u8> },
    /// A container is over.
    Ended { subtask: u64, ended: Ended },
    /// What travels back is packed.
    Packed { task: TaskId, packed: Result<Vec<Download>, End> },
}

/// An executor that lives.
pub(crate) struct Actor {
    store: Store<State>,
    world: World,
    notes: mpsc::Receiver<Note>,
    /// Ends an event that takes too long.
    event_leash: Arc<Leash>,
    /// Set since it was told to end.
    farewell: Option<Farewell>,
    /// Whether nothing will come in any more.
    is_deaf: bool,
    _slot: OwnedSemaphorePermit,
}

impl Actor {
    pub(crate) async fn start(birth: &mut Birth) -> Result<Self, Ending> {
        let program = birth.program().await?;
        let linked = program.executor.clone().map_err(Ending::NotStarted)?;
        let slots = Arc::clone(&birth.site.executor_slots);
        let slot = slots.try_acquire_many_owned(program.slots).map_err(|_| {
            let message = format!("no room: {EXECUTORS_MAX} executors live on this host");
            Ending::NotStarted(End::failed(message))
        })?;
        let event_leash = Arc::new(Leash::default());
        let (to_notes, notes) = mpsc::channel(EXECUTOR_NOTES_WAITING_MAX);
        let mut state = State::new(birth, to_notes, Arc::clone(&event_leash));
        let programs = birth.info.iter().flat_map(|info| &info.programs);
        state.programs = programs.map(|named| named.program).collect();
        let mut store = Store::new(&birth.site.engine, state);
        store.limiter(|state| &mut state.limiter);
        set_walls(&mut store, EVENT_FUEL_MAX);
        event_leash.stop_at(after(birth.site.event_ms_max), Cause::TimedOut);
        let made = sliced(&event_leash, linked.instantiate_async(&mut store)).await;
        event_leash.clear_deadline();
        let world = check(made, "its start", &store)?;
        let (farewell, is_deaf, _slot) = (None, false, slot);
        Ok(Self { store, world, notes, event_leash, farewell, is_deaf, _slot })
    }

    pub(crate) async fn run(&mut self, birth: &mut Birth) -> Ending {
        let mut turn = self.event(Happening::Registered(info(birth))).await.map(drop);
        loop {
            turn = turn.and_then(|()| self.check_conduct());
            self.mind_idleness(birth);
            self.flush(birth).await;
            if let Err(ending) = turn {
                return ending;
            }
            let due = self.store.data().next_due();
            turn = tokio::select! {
                Some(note) = self.notes.recv() => self.on_note(note).await,
                input = birth.inbox.recv(), if !self.is_deaf => match input {
                    Some(input) => self.on_input(birth, input).await,
                    None if self.farewell == Some(Farewell::Removed) => {
                        self.is_deaf = true;
                        Ok(())
                    }
                    None => Err(Ending::Abandoned),
                },
                () = at(due) => self.on_due(birth).await,
            };
        }
    }

    async fn on_input(&mut self, birth: &mut Birth, input: Input) -> Result<(), Ending> {
        match input {
            Input::Launch(task) => match self.farewell {
                // It was told to end, so the task is for the one that comes after it.
                Some(Farewell::Idle(ms)) => {
                    birth.inbox.hold(Input::Launch(task));
                    Err(Ending::Idle(ms))
                }
                _ if birth.voice.is_silent() => Ok(()),
                _ => self.on_launch(birth, task).await,
            },
            Input::Kill(task, policy) => self.on_kill(task, policy).await,
            Input::SetPaused(task, is_paused) => {
                self.store.data_mut().on_set_paused(&task, is_paused);
                Ok(())
            }
            Input::Message(data) => {
                // It counts as something to do; see `mind_idleness`.
                self.store.data_mut().set_alarm(&Due::Idle, None);
                self.event(Happening::Message(data)).await.map(drop)
            }
            Input::Acknowledge(task) if self.store.data().knows(&task) => {
                self.event(Happening::Acknowledged(task.to_string())).await.map(drop)
            }
            Input::Acknowledge(_) => Ok(()),
            Input::Reregistered(agent) => {
                birth.agent = agent;
                self.event(Happening::Reregistered(info(birth))).await.map(drop)
            }
            Input::Shutdown { grace_ms } => self.say_farewell(Farewell::Asked, grace_ms).await,
            Input::Remove => self.say_farewell(Farewell::Removed, REMOVAL_GRACE_MS).await,
        }
    }

    /// It hears once that it is to end; whoever says it again only sets another time.
    async fn say_farewell(&mut self, why: Farewell, grace_ms: u64) -> Result<(), Ending> {
        self.store.data_mut().set_alarm(&Due::ShutdownOver, Some(grace_ms));
        match self.farewell.replace(why) {
            None => self.event(Happening::Shutdown { grace_ms }).await.map(drop),
            Some(_) => Ok(()),
        }
    }

    async fn on_launch(&mut self, birth: &Birth, info: Box<TaskInfo>) -> Result<(), Ending> {
        let state = self.store.data_mut();
        if state.tasks.contains_key(&info.id) {
            tracing::warn!(task = %info.id, "a task that lives was launched again");
            return Ok(());
        }
        if state.tasks.len() >= EXECUTOR_TASKS_MAX {
            let message = format!("the executor has {EXECUTOR_TASKS_MAX} tasks already");
            let end = End::new(Reason::AgentRefused, message);
            let change = change(&state.framework, &info, TaskState::Dropped, end);
            state.outbox.push(Event::Update(change));
            return Ok(());
        }
        let sandboxes = Arc::clone(&birth.site.sandboxes);
        let log = Log::new(sandboxes, birth.framework.clone(), info.id.clone());
        let id = info.id.clone();
        let mut task = Task::new(info, Stage::Preparing, Arc::new(log));
        match preparation::at_once(&birth.site, &task.info) {
            Some(prepared) => {
                task.prepared = Some(Ok(prepared));
                state.tasks.insert(id.clone(), task);
                self.hand_over(&id).await
            }
            None => {
                preparation::start(state, &task.info);
                state.tasks.insert(id, task);
                Ok(())
            }
        }
    }

    /// What a task needs is there, or never will be. Of its own program the executor hears why;
    /// a task for a framework's executor lacks what it was promised, so the executor never hears
    /// of it.
    async fn on_prepared(
        &mut self,
        id: TaskId,
        prepared: Result<Prepared, End>,
    ) -> Result<(), Ending> {
        let state = self.store.data_mut();
        let preparing = |task: &&mut Task| matches!(task.stage, Stage::Preparing);
        let Some(task) = state.tasks.get_mut(&id).filter(preparing) else {
            preparation::undo(&state.site, prepared);
            return Ok(());
        };
        if let (Err(end), Some(_)) = (&prepared, task.info.executor()) {
            let end = end.clone();
            state.end_task(&id, TaskState::Failed, end);
            return Ok(());
        }
        task.prepared = Some(prepared);
        self.hand_over(&id).await
    }

    /// Everything is there: now the executor hears of the task.
    async fn hand_over(&mut self, id: &TaskId) -> Result<(), Ending> {
        let Some(task) = self.store.data_mut().tasks.get_mut(id) else { return Ok(()) };
        task.stage = Stage::Launched(TaskState::Staging);
        let info = Box::new(words::task_info(&task.info));
        if let Err(why) = self.event(Happening::LaunchTask(info)).await? {
            let why = format!("its executor refused it: {why}");
            let end = End::new(Reason::ExecutorRefused, why);
            self.store.data_mut().end_task(id, TaskState::Failed, end);
        }
        Ok(())
    }

    async fn on_kill(&mut self, id: TaskId, policy: KillPolicy) -> Result<(), Ending> {
        let state = self.store.data_mut();
        match state.tasks.get(&id).map(|task| &task.stage) {
            Some(Stage::Preparing) => {
                state.end_task(&id, TaskState::Killed, End::killed());
                Ok(())
            }
            Some(Stage::Launched(_)) => {
                // What is frozen has no use for a grace.
                let is_paused = state.tasks.get(&id).is_some_and(|task| task.is_paused);
                let policy = if is_paused { KillPolicy { grace_ms: 0 } } else { policy };
                state.on_kill_asked(&id, policy.grace_ms);
                self.event(Happening::KillTask(id.to_string(), policy)).await.map(drop)
            }
            Some(Stage::Ending(_) | Stage::Packing(_)) | None => Ok(()),
        }
    }

    async fn on_note(&mut self, note: Note) -> Result<(), Ending> {
        let state = self.store.data_mut();
        let happening = match note {
            Note::Prepared { task, prepared } => return self.on_prepared(task, prepared).await,
            Note::Output { task, subtask, is_stderr, data } => {
                let is_over = |task: &TaskId| state.tasks.get(task).is_none_or(Task::is_over);
                if task.as_ref().is_some_and(is_over) {
                    return Ok(());
                }
                let task = task.map(|task| task.to_string());
                Happening::SubtaskOutput { task, subtask, is_stderr, data }
            }
            Note::Ended { subtask, ended } => {
                let Some(task) = state.on_subtask_ended(subtask, &ended) else { return Ok(()) };
                let Ended { end, usage } = ended;
                let task = task.map(|task| task.to_string());
                Happening::SubtaskExited { task, subtask, end, usage }
            }
            note => {
                state.on_quiet_note(note);
                return Ok(());
            }
        };
        self.event(happening).await.map(drop)
    }

    async fn on_due(&mut self, birth: &Birth) -> Result<(), Ending> {
        let now = Instant::now();
        while let Some(due) = self.store.data_mut().take_due(now) {
            let state = self.store.data_mut();
            match due {
                Due::Tick => self.event(Happening::Tick).await.map(drop)?,
                Due::Idle => self.on_idle(birth).await?,
                Due::ShutdownOver => return Err(self.end_of_farewell()),
                Due::KillOverdue(task) => state.end_task(&task, TaskState::Killed, End::killed()),
                Due::Completion(task) => state.on_completion(&task),
                Due::CompletionOverdue(task) => state.on_completion_overdue(&task),
            }
        }
        Ok(())
    }

    /// A framework's own executor is told to end; the built-in one is let go. Neither is if
    /// something has come in meanwhile.
    async fn on_idle(&mut self, birth: &Birth) -> Result<(), Ending> {
        match &birth.info {
            _ if !birth.inbox.is_empty() => Ok(()),
            Some(info) => self.say_farewell(Farewell::Idle(info.idle_ms), IDLE_GRACE_MS).await,
            None => {
                birth.offer_to_go(None).await;
                Ok(())
            }
        }
    }

    /// An executor that has no task and no subtask, and has had no message, is idle from then on.
    fn mind_idleness(&mut self, birth: &Birth) {
        let has_farewell = self.farewell.is_some();
        let state = self.store.data_mut();
        let is_busy = has_farewell || !state.tasks.is_empty() || !state.subtasks.is_empty();
        match (is_busy, state.has_alarm(&Due::Idle)) {
            (true, true) => state.set_alarm(&Due::Idle, None),
            (false, false) => {
                let ms = birth.info.as_ref().map_or(EXECUTOR_IDLE_MS, |info| info.idle_ms);
                state.set_alarm(&Due::Idle, Some(ms));
            }
            (true, false) | (false, true) => {}
        }
    }

    /// What the end is called that it was told of.
    fn end_of_farewell(&self) -> Ending {
        match self.farewell {
            Some(Farewell::Idle(ms)) => Ending::Idle(ms),
            Some(Farewell::Removed) => Ending::Abandoned,
            Some(Farewell::Asked) | None => Ending::ShutDown,
        }
    }

    /// Runs one event. The outer result is the executor's life, the inner one its answer.
    async fn event(&mut self, happening: Happening) -> Result<Result<(), String>, Ending> {
        let name = happening.name();
        let event_ms_max = self.store.data().site.event_ms_max;
        self.event_leash.stop_at(after(event_ms_max), Cause::TimedOut);
        self.store.set_fuel(EVENT_FUEL_MAX).expect("the engine counts fuel");
        self.store.data_mut().limiter.forget_refusal();
        let events = self.world.stoa_executor_events();
        let call = happening.call(events, &mut self.store);
        let outcome = sliced(&self.event_leash, call).await;
        self.event_leash.clear_deadline();
        let fuel_left = self.store.get_fuel().unwrap_or(0);
        self.store.data_mut().fuel_used += EVENT_FUEL_MAX.saturating_sub(fuel_left);
        check(outcome, name, &self.store)
    }

    fn check_conduct(&mut self) -> Result<(), Ending> {
        let state = self.store.data();
        if state.refusals >= REFUSALS_MAX {
            let message = format!("{REFUSALS_MAX} of its calls had to be refused");
            return Err(Ending::Lost(message));
        }
        if state.wants_to_stop {
            return Err(Ending::Stopped);
        }
        if self.farewell.is_some() && state.tasks.is_empty() && state.subtasks.is_empty() {
            return Err(self.end_of_farewell());
        }
        Ok(())
    }

    async fn flush(&mut self, birth: &Birth) {
        let state = self.store.data_mut();
        for event in state.outbox.drain(..) {
            birth.say(event).await;
        }
    }

    /// Ends all its tasks without asking it any more.
    pub(crate) async fn end(&mut self, birth: &Birth, ending: &Ending) {
        let (state, end) = ending.verdict();
        self.store.data().stop_subtasks(None);
        self.store.data_mut().end_all_tasks(state, &end);
        let until = Instant::now() + Duration::from_millis(STOPPING_MS_MAX);
        while !self.store.data().tasks.is_empty() {
            self.flush(birth).await;
            let Ok(Some(note)) = timeout_at(until, self.notes.recv()).await else { break };
            self.store.data_mut().on_quiet_note(note);
        }
        // What does not even stop now is abandoned; its tasks are over all the same.
        let state = self.store.data_mut();
        let left: Vec<_> = state.tasks.keys().cloned().collect();
        for task in left {
            state.forget(&task);
        }
        self.flush(birth).await;
    }
}

impl State {
    /// A note of which the executor need not hear.
    fn on_quiet_note(&mut self, note: Note) {
        match note {
            Note::Progress { task, message } => {
                let preparing = |task: &Task| matches!(task.stage, Stage::Preparing);
                if self.tasks.get(&task).is_some_and(preparing) {
                    self.report(&task, TaskState::Starting, progress(message));
                }
            }
            Note::Prepared { prepared, .. } => preparation::undo(&self.site, prepared),
            Note::Output { .. } => {}
            Note::Ended { subtask, ended } => drop(self.on_subtask_ended(subtask, &ended)),
            Note::Packed { task, packed } => self.on_packed(&task, packed),
        }
    }
}

/// What an executor is told of itself.
fn info(birth: &Birth) -> events::ExecutorInfo {
    let own = birth.info.as_ref();
    events::ExecutorInfo {
        id: birth.executor.to_string(),
        framework: birth.framework.to_string(),
        agent: birth.agent.to_string(),
        data: own.map_or_else(Vec::new, |info| info.data.clone()),
        programs: own.map_or_else(Vec::new, |info| words::named_programs(&info.programs)),
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Whether what an executor did is what an executor may do.
fn check<T>(
    outcome: Result<wasmtime::Result<T>, Cut>,
    what: &str,
    store: &Store<State>,
) -> Result<T, Ending> {
    let why = match outcome {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => match (is_out_of_fuel(&error), store.data().limiter.refused()) {
            (true, _) => format!("{what} used more than {EVENT_FUEL_MAX} units of fuel"),
            (false, Some(refusal)) => {
                return Err(Ending::OutOfMemory(format!("in {what} it was {refusal}")));
            }
            (false, None) => format!("in {what} it {}", trap_text(&error)),
        },
        Err(Cut::Stopped(_)) => {
            format!("{what} took more than {} s", seconds(store.data().site.event_ms_max))
        }
        Err(cut @ Cut::Panicked(_)) => return Err(ending_of(cut)),
    };
    Err(Ending::Lost(why))
}
