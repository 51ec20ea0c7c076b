//! One instance of the function: what it was given, what it still has to be given, what it
//! answers, and when it may start again. It never speaks to Stoa.

use std::collections::VecDeque;
use std::rc::Rc;

use stoa_executor::{Limits, Reason};

use crate::framing::{Answers, Framing};
use crate::limits::{
    DEATHS_MAX, GIVEN_UP_MS, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX, OUTPUT_PART, RESTART_MS,
    WRITE_AGAIN_MS, WRITE_BYTES_MAX,
};

/// What is wrong with output that no call is there for.
pub(crate) const UNASKED: &str = "output without a call";

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It runs as this subtask.
    Running(u64),
    /// This subtask was killed and has not ended yet.
    Ending(u64),
    /// It may start again at this time.
    Resting(u64),
}

/// A call that an instance has been given.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its number among all calls; those of one instance come in order.
    pub(crate) number: u64,
    /// Whose it is; none if it was killed, and its answer is to be dropped.
    pub(crate) task: Option<Rc<str>>,
    /// Bytes of its input.
    pub(crate) bytes: usize,
}

/// Why an instance did not go on.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    /// For people.
    pub(crate) text: String,
    /// What Stoa said of it, if it said something.
    pub(crate) because: Option<Reason>,
}

/// One instance of the function.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) stage: Stage,
    /// The last end without an answer.
    pub(crate) death: Option<Death>,
    /// Those it has not answered, in the order it was given them.
    pub(crate) calls: VecDeque<Call>,
    pub(crate) answers: Answers,
    /// Calls it has answered since it started.
    pub(crate) answered: u64,
    /// Times it has started.
    pub(crate) starts: u64,
    /// Bytes it has written since it started.
    output_bytes: u64,
    /// Bytes it may write before it is replaced.
    output_bytes_max: u64,
    framing: Framing,
    calls_bytes: usize,
    /// Inputs that its stdin has not taken yet, from `written` on.
    input: Vec<u8>,
    written: usize,
    /// When its stdin is to be tried again, and how long it was waited for that.
    again: Option<(u64, u64)>,
    /// Since when it has been busy with the first of `calls`.
    busy_since_ms: u64,
    /// Ends in a row without an answer.
    deaths: u32,
}

impl Instance {
    /// One that may start at once.
    pub(crate) fn new(framing: Framing, walls: &Limits) -> Self {
        Self {
            stage: Stage::Resting(0),
            death: None,
            calls: VecDeque::new(),
            answers: Answers::new(framing),
            answered: 0,
            starts: 0,
            output_bytes: 0,
            output_bytes_max: walls.output_bytes / OUTPUT_PART,
            framing,
            calls_bytes: 0,
            input: Vec::new(),
            written: 0,
            again: None,
            busy_since_ms: 0,
            deaths: 0,
        }
    }

    pub(crate) fn on_started(&mut self, subtask: u64) {
        self.stage = Stage::Running(subtask);
        self.starts += 1;
        (self.answered, self.output_bytes) = (0, 0);
    }

