//! What the store of one executor holds: its tasks and subtasks, and what it is about to say. The
//! calls of the executor change it, and so do the ends of its containers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use stoa_model::digest::Digest;
use stoa_model::host::{Event, TaskChange};
use stoa_model::ids::{ExecutorId, FrameworkId, TaskId};
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::operator::LogStream;
use stoa_model::status::{Download, Reason};
use stoa_model::task::TaskState;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::birth::Birth;
use crate::budget::Budget;
use crate::container::{Ended, Walls};
use crate::end::End;
use crate::executor::Note;
use crate::limiter::{Limiter, MemoryWall};
use crate::limits::{RANDOM_BYTES_MAX, RESOURCES_MAX, TASKS_OVER_MAX};
use crate::site::Site;
use crate::slices::{Cause, Leash};
use crate::speech::Speech;
use crate::subtasks::Subtask;
use crate::tasks::{Stage, Task, change};
use crate::voice::Voice;
use crate::wires::OpenPipe;

/// What is due at some time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The executor asked for it.
    Tick,
    /// It has had no task for a while.
    Idle,
    /// The grace of its shutdown is over.
    ShutdownOver,
    /// A task should have been ended by its executor.
    KillOverdue(TaskId),
    /// A task's time is over; its containers know that themselves.
    Completion(TaskId),
    /// A task's time has been over for a while.
    CompletionOverdue(TaskId),
}

/// What the store of one executor holds.
pub(crate) struct State {
    pub(crate) site: Arc<Site>,
    pub(crate) framework: FrameworkId,
    pub(crate) executor: ExecutorId,
    pub(crate) voice: Voice,
    pub(crate) speech: Arc<Speech>,
    pub(crate) tasks: BTreeMap<TaskId, Task>,
    pub(crate) subtasks: BTreeMap<u64, Subtask>,
    pub(crate) next_subtask: u64,
    /// The pipes that are not closed.
    pub(crate) pipes: BTreeMap<u64, OpenPipe>,
    pub(crate) next_pipe: u64,
    /// What those subtasks live in that are of no task. The executor itself draws on its memory.
    pub(crate) own: Budget,
    /// What it may start for itself and for any task.
    pub(crate) programs: Vec<Digest>,
    /// What is said after the event.
    pub(crate) outbox: Vec<Event>,
    /// Where its containers tell how they go.
    pub(crate) notes: mpsc::Sender<Note>,
    pub(crate) refusals: u32,
    /// Whether the executor asked to be ended.
    pub(crate) wants_to_stop: bool,
    pub(crate) walls: Walls,
    pub(crate) fuel_used: u64,
    pub(crate) born: Instant,
    pub(crate) leash: Arc<Leash>,
    alarms: BTreeSet<(Instant, Due)>,
    /// When those alarms are of which there is one.
    single_alarms: BTreeMap<Due, Instant>,
    over: BTreeSet<TaskId>,
    over_in_order: VecDeque<TaskId>,
    pub(crate) limiter: Limiter,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Whoever ends takes its containers with it.
impl Drop for State {
    fn drop(&mut self) {
        for subtask in self.subtasks.values() {
            subtask.leash.stop(Cause::Abandoned);
        }
    }
}

impl State {
    pub(crate) fn new(birth: &Birth, notes: mpsc::Sender<Note>, leash: Arc<Leash>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let (speech, walls) = (Arc::clone(&birth.speech), birth.walls());
        let memory = Arc::new(MemoryWall::new(walls.memory_bytes));
        let mut wasi = WasiCtxBuilder::new();
        wasi.max_random_size(RANDOM_BYTES_MAX)
            .stdout(speech.stream(LogStream::Stdout))
            .stderr(speech.stream(LogStream::Stderr));
        Self {
            site: Arc::clone(&birth.site),
            framework: birth.framework.clone(),
            executor: birth.executor.clone(),
            voice: birth.voice.clone(),
            speech,
            tasks: BTreeMap::new(),
            subtasks: BTreeMap::new(),
            next_subtask: 1,
            pipes: BTreeMap::new(),
            next_pipe: 1,
            own: Budget::of_executor(Arc::clone(&memory)),
            programs: Vec::new(),
            outbox: Vec::new(),
            notes,
            refusals: 0,
            wants_to_stop: false,
            walls,
            fuel_used: 0,
            born: Instant::now(),
            limiter: Limiter::new(memory, Arc::default(), Arc::clone(&leash)),
            leash,
            alarms: BTreeSet::new(),
            single_alarms: BTreeMap::new(),
            over: BTreeSet::new(),
            over_in_order: VecDeque::new(),
            wasi: wasi.build(),
            table,
        }
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Takes what is due, if something is.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Due> {
        let (at, _) = self.alarms.first()?;
        if *at > now {
            return None;
        }
        let (_, due) = self.alarms.pop_first()?;
        self.single_alarms.remove(&due);
        Some(due)
    }

    /// Whether the one alarm of this kind is set.
    pub(crate) fn has_alarm(&self, due: &Due) -> bool {
        self.single_alarms.contains_key(due)
    }

    /// Sets the one alarm of this kind; none takes it back.
    pub(crate) fn set_alarm(&mut self, due: &Due, after_ms: Option<u64>) {
        if let Some(at) = self.single_alarms.remove(due) {
            self.alarms.remove(&(at, due.clone()));
        }
        if let Some(ms) = after_ms {
            let at = after(ms);
            self.alarms.insert((at, due.clone()));
            self.single_alarms.insert(due.clone(), at);
        }
    }

    fn set_task_alarm(&mut self, task: &TaskId, due: Due, after_ms: u64) {
        let Some(task) = self.tasks.get_mut(task) else { return };
        let alarm = (after(after_ms), due);
        task.alarms.push(alarm.clone());
        self.alarms.insert(alarm);
    }

    /// Says how a task goes, after the event.
    pub(crate) fn report(&mut self, task: &TaskId, state: TaskState, end: End) {
        if let Some(task) = self.tasks.get(task) {
            let change = change(&self.framework, &task.info, state, end);
            self.outbox.push(Event::Update(change));
        }
    }

    /// The task runs since now.
    pub(crate) fn on_running(&mut self, id: &TaskId) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        if let (Some(ms), None) = (task.info.max_completion_ms, task.deadline) {
            task.deadline = Some(after(ms));
            self.set_task_alarm(id, Due::Completion(id.clone()), ms);
        }
    }

