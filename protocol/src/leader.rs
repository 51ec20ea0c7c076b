//! Finding the master that leads, and a channel to it. Whom to try is decided by [`Search`].

use std::time::Duration;

use tonic::Code;
use tonic::transport::Channel;

use crate::limits::{LEADER_SECONDS, ROUND_WAIT_MS_MAX, ROUND_WAIT_MS_MIN};
use crate::link::{ConnectError, connect};
use crate::pb;
use crate::pb::operator_client::OperatorClient;
use crate::redirect::refused;
use crate::search::{NoLeader, Refused, Search};

/// Connects to the master that leads. While masters answer and none leads, it tries again, after
/// twice the time at each round and never at quite the same, for as long as `patience` lasts.
///
/// # Errors
/// [`NoLeader`] with what each master said last: after `patience`, or at once if none answers.
pub async fn find(search: &mut Search, patience: Duration) -> Result<Channel, NoLeader> {
    let mut last = None;
    let found = tokio::time::timeout(patience, async {
        let mut wait_ms = ROUND_WAIT_MS_MIN;
        loop {
            match round(search).await {
                Err(nobody) if nobody.may_pass() => last = Some(nobody),
                done => return done,
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(wait_ms / 2..=wait_ms))).await;
            wait_ms = (2 * wait_ms).min(ROUND_WAIT_MS_MAX);
        }
    });
    match found.await {
        Ok(done) => done,
        // A round that was under way when the time was over knows less than the one before.
        Err(_) => {
            let now = search.end_round();
            Err(last.unwrap_or(now))
        }
    }
}

/// Tries each master once.
async fn round(search: &mut Search) -> Result<Channel, NoLeader> {
    while let Some(address) = search.next().map(str::to_owned) {
        match ask(&address).await {
            Ok(channel) => {
                search.on_found(&address);
                return Ok(channel);
            }
            Err(why) => search.on_refused(&address, why),
        }
    }
    Err(search.end_round())
}

/// A channel to the master at `address`, if it leads.
///
/// # Errors
/// What it says instead, or why it does not answer.
pub async fn ask(address: &str) -> Result<Channel, Refused> {
    let channel = connect(address).await.map_err(unreachable)?;
    let mut operator = OperatorClient::new(channel.clone());
    let limit = Duration::from_secs(LEADER_SECONDS);
    match tokio::time::timeout(limit, operator.leader(pb::LeaderRequest {})).await {
        Ok(Ok(_)) => Ok(channel),
        // A master of a version without elections leads.
        Ok(Err(status)) if status.code() == Code::Unimplemented => Ok(channel),
        Ok(Err(status)) => Err(refused(&status)),
        Err(_) => Err(Refused::Unreachable(format!("no answer within {LEADER_SECONDS} s"))),
    }
}

/// What an attempt has come to that did not even connect.
pub(crate) fn unreachable(error: ConnectError) -> Refused {
    match error {
        ConnectError::Unreachable { why, .. } => Refused::Unreachable(why),
        illegal @ ConnectError::Address(_) => Refused::Refuses(illegal.to_string()),
    }
}
