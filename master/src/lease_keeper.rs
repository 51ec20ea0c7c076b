//! Asks etcd what the election of the masters wants asked, and tells it what is heard of the
//! leader's key. It never decides anything, and never asks twice: the election does.

use std::time::Duration;

use stoa_etcd::{
    Client, Compare, EtcdError, Kind, Notice, Operation, Outcome, Page, Range, Transaction,
};
use stoa_master_core::election::{Action, Ask, Input, Key, LeaseId};
use stoa_model::epoch::Epoch;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::etcd_store::{Keys, leader};
use crate::limits::{LEADER_LOOK_MS, LEADER_WATCH_PAUSE_MS, QUESTIONS_WAITING_MAX};

/// One master's questions to etcd, and its watch of the leader's key. All of them end with this
/// value; a lease that was not revoked then ends by itself.
#[derive(Debug)]
pub struct LeaseKeeper {
    desk: Desk,
    inputs: mpsc::Sender<Input>,
    questions: JoinSet<()>,
    _watch: JoinSet<()>,
}

/// What a question is asked with.
#[derive(Clone, Debug)]
struct Desk {
    client: Client,
    keys: Keys,
    /// Where this master serves.
    address: String,
}

impl LeaseKeeper {
    /// Begins to watch the leader's key; each time it may have changed, `inputs` gets a
    /// [`Input::Key`]. It must be made where a tokio runtime is.
    ///
    /// `address` is where the others send those who come to them while this master leads.
    pub fn start(client: Client, keys: Keys, address: String, inputs: mpsc::Sender<Input>) -> Self {
        let desk = Desk { client, keys, address };
        let mut watch = JoinSet::new();
        watch.spawn(watch_key(desk.clone(), inputs.clone()));
        Self { desk, inputs, questions: JoinSet::new(), _watch: watch }
    }

    /// Asks etcd, if the action is a question to it; its answer comes as an input, once or never.
    /// Answers with the action if it is another, which is the caller's to do.
    #[must_use = "an action that is no question is the caller's to do"]
    pub fn ask(&mut self, action: Action) -> Option<Action> {
        while self.questions.try_join_next().is_some() {}
        let is_full = self.questions.len() >= QUESTIONS_WAITING_MAX;
        let question = match action {
            Action::Grant { ask, lease_ms } => Question::Grant(ask, lease_ms),
            Action::Campaign { ask, lease } => Question::Campaign(ask, lease),
            Action::KeepAlive { ask, lease } => Question::KeepAlive(ask, lease),
            Action::Revoke { ask, lease } => Question::Revoke(ask, lease),
            action => return Some(action),
        };
        if is_full {
            tracing::warn!(?question, "etcd is not asked: too many questions wait for it");
            return None;
        }
        let (desk, inputs) = (self.desk.clone(), self.inputs.clone());
        self.questions.spawn(async move {
            let input = desk.answer(question).await;
            // Whoever has asked may be gone.
            let _ = inputs.send(input).await;
        });
        None
    }
}

/// Those actions of an election that ask etcd something.
#[derive(Clone, Copy, Debug)]
enum Question {
    Grant(Ask, u64),
    Campaign(Ask, LeaseId),
    KeepAlive(Ask, LeaseId),
    Revoke(Ask, LeaseId),
}

impl Desk {
    async fn answer(&self, question: Question) -> Input {
        let (ask, answer) = match question {
            Question::Grant(ask, lease_ms) => (ask, self.grant(ask, lease_ms).await),
            Question::Campaign(ask, lease) => (ask, self.campaign(ask, lease).await),
            Question::KeepAlive(ask, lease) => (ask, self.keep_alive(ask, lease).await),
            Question::Revoke(ask, lease) => (ask, self.revoke(ask, lease).await),
        };
        answer.unwrap_or_else(|error| {
            tracing::warn!(%error, ?question, "etcd has not answered the election");
            Input::Failed(ask)
        })
    }

