//! Word that a key has changed: a hint and no more, since etcd may lose one or send it twice. It
//! never says what the key is now; whoever hears of a change reads it.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::metadata::MetadataValue;
use tonic::{Request, Status, Streaming};

use crate::client::{Client, Twice};
use crate::error::{Attempt, EtcdError};
use crate::pb;
use crate::pb::watch_client::WatchClient;
use crate::place::Endpoint;
use pb::watch_request::RequestUnion;

/// An open watch of one key.
#[derive(Debug)]
pub struct Watch {
    endpoint: Endpoint,
    answers: Streaming<pb::WatchResponse>,
}

/// What a watch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The key has changed, or may have.
    Changed,
    /// Nothing was heard of for as long as was waited.
    Quiet,
}

impl Client {
    /// Watches a key for changes at `revision` and later.
    ///
    /// # Errors
    /// [`EtcdError`] if no member takes the watch.
    pub async fn watch(&self, key: &str, revision: u64) -> Result<Watch, EtcdError> {
        let create = pb::WatchCreateRequest {
            key: key.to_owned().into_bytes(),
            start_revision: crate::transaction::to_i64(revision),
        };
        let first = pb::WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
        let call = |channel| {
            let first = first.clone();
            async move {
                // The watch lasts as long as the stream of requests does.
                let requests = tokio_stream::once(first).chain(tokio_stream::pending());
                let mut request = Request::new(requests);
                // A member without a leader ends the watch; otherwise it would be silent for ever.
                request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
                let answers = WatchClient::new(channel).watch(request).await?;
                let mut answers = answers.into_inner();
                match answers.message().await? {
                    Some(answer) if answer.created && !answer.canceled => Ok(answers),
                    Some(answer) => Err(Status::unavailable(answer.cancel_reason)),
                    None => Err(Status::unavailable("the stream has ended without an answer")),
                }
            }
        };
        let (endpoint, answers) = self.ask("watch a key", Twice::Harmless, call).await?;
        Ok(Watch { endpoint, answers })
    }
}

impl Watch {
    /// Waits for the next word, no longer than `limit`.
    ///
    /// # Errors
    /// [`EtcdError`] if the watch is over; then nobody knows what has changed meanwhile.
    pub async fn next(&mut self, limit: Duration) -> Result<Notice, EtcdError> {
        loop {
            let answer = match tokio::time::timeout(limit, self.answers.message()).await {
                Err(_) => return Ok(Notice::Quiet),
                Ok(answer) => answer,
            };
            match answer {
                Ok(Some(answer)) if answer.canceled => {
                    let compacted = format!("compacted at {}", answer.compact_revision);
                    let reason = Some(answer.cancel_reason).filter(|reason| !reason.is_empty());
                    return Err(self.over(reason.unwrap_or(compacted)));
                }
                Ok(Some(answer)) if !answer.events.is_empty() => return Ok(Notice::Changed),
                Ok(Some(_)) => {}
                Ok(None) => return Err(self.over("the stream has ended".to_owned())),
                Err(status) => return Err(self.over(status.message().to_owned())),
            }
        }
    }

    fn over(&self, why: String) -> EtcdError {
        let at = Attempt { endpoint: self.endpoint.clone(), why };
        EtcdError::Unreachable { doing: "watch a key", tried: vec![at] }
    }
}