    /// Whether it is the subtask of this number, in whichever stage.
    pub(crate) fn is_subtask(&self, number: u64) -> bool {
        matches!(self.stage, Stage::Running(n) | Stage::Ending(n) if n == number)
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running(_))
    }

    /// Whether it has ended so often without an answer that only a call starts it again.
    pub(crate) fn is_given_up(&self) -> bool {
        self.deaths >= DEATHS_MAX
    }

    /// Whether it would take a call of so many bytes now.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let fits = self.calls_bytes.saturating_add(bytes) <= IN_FLIGHT_BYTES_MAX;
        self.is_running()
            && !self.is_worn()
            && (self.calls.is_empty() || (fits && self.calls.len() < IN_FLIGHT_MAX))
    }

    /// Gives it a call.
    pub(crate) fn push(&mut self, now_ms: u64, number: u64, task: Rc<str>, input: &[u8]) {
        if self.calls.is_empty() {
            self.busy_since_ms = now_ms;
        }
        self.framing.write(number, input, &mut self.input);
        self.calls_bytes += input.len();
        self.calls.push_back(Call { number, task: Some(task), bytes: input.len() });
    }

    /// What its stdin is to be offered now; empty if there is nothing or it is not yet time.
    pub(crate) fn unwritten(&self, now_ms: u64) -> &[u8] {
        if !self.is_running() || self.again.is_some_and(|(at_ms, _)| now_ms < at_ms) {
            return &[];
        }
        let rest = &self.input[self.written..];
        &rest[..rest.len().min(WRITE_BYTES_MAX)]
    }

    /// It has written, so it may have read too.
    pub(crate) fn on_output(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.output_bytes = self.output_bytes.saturating_add(bytes);
        self.again = None;
    }

    /// Whether it has written so much that it gets no further calls: it would run into its wall and
    /// fail them.
    fn is_worn(&self) -> bool {
        self.output_bytes >= self.output_bytes_max
    }

    /// Whether it is to be replaced now.
    pub(crate) fn is_worn_out(&self) -> bool {
        self.is_running() && self.is_worn() && self.calls.is_empty()
    }

    /// Its stdin has taken so many bytes of what it was offered.
    pub(crate) fn on_written(&mut self, now_ms: u64, taken: usize) {
        let (first_ms, longest_ms) = WRITE_AGAIN_MS;
        self.written += taken;
        if self.written >= self.input.len() {
            self.input.clear();
            // One large input must not hold memory for ever.
            self.input.shrink_to(IN_FLIGHT_BYTES_MAX);
            (self.written, self.again) = (0, None);
            return;
        }
        if self.written > WRITE_BYTES_MAX {
            self.input.drain(..self.written);
            self.written = 0;
        }
        let waited_ms = match self.again {
            Some((_, waited_ms)) if taken == 0 => (2 * waited_ms).min(longest_ms),
            _ => first_ms,
        };
        self.again = Some((now_ms.saturating_add(waited_ms), waited_ms));
    }

    /// The call that its next answer is for; `number` is the one that it says, if it says one.
    ///
    /// # Errors
    /// Why no call is there for it.
    pub(crate) fn on_answer(&mut self, now_ms: u64, number: Option<u64>) -> Result<Call, String> {
        let call = self.calls.pop_front().ok_or(UNASKED)?;
        if let Some(number) = number.filter(|number| *number != call.number) {
            let next = call.number;
            self.calls.push_front(call);
            return Err(format!("an answer to the input {number}, but {next} is next"));
        }
        self.calls_bytes -= call.bytes;
        self.busy_since_ms = now_ms;
        self.answered += 1;
        self.deaths = 0;
        Ok(call)
    }

    /// It is over or about to be: the calls that it will not answer.
    pub(crate) fn take_calls(&mut self) -> VecDeque<Call> {
        self.answers = Answers::new(self.framing);
        self.calls_bytes = 0;
        (self.input, self.written, self.again) = (Vec::new(), 0, None);
        std::mem::take(&mut self.calls)
    }

    /// It has ended, or could not start, and nobody meant it to. It counts against the instance if
    /// it has answered nothing since its start. Whether the next start would end like this one is
    /// in `is_final`.
    pub(crate) fn on_death(&mut self, death: Death, is_final: bool) {
        if self.answered == 0 {
            self.deaths = if is_final { DEATHS_MAX } else { self.deaths.saturating_add(1) };
        }
        self.death = Some(death);
    }

    /// From now on it rests until it may start again.
    pub(crate) fn rest(&mut self, now_ms: u64) {
        let rest_ms = match self.deaths {
            0 => 0,
            deaths if deaths >= DEATHS_MAX => GIVEN_UP_MS,
            deaths => RESTART_MS << (deaths - 1),
        };
        self.stage = Stage::Resting(now_ms.saturating_add(rest_ms));
    }

    /// When the call it is busy with has taken too long.
    pub(crate) fn overtime_ms(&self, call_ms: u64) -> Option<u64> {
        let is_busy = self.is_running() && !self.calls.is_empty();
        is_busy.then(|| self.busy_since_ms.saturating_add(call_ms))
    }

    /// When it needs a tick next.
    pub(crate) fn due_ms(&self, call_ms: u64) -> Option<u64> {
        match self.stage {
            Stage::Running(_) => {
                let again = self.again.map(|(at_ms, _)| at_ms);
                again.into_iter().chain(self.overtime_ms(call_ms)).min()
            }
            Stage::Ending(_) => None,
            Stage::Resting(until_ms) => Some(until_ms).filter(|_| !self.is_given_up()),
        }
    }
}
