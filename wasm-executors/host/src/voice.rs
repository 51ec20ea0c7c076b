//! What goes from an executor and its tasks to the agent, until nobody wants to hear it. It never
//! decides what is said.

use std::sync::{Arc, Mutex, PoisonError};

use stoa_model::host::Event;
use tokio::sync::mpsc;

/// The way of one executor's events to the agent.
#[derive(Clone)]
pub(crate) struct Voice {
    events: mpsc::Sender<Event>,
    is_silent: Arc<Mutex<bool>>,
}

impl Voice {
    pub(crate) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, is_silent: Arc::default() }
    }

    /// Says it when the agent has room for it, unless the voice is silent by then.
    pub(crate) async fn say(&self, event: Event) {
        // Nobody listens only when the host ends.
        let Ok(room) = self.events.reserve().await else { return };
        // Under the lock: what is said after `silence` has returned is not sent.
        let is_silent = self.is_silent.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_silent {
            room.send(event);
        }
    }

    /// From here on nothing is sent any more.
    pub(crate) fn silence(&self) {
        *self.is_silent.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    pub(crate) fn is_silent(&self) -> bool {
        *self.is_silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_model::ids::{ExecutorId, FrameworkId};

    #[tokio::test]
    async fn what_waits_for_room_is_not_sent_when_the_voice_falls_silent() {
        let (events, mut heard) = mpsc::channel(1);
        let voice = Voice::new(events);
        let event = Event::ExecutorEnded {
            framework: FrameworkId::new("f").unwrap(),
            executor: ExecutorId::new("e").unwrap(),
            message: String::new(),
        };
        voice.say(event.clone()).await;
        let mut waiting = std::pin::pin!(voice.say(event.clone()));
        let now = tokio::time::timeout(std::time::Duration::ZERO, &mut waiting).await;
        assert!(now.is_err(), "there is no room");
        voice.silence();
        assert_eq!(heard.recv().await, Some(event));
        waiting.await;
        assert!(heard.try_recv().is_err());
    }
}
