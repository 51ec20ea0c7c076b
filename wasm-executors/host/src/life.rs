//! The life of one executor from outside: what ends it, and what is said when it is over. It never
//! calls the executor.

use std::sync::Arc;

use stoa_model::host::Event;
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

use crate::birth::Birth;
use crate::dispatcher;
use crate::end::{End, cut_text};
use crate::executor::{Actor, Input};
use crate::slices::{Cause, Cut, Leash, sliced};
use crate::tasks::change;

/// Why an executor is over.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It did what an executor must not do.
    Lost(String),
    /// It failed when it asked for more memory than it was granted.
    OutOfMemory(String),
    /// It could not even start.
    NotStarted(End),
    /// As asked.
    ShutDown,
    /// As it asked itself.
    Stopped,
    /// It had nothing to do for so many milliseconds.
    Idle(u64),
    /// Nobody wants to hear of it any more.
    Abandoned,
}

impl Ending {
    /// What becomes of the tasks that are not over.
    pub(crate) fn verdict(&self) -> (TaskState, End) {
        let end = match self {
            Self::NotStarted(end) => End { message: self.message(), ..end.clone() },
            Self::ShutDown => {
                let end = End::new(Reason::KillRequested, "its executor was shut down");
                return (TaskState::Killed, end);
            }
            Self::OutOfMemory(_) => End::new(Reason::MemoryExceeded, self.message()),
            ending => End::new(Reason::ExecutorLost, ending.message()),
        };
        (TaskState::Failed, end)
    }

    fn message(&self) -> String {
        let message = match self {
            Self::Lost(why) | Self::OutOfMemory(why) => format!("its executor is lost: {why}"),
            Self::NotStarted(end) => end.message.clone(),
            Self::ShutDown => "shut down as asked".to_owned(),
            Self::Stopped => "its executor has stopped itself".to_owned(),
            Self::Idle(ms) => format!("shut down as it was idle for {ms} ms"),
            Self::Abandoned => String::new(),
        };
        cut_text(message)
    }
}

/// Lives the life of one executor. `leash` ends it from outside: abandoned, it vanishes without a
/// word; for any other cause it is lost.
pub(crate) async fn live(mut birth: Birth, leash: Arc<Leash>) {
    loop {
        let (actor, mut ending) = live_once(&mut birth, &leash).await;
        if matches!(ending, Ending::Abandoned) {
            return;
        }
        let (framework, executor) = (&birth.framework, &birth.executor);
        tracing::info!(%framework, %executor, ?ending, "executor ends");
        let why = match &mut ending {
            Ending::Lost(why) | Ending::OutOfMemory(why) => Some(why),
            _ => None,
        };
        if let (Some(why), Some(words)) = (why, birth.speech.last_words()) {
            why.push_str("; it said last: ");
            why.push_str(&words);
        }
        if let Some(mut actor) = actor {
            actor.end(&birth, &ending).await;
        }
        match ending {
            Ending::Idle(_) if birth.is_wanted_again(&ending).await => {}
            Ending::Idle(_) => return,
            _ => return birth.end(&ending).await,
        }
    }
}

async fn live_once(birth: &mut Birth, leash: &Arc<Leash>) -> (Option<Actor>, Ending) {
    let born = match sliced(leash, Actor::start(birth)).await {
        Ok(born) => born,
        Err(cut) => Err(ending_of(cut)),
    };
    match born {
        Ok(mut actor) => {
            let ending = match sliced(leash, actor.run(birth)).await {
                Ok(ending) => ending,
                Err(cut) => ending_of(cut),
            };
            (Some(actor), ending)
        }
        Err(ending) => (None, ending),
    }
}

pub(crate) fn ending_of(cut: Cut) -> Ending {
    match cut {
        Cut::Stopped(Cause::Abandoned) => Ending::Abandoned,
        Cut::Stopped(_) => Ending::Lost("it does not keep up with its events".to_owned()),
        Cut::Panicked(text) => {
            tracing::error!(text, "the host panicked in an executor");
            Ending::Lost(format!("the host failed in it: {text}"))
        }
    }
}

impl Birth {
    /// Answers those who came too late, and says that it is over.
    async fn end(&mut self, ending: &Ending) {
        self.inbox.close();
        let (state, end) = ending.verdict();
        while let Some(input) = self.inbox.recv().await {
            if let Input::Launch(task) = input {
                let change = change(&self.framework, &task, state, end.clone());
                self.say(Event::Update(change)).await;
            }
        }
        if self.info.is_some() {
            let (framework, executor) = (self.framework.clone(), self.executor.clone());
            let message = ending.message();
            self.say(Event::ExecutorEnded { framework, executor, message }).await;
        }
    }

    /// After an end by idleness: whether a task has come meanwhile, for which it begins anew, as
    /// if it had never ended. Else the dispatcher says that it is over, before it starts another.
    async fn is_wanted_again(&mut self, ending: &Ending) -> bool {
        loop {
            if self.inbox.keep_launches() {
                return true;
            }
            self.offer_to_go(Some(ending.message())).await;
            match self.inbox.fresh().await {
                Some(input) => self.inbox.hold(input),
                None => return false,
            }
        }
    }

    /// Asks the dispatcher to let go, which it does unless it has sent something meanwhile.
    pub(crate) async fn offer_to_go(&self, message: Option<String>) {
        let note = dispatcher::Note::Idle {
            framework: self.framework.clone(),
            executor: self.executor.clone(),
            number: self.number,
            inputs_taken: self.inbox.taken(),
            message,
        };
        // There is no dispatcher only when the host ends.
        let _ = self.to_dispatcher.send(note).await;
    }
}
