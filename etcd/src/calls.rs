//! What is asked of the keys of etcd, and of its members. It never interprets a value.

use prost::Message;

use crate::answer;
use crate::client::{Client, Twice};
use crate::error::{Attempt, EtcdError};
use crate::limits::{ANSWER_BYTES_MAX, CALL_BYTES_MAX, OPERATIONS_PER_TXN_MAX};
use crate::pb;
use crate::pb::kv_client::KvClient;
use crate::pb::maintenance_client::MaintenanceClient;
use crate::place::Endpoint;
use crate::transaction::{Outcome, Page, Range, Transaction};
use crate::version::{Member, Warning, judge_members};

impl Client {
    /// Asks all members who they are, and judges what they say.
    ///
    /// # Errors
    /// [`EtcdError`] if none answers, or one that does is not to be relied on.
    pub async fn check(&self) -> Result<(Vec<Member>, Vec<Warning>), EtcdError> {
        let doing = "ask for the version";
        let status = |channel| async move {
            let answer = MaintenanceClient::new(channel).status(pb::StatusRequest {}).await?;
            Ok(answer.into_inner())
        };
        let (answers, tried) = self.ask_all(status).await;
        if answers.is_empty() {
            return Err(EtcdError::Unreachable { doing, tried });
        }
        let mut members = Vec::new();
        for (endpoint, status) in answers {
            let header = status.header.ok_or("no header".to_owned());
            let cluster_id = understood(doing, &endpoint, header)?.cluster_id;
            members.push(Member { endpoint, version: status.version, cluster_id });
        }
        let mut warnings = judge_members(&members)?;
        warnings.extend(tried.iter().map(|attempt| Warning::Away(attempt.to_string())));
        Ok((members, warnings))
    }

    /// Reads a page of a range; answers the revision of the store then, too.
    ///
    /// # Errors
    /// [`EtcdError`] if it cannot be had.
    pub async fn range(&self, range: &Range) -> Result<(u64, Page), EtcdError> {
        let doing = "read keys";
        let request = range.to_proto();
        let call = |channel| {
            let request = request.clone();
            async move { Ok(kv(channel).range(request).await?.into_inner()) }
        };
        let (endpoint, answer) = self.ask(doing, Twice::Harmless, call).await?;
        understood(doing, &endpoint, answer::page(answer))
    }

    /// Makes a transaction, once at most.
    ///
    /// # Errors
    /// [`EtcdError::OutcomeUnknown`] if it may have been made, or may yet be; any other if it was
    /// not and never will be.
    pub async fn transact(&self, transaction: &Transaction) -> Result<Outcome, EtcdError> {
        let (doing, twice) = if transaction.only_reads() {
            ("read keys", Twice::Harmless)
        } else {
            ("change keys", Twice::Harmful)
        };
        let request = transaction.to_proto();
        let lists = [request.compare.len(), request.success.len(), request.failure.len()];
        let operations = lists.into_iter().max().unwrap_or(0);
        let too_much = |got, unit, max| Err(EtcdError::TooMuch { doing, got, unit, max });
        if operations > OPERATIONS_PER_TXN_MAX {
            return too_much(operations, "operations", OPERATIONS_PER_TXN_MAX);
        }
        if request.encoded_len() > CALL_BYTES_MAX {
            return too_much(request.encoded_len(), "bytes", CALL_BYTES_MAX);
        }
        let call = |channel| {
            let request = request.clone();
            async move { Ok(kv(channel).txn(request).await?.into_inner()) }
        };
        let (endpoint, answer) = self.ask(doing, twice, call).await?;
        understood(doing, &endpoint, answer::outcome(answer))
    }
}

fn kv(channel: tonic::transport::Channel) -> KvClient<tonic::transport::Channel> {
    KvClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
}

/// An answer that was understood, or else the error that says where it came from.
pub(crate) fn understood<A>(
    doing: &'static str,
    endpoint: &Endpoint,
    answer: Result<A, String>,
) -> Result<A, EtcdError> {
    let at = |why| Attempt { endpoint: endpoint.clone(), why };
    answer.map_err(|why| EtcdError::Nonsense { doing, at: at(why) })
}
