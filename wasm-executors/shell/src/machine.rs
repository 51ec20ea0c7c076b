//! Runs the steps of one shell line. Every call does what can be done at once and returns; what has
//! to be waited for comes back as an event.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::budget::Budget;
use crate::expansion::{Captured, Expander, Stop};
use crate::limits::{CAPTURE_BYTES_MAX, EVENT_COST_MAX, STEP_COST, STEPS_MAX, STRANDS_MAX};
use crate::plumbing::{Kind, Plumbing};
use crate::steps::{Place, Step, Steps};
use crate::strand::{Frame, Outcome, State, Strand, Waiting};
use crate::variables::Variables;
use crate::world::{Ended, Output, Wiring, World};

/// A shell line that runs.
#[derive(Debug)]
pub struct Machine {
    steps: Rc<Steps>,
    strands: BTreeMap<u64, Strand>,
    strands_started: u64,
    ready: VecDeque<u64>,
    /// What the substitutions that run have written so far, by their strands.
    captures: BTreeMap<u64, Vec<u8>>,
    pub(crate) plumbing: Plumbing,
    steps_left: u64,
    /// What the steps of this event have cost.
    cost: usize,
    /// How the line ended; then only programs are waited for.
    outcome: Option<Outcome>,
    is_killed: bool,
}

/// How a line goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for programs.
    Waits,
    /// It wants to go on at the next tick.
    WantsTick,
    /// It is over, and no program of it runs.
    Over(Outcome),
    /// It was killed, and no program of it runs.
    Killed,
}

impl Machine {
    /// A line before its first step.
    pub fn new(steps: Steps, variables: Variables, budget: Budget) -> Self {
        Self {
            steps: Rc::new(steps),
            strands: BTreeMap::from([(0, Strand::root(variables, budget))]),
            strands_started: 1,
            ready: VecDeque::from([0]),
            captures: BTreeMap::new(),
            plumbing: Plumbing::default(),
            steps_left: STEPS_MAX,
            cost: 0,
            outcome: None,
            is_killed: false,
        }
    }

    /// Goes on as far as it can in one event.
    pub fn go<W: World>(&mut self, world: &mut W) -> Progress {
        self.plumbing.feed(world);
        self.cost = 0;
        while self.cost < EVENT_COST_MAX && !self.is_stopping() {
            self.cost += STEP_COST;
            let Some(id) = self.ready.pop_front() else { break };
            let Some(mut strand) = self.strands.remove(&id) else { continue };
            self.steps_left = self.steps_left.saturating_sub(1);
            if self.steps_left == 0 {
                let blame = format!("more than the {STEPS_MAX} steps allowed");
                self.fail(world, 2, blame);
                break;
            }
            let is_over = self.step(world, &mut strand);
            match is_over {
                true => self.on_strand_over(world, strand),
                false => {
                    if strand.state == State::Ready {
                        self.ready.push_back(id);
                    }
                    self.strands.insert(id, strand);
                }
            }
        }
        self.progress()
    }

    /// A program has ended.
    pub fn on_exited<W: World>(&mut self, world: &mut W, subtask: u64, ended: &Ended) {
        let Some(subtask_was) = self.plumbing.on_exited(subtask) else { return };
        if ended.ends_task && !self.is_stopping() {
            let blame = format!("{}: {}", subtask_was.what, ended.how);
            self.fail(world, ended.status, blame);
        }
        let Some(strand) = self.strands.get_mut(&subtask_was.strand) else { return };
        strand.budget.add(subtask_was.budget.after(ended.used));
        let is_waited_for = strand.state == State::Program(subtask);
        if !is_waited_for {
            return;
        }
        match subtask_was.kind {
            Kind::Command => {
                let blame = format!("{}: {}", subtask_was.what, ended.how);
                let &Ended { status, is_used_up, .. } = ended;
                let next = if is_used_up { self.steps.last() } else { strand.place + 1 };
                strand.finish(Outcome { status, blame, is_used_up }, next);
            }
            Kind::Complaint(outcome, next) => strand.finish(outcome, next),
            Kind::Touch => {
                strand.state = State::Ready;
                strand.on_touched(ended);
            }
            Kind::Relay => strand.state = State::Ready,
        }
        self.ready.push_back(subtask_was.strand);
    }