    async fn grant(&self, ask: Ask, lease_ms: u64) -> Result<Input, EtcdError> {
        let (lease, lease_ms) = self.client.grant(lease_ms).await?;
        Ok(Input::Granted { ask, lease: LeaseId(lease.0), lease_ms })
    }

    async fn keep_alive(&self, ask: Ask, lease: LeaseId) -> Result<Input, EtcdError> {
        let left = self.client.keep_alive(stoa_etcd::LeaseId(lease.0)).await?;
        Ok(match left {
            Some(lease_ms) => Input::KeptAlive { ask, lease_ms },
            None => Input::LeaseOver(ask),
        })
    }

    async fn revoke(&self, ask: Ask, lease: LeaseId) -> Result<Input, EtcdError> {
        self.client.revoke(stoa_etcd::LeaseId(lease.0)).await?;
        Ok(Input::Revoked(ask))
    }

    async fn campaign(&self, ask: Ask, lease: LeaseId) -> Result<Input, EtcdError> {
        let own = stoa_etcd::LeaseId(lease.0);
        let key = self.keys.leader();
        let value = self.address.clone().into_bytes();
        let transaction = Transaction {
            compare: vec![Compare::Created { key: key.clone(), at: 0 }],
            then: vec![Operation::Put { key: key.clone(), value, lease: Some(own) }],
            otherwise: vec![Operation::Range(Range::key(key.as_str()))],
        };
        match self.client.transact(&transaction).await {
            Ok(Outcome { held: true, revision, .. }) => {
                Ok(Input::Won { ask, epoch: Epoch(revision) })
            }
            Ok(Outcome { revision, pages, .. }) => {
                let page = pages.into_iter().next().unwrap_or_default();
                Ok(Input::Lost { ask, key: key_of(revision, &page) })
            }
            Err(EtcdError::Refused { kind: Kind::LeaseOver, .. }) => {
                Ok(Input::Lost { ask, key: self.read().await? })
            }
            // Whoever asks may see that the key is there after all, and whose it is.
            Err(error @ EtcdError::OutcomeUnknown { .. }) => {
                let (revision, page) = self.client.range(&Range::key(key)).await?;
                match page.entries.first() {
                    Some(entry) if entry.lease == Some(own) => {
                        Ok(Input::Won { ask, epoch: Epoch(entry.create_revision) })
                    }
                    Some(_) => Ok(Input::Lost { ask, key: key_of(revision, &page) }),
                    // It may yet be made.
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn read(&self) -> Result<Key, EtcdError> {
        let (revision, page) = self.client.range(&Range::key(self.keys.leader())).await?;
        Ok(key_of(revision, &page))
    }
}

fn key_of(revision: u64, page: &Page) -> Key {
    Key { revision, leader: leader(page) }
}

/// Tells what the leader's key is: at once, when it changes, and from time to time; for as long as
/// somebody listens.
async fn watch_key(desk: Desk, inputs: mpsc::Sender<Input>) {
    loop {
        let watched = watch_once(&desk, &inputs).await;
        if inputs.is_closed() {
            return;
        }
        if let Err(error) = watched {
            tracing::warn!(%error, "the leader's key is not watched");
            tokio::time::sleep(Duration::from_millis(LEADER_WATCH_PAUSE_MS)).await;
        }
    }
}

/// Reads the key, tells of it, and watches it from there on: nothing lies between the two. What the
/// watch says is that it is to be read anew, which is right whatever was lost or came twice.
async fn watch_once(desk: &Desk, inputs: &mpsc::Sender<Input>) -> Result<(), EtcdError> {
    let mut watch = None;
    loop {
        let key = desk.read().await?;
        let next = key.revision.saturating_add(1);
        if inputs.send(Input::Key(key)).await.is_err() {
            return Ok(());
        }
        let watch = match &mut watch {
            Some(watch) => watch,
            None => watch.insert(desk.client.watch(&desk.keys.leader(), next).await?),
        };
        match watch.next(Duration::from_millis(LEADER_LOOK_MS)).await? {
            Notice::Changed | Notice::Quiet => {}
        }
    }
}