    /// Somebody wants the task to end; its executor has `grace_ms` and a while to do so.
    pub(crate) fn on_kill_asked(&mut self, id: &TaskId, grace_ms: u64) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.kill_asked = true;
            let overdue_ms = grace_ms.saturating_add(self.site.event_ms_max);
            self.set_task_alarm(id, Due::KillOverdue(id.clone()), overdue_ms);
        }
    }

    /// The time of a task is over: its containers end by themselves, and then its executor says
    /// so. Who has no container, or an executor that says nothing, is ended here.
    pub(crate) fn on_completion(&mut self, id: &TaskId) {
        match self.tasks.get(id).map(|task| task.budget.subtasks()) {
            None => {}
            Some(0) => self.on_completion_overdue(id),
            Some(_) => {
                let overdue_ms = self.site.event_ms_max;
                self.set_task_alarm(id, Due::CompletionOverdue(id.clone()), overdue_ms);
            }
        }
    }

    /// See `on_completion`.
    pub(crate) fn on_completion_overdue(&mut self, id: &TaskId) {
        self.end_task(id, TaskState::Failed, End::new(Reason::TimedOut, "its time is over"));
    }

    /// Ends a task whatever its executor says; nothing if it is over already.
    pub(crate) fn end_task(&mut self, id: &TaskId, state: TaskState, end: End) {
        if let Some(task) = self.tasks.get(id).filter(|task| !task.is_over()) {
            let change = change(&self.framework, &task.info, state, end);
            self.on_over(change);
        }
    }

    /// Ends all tasks that are not over.
    pub(crate) fn end_all_tasks(&mut self, state: TaskState, end: &End) {
        let tasks: Vec<_> = self.tasks.keys().cloned().collect();
        for task in tasks {
            self.end_task(&task, state, end.clone());
        }
    }

    /// The last word on a task is `change`: it is said when nothing of the task runs any more.
    pub(crate) fn on_over(&mut self, change: Box<TaskChange>) {
        let id = change.task.clone();
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.stage = Stage::Ending(change);
        if task.budget.subtasks() > 0 {
            self.stop_subtasks(Some(&id));
        }
        self.pipes.retain(|_, open| open.task.as_ref() != Some(&id));
        self.settle(&id);
    }

    /// Stops the subtasks of a task, or those of no task.
    pub(crate) fn stop_subtasks(&self, task: Option<&TaskId>) {
        for subtask in self.subtasks.values().filter(|subtask| subtask.task.as_ref() == task) {
            subtask.leash.stop(Cause::Killed);
        }
    }

    /// A container is over. Answers, if its executor is to hear of it, of which task it was.
    pub(crate) fn on_subtask_ended(
        &mut self,
        number: u64,
        ended: &Ended,
    ) -> Option<Option<TaskId>> {
        let subtask = self.subtasks.remove(&number)?;
        let Some(id) = subtask.task else {
            self.own.settle(&subtask.walls, &ended.usage);
            return Some(None);
        };
        let task = self.tasks.get_mut(&id)?;
        task.on_subtask_ended(&subtask.walls, ended);
        if task.is_over() {
            self.settle(&id);
            return None;
        }
        Some(Some(id))
    }

    /// What travels back is packed.
    pub(crate) fn on_packed(&mut self, id: &TaskId, packed: Result<Vec<Download>, End>) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        let Stage::Packing(change) = &mut task.stage else { return };
        match packed {
            Ok(downloads) => change.downloads = downloads,
            Err(end) => {
                change.state = TaskState::Failed;
                (change.reason, change.message) = (end.reason, end.message);
            }
        }
        self.forget(id);
    }

    /// Says the last word on a task, whether or not its containers have ended.
    pub(crate) fn forget(&mut self, id: &TaskId) {
        let Some(task) = self.tasks.remove(id) else { return };
        for alarm in &task.alarms {
            self.alarms.remove(alarm);
        }
        let used = task.budget.used();
        if let Stage::Ending(mut change) | Stage::Packing(mut change) = task.stage {
            change.usage = used.or(change.usage);
            self.outbox.push(Event::Update(change));
        }
        if self.over_in_order.len() >= TASKS_OVER_MAX
            && let Some(oldest) = self.over_in_order.pop_front()
        {
            self.over.remove(&oldest);
        }
        self.over.insert(id.clone());
        self.over_in_order.push_back(id.clone());
    }

    /// Whether an acknowledgement of this task is for this executor.
    pub(crate) fn knows(&self, id: &TaskId) -> bool {
        self.tasks.contains_key(id) || self.over.contains(id)
    }

    fn settle(&mut self, id: &TaskId) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        if task.budget.subtasks() > 0 {
            return;
        }
        let sandbox = match &task.prepared {
            Some(Ok(prepared)) => prepared.grants.sandbox.clone(),
            _ => None,
        };
        let Some(sandbox) = sandbox else { return self.forget(id) };
        let has_run = task.budget.used().is_some();
        let stage = std::mem::replace(&mut task.stage, Stage::Preparing);
        let Stage::Ending(change) = stage else {
            task.stage = stage;
            return;
        };
        task.stage = Stage::Packing(change);
        let (notes, task) = (self.notes.clone(), id.clone());
        let site = Arc::clone(&self.site);
        self.site.work.spawn(async move {
            let artifacts = site.artifacts.clone();
            let packed = site.work.spawn_blocking(move || {
                let packed = if has_run { sandbox.pack(&artifacts) } else { Ok(Vec::new()) };
                sandbox.remove();
                packed
            });
            let packed = packed.await.unwrap_or_else(|error| {
                Err(End::failed(format!("cannot pack what travels back: {error}")))
            });
            // An executor that is gone has said its last words already.
            let _ = notes.send(Note::Packed { task, packed }).await;
        });
    }
}

/// The instant in so many milliseconds, within what clocks bear.
pub(crate) fn after(ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ms.min(DURATION_MS_MAX))
}