    /// A program of a command substitution has written.
    pub fn on_output<W: World>(
        &mut self,
        world: &mut W,
        subtask: u64,
        is_stderr: bool,
        data: &[u8],
    ) {
        let Some(capture) = self.plumbing.capture(subtask, is_stderr) else { return };
        let whole: usize = self.captures.values().map(Vec::len).sum();
        if whole + data.len() > CAPTURE_BYTES_MAX {
            if !self.is_stopping() {
                let allowed = format!("command substitutions may give {CAPTURE_BYTES_MAX} bytes");
                self.fail(world, 2, allowed);
            }
        } else if let Some(bytes) = self.captures.get_mut(&capture) {
            bytes.extend_from_slice(data);
        }
    }

    /// Ends it and all of its programs, with so much grace.
    pub fn kill<W: World>(&mut self, world: &mut W, grace_ms: u64) {
        self.is_killed = true;
        self.plumbing.kill_all(world, grace_ms);
    }

    /// Whether it was told to end.
    pub fn is_killed(&self) -> bool {
        self.is_killed
    }

    /// How it goes, without going on.
    pub fn progress(&self) -> Progress {
        match &self.outcome {
            _ if !self.plumbing.is_idle() && self.is_stopping() => Progress::Waits,
            _ if self.is_killed => Progress::Killed,
            Some(outcome) => Progress::Over(outcome.clone()),
            None if !self.ready.is_empty() || self.plumbing.has_text_left() => Progress::WantsTick,
            None => Progress::Waits,
        }
    }

    fn is_stopping(&self) -> bool {
        self.outcome.is_some() || self.is_killed
    }

    /// Ends the line, whatever it is at.
    pub(crate) fn fail<W: World>(&mut self, world: &mut W, status: i32, blame: String) {
        self.outcome = Some(Outcome::new(status, blame));
        self.plumbing.kill_all(world, 0);
    }

    /// One step; answers whether the strand is over.
    fn step<W: World>(&mut self, world: &mut W, strand: &mut Strand) -> bool {
        if strand.is_leaving {
            strand.is_leaving = !self.plumbing.leave(world, strand);
            return false;
        }
        let steps = Rc::clone(&self.steps);
        let failed = strand.status != 0;
        match &steps.steps[strand.place] {
            Step::Run(simple) => self.run(world, strand, simple),
            Step::Redirect(redirects, over) => self.redirect(world, strand, redirects, *over),
            Step::Jump(to) => strand.place = *to,
            Step::JumpIfOk(to) if !failed => strand.place = *to,
            Step::JumpIfFailed(to) if failed => strand.place = *to,
            Step::JumpIfOk(_) | Step::JumpIfFailed(_) => strand.advance(),
            Step::Negate => {
                match failed {
                    true => strand.succeed(),
                    false => {
                        (strand.status, strand.blame) = (1, "what ! denies succeeded".to_owned());
                    }
                }
                strand.advance();
            }
            Step::CheckFailure if failed && strand.options.ends_at_failure => {
                strand.place = self.steps.last();
            }
            Step::CheckFailure => strand.advance(),
            Step::Succeed => {
                strand.succeed();
                strand.advance();
            }
            Step::Pipeline(places) => self.start_pipeline(world, strand, places),
            Step::Subshell(place) => {
                let budget = strand.budget.take();
                let child = self.child(strand, *place, strand.wiring.clone(), budget);
                self.start_strands(world, strand, Waiting::Pipeline, vec![child]);
            }
            Step::Leave => {
                if self.plumbing.leave(world, strand) {
                    strand.advance();
                }
            }
            Step::End => return self.plumbing.leave_all(world, strand),
            step => self.step_in_scope(world, strand, step),
        }
        false
    }

    fn step_in_scope<W: World>(&mut self, world: &mut W, strand: &mut Strand, step: &Step) {
        match step {
            Step::For(words) => {
                let Some(words) = self.expand(world, strand, |by| by.words(words)) else { return };
                strand.frames.push(Frame::Loop(0, words.into()));
                strand.advance();
            }
            Step::Next(name, done) => {
                let Some(Frame::Loop(_, words)) = strand.frames.last_mut() else { return };
                let Some(word) = words.pop_front() else {
                    strand.place = *done;
                    return;
                };
                match strand.variables.set(name, word) {
                    Ok(()) => strand.advance(),
                    Err(why) => self.fail(world, 2, why),
                }
            }
            Step::While => {
                strand.frames.push(Frame::Loop(0, VecDeque::new()));
                strand.advance();
            }
            Step::Round(next) => {
                if let Some(Frame::Loop(status, _)) = strand.frames.last_mut() {
                    *status = strand.status;
                }
                strand.place = *next;
            }
            Step::Break => {
                if let Some(Frame::Loop(status, _)) = strand.frames.last_mut() {
                    *status = 0;
                }
                strand.advance();
            }
            Step::Case(word) => {
                let Some(subject) = self.expand(world, strand, |by| by.text(word)) else { return };
                strand.frames.push(Frame::Case(subject.into()));
                strand.advance();
            }
            Step::Compare(words, over) => {
                let patterns = self.expand(world, strand, |by| {
                    words.iter().map(|word| by.pattern(word)).collect::<Result<Vec<_>, _>>()
                });
                let Some(patterns) = patterns else { return };
                match patterns.iter().any(|pattern| strand.compare(pattern)) {
                    true => strand.advance(),
                    false => {
                        strand.captured.clear();
                        strand.place = *over;
                    }
                }
            }
            step => unreachable!("{step:?} is done where all steps are"),
        }
    }

    /// Expands; none if something else must come first, or if it is wrong and the strand ends.
    pub(crate) fn expand<W: World, T>(
        &mut self,
        world: &mut W,
        strand: &mut Strand,
        expansion: impl FnOnce(&mut Expander<'_, W>) -> Result<T, Stop>,
    ) -> Option<T> {
        let captured = std::mem::take(&mut strand.captured);
        let mut expander = Expander {
            world,
            variables: &strand.variables,
            status: strand.status,
            refuses_unset: strand.options.refuses_unset,
            captured: &captured,
            met: 0,
            assigned: Vec::new(),
            cost: 0,
        };
        let expanded = expansion(&mut expander);
        self.cost += expander.cost;
        let assigned = std::mem::take(&mut expander.assigned);
        strand.captured = captured;
        match expanded {
            Ok(expanded) => {
                for (name, value) in assigned {
                    if let Err(why) = strand.variables.set(&name, value) {
                        self.fail(world, 2, why);
                        return None;
                    }
                }
                Some(expanded)
            }
            Err(Stop::Substitution(number)) => {
                self.start_substitution(world, strand, number);
                None
            }
            Err(Stop::Wrong(why)) => {
                let next = self.steps.last();
                self.complain(world, strand, (1, why), next);
                None
            }
        }
    }

    /// What runs, to be read while the machine changes.
    pub(crate) fn steps(&self) -> Rc<Steps> {
        Rc::clone(&self.steps)
    }

    fn child(&mut self, parent: &Strand, place: Place, wiring: Wiring, budget: Budget) -> Strand {
        let id = self.strands_started;
        self.strands_started += 1;
        let mut child = parent.child(id, place, wiring, budget);
        let steps = &self.steps.steps;
        child.is_simple = matches!(steps[place], Step::Run(_)) && steps[place + 1] == Step::End;
        child
    }

    fn start_pipeline<W: World>(&mut self, world: &mut W, strand: &mut Strand, places: &[Place]) {
        let budgets = strand.budget.divide(places.len());
        let mut children: Vec<Strand> = Vec::new();
        for (place, budget) in places.iter().zip(budgets) {
            let wiring = strand.wiring.clone();
            children.push(self.child(strand, *place, wiring, budget));
        }
        for index in 1..children.len() {
            let (before, after) = children.split_at_mut(index);
            let (Some(writer), Some(reader)) = (before.last_mut(), after.first_mut()) else {
                break;
            };
            if let Err(why) = self.plumbing.join(world, writer, reader) {
                self.fail(world, 2, format!("no pipe: {why}"));
                return;
            }
        }
        self.start_strands(world, strand, Waiting::Pipeline, children);
    }

    fn start_substitution<W: World>(&mut self, world: &mut W, strand: &mut Strand, number: usize) {
        let place = self.steps.substitutions[number];
        let wiring =
            Wiring { stdout: Output::Capture(self.strands_started), ..strand.wiring.clone() };
        let budget = strand.budget.take();
        let child = self.child(strand, place, wiring, budget);
        self.captures.insert(child.id, Vec::new());
        self.start_strands(world, strand, Waiting::Substitution, vec![child]);
    }

    fn start_strands<W: World>(
        &mut self,
        world: &mut W,
        parent: &mut Strand,
        waiting: Waiting,
        children: Vec<Strand>,
    ) {
        if self.strands.len() + children.len() > STRANDS_MAX {
            let blame = format!("more than {STRANDS_MAX} parts of a shell at a time");
            return self.fail(world, 2, blame);
        }
        parent.state =
            State::Strands(waiting, children.iter().map(|child| (child.id, None)).collect());
        for child in children {
            self.ready.push_back(child.id);
            self.strands.insert(child.id, child);
        }
    }

    fn on_strand_over<W: World>(&mut self, world: &mut W, strand: Strand) {
        self.plumbing.on_strand_over(world, strand.id);
        let Strand { status, blame, is_used_up, .. } = strand;
        let outcome = Outcome { status, blame, is_used_up };
        let parent = strand.parent.and_then(|parent| self.strands.get_mut(&parent));
        let Some(parent) = parent else {
            self.outcome = Some(outcome);
            return;
        };
        parent.budget.add(strand.budget);
        let State::Strands(waiting, children) = &mut parent.state else { return };
        if let Some((_, ended)) = children.iter_mut().find(|(id, _)| *id == strand.id) {
            *ended = Some(outcome);
        }
        let ended: Option<Vec<Outcome>> = children.iter().map(|(_, ended)| ended.clone()).collect();
        let Some(ended) = ended else { return };
        match waiting {
            Waiting::Pipeline => {
                let last = ended.last().cloned().unwrap_or_default();
                let failed = ended.into_iter().rev().find(|outcome| outcome.status != 0);
                let outcome = match parent.options.pipeline_fails {
                    true => failed.unwrap_or_default(),
                    false => last,
                };
                let last = self.steps.last();
                let next = if outcome.is_used_up { last } else { parent.place + 1 };
                parent.finish(outcome, next);
            }
            Waiting::Substitution if ended.iter().any(|outcome| outcome.is_used_up) => {
                self.captures.remove(&strand.id);
                parent.finish(ended.into_iter().next().unwrap_or_default(), self.steps.last());
            }
            Waiting::Substitution => {
                let bytes = self.captures.remove(&strand.id).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes).replace('\0', "");
                let text = text.trim_end_matches('\n').to_owned();
                let status = ended.first().map_or(0, |outcome| outcome.status);
                parent.captured.push(Captured { text, status });
                parent.state = State::Ready;
                let held: usize = parent.captured.iter().map(|captured| captured.text.len()).sum();
                if held > CAPTURE_BYTES_MAX {
                    let allowed = format!("one command may hold {CAPTURE_BYTES_MAX} bytes of $(…)");
                    return self.fail(world, 2, allowed);
                }
            }
        }
        self.ready.push_back(parent.id);
    }
}
