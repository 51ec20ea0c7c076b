//! The members of etcd as one: asks one after another until one answers. It never asks twice what
//! may do harm twice, and never knows what is asked.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Code, ConnectError, Status};

use crate::error::{Attempt, EtcdError, Kind};
use crate::limits::{CALL_MS, CONNECT_MS, PING_MS};
use crate::place::{Endpoint, Place};

/// How long one endpoint is waited for before the next is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until a call is answered.
    pub call: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let [connect, call] = [CONNECT_MS, CALL_MS].map(Duration::from_millis);
        Self { connect, call }
    }
}

/// An etcd; cheap to clone. It connects when it is first asked something, and anew after a fault.
#[derive(Clone, Debug)]
pub struct Client {
    members: Arc<[Connection]>,
    /// The member that has answered last: it is asked first.
    first: Arc<AtomicUsize>,
    pace: Pace,
}

#[derive(Debug)]
struct Connection {
    endpoint: Endpoint,
    channel: Channel,
}

/// Whether a call may be made twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// It reads, or what it does twice is the same as once.
    Harmless,
    /// It changes something.
    Harmful,
}

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// There was no connection: nothing was sent.
    NotSent,
    /// Something was sent, or may have been.
    Unanswered,
    /// It was answered, and nothing was changed.
    Refused(Kind),
    /// It was answered, at too great a length.
    TooLong,
}

impl Client {
    /// A client of the etcd at `place`. It must be made where a tokio runtime is.
    pub fn new(place: &Place, pace: Pace) -> Self {
        let members = place.endpoints().iter().map(|endpoint| connect(endpoint, pace));
        Self { members: members.collect(), first: Arc::new(AtomicUsize::new(0)), pace }
    }

    /// The members as they were named.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.members.iter().map(|member| &member.endpoint)
    }

    /// Asks one endpoint after another until one answers; answers which one did, too.
    pub(crate) async fn ask<A, F>(
        &self,
        doing: &'static str,
        twice: Twice,
        call: impl Fn(Channel) -> F,
    ) -> Result<(Endpoint, A), EtcdError>
    where
        F: Future<Output = Result<A, Status>>,
    {
        let first = self.first.load(Ordering::Relaxed);
        let mut tried = Vec::new();
        for number in (0..self.members.len()).map(|step| (first + step) % self.members.len()) {
            let (at, fault) = match self.ask_one(number, &call).await {
                Ok(answer) => {
                    self.first.store(number, Ordering::Relaxed);
                    return Ok((self.members[number].endpoint.clone(), answer));
                }
                Err(fault) => fault,
            };
            match (fault, twice) {
                (Fault::NotSent, _) | (Fault::Unanswered, Twice::Harmless) => tried.push(at),
                (Fault::Refused(kind), _) => return Err(EtcdError::Refused { doing, at, kind }),
                (Fault::TooLong, Twice::Harmless) => {
                    return Err(EtcdError::AnswerTooLong { doing, at });
                }
                (Fault::Unanswered | Fault::TooLong, Twice::Harmful) => {
                    // Whoever asks next, such as what became of it, asks another member first.
                    self.first.store((number + 1) % self.members.len(), Ordering::Relaxed);
                    return Err(EtcdError::OutcomeUnknown { doing, at });
                }
            }
        }
        Err(EtcdError::Unreachable { doing, tried })
    }

    /// Asks the member of this number, and no other.
    async fn ask_one<A, F>(
        &self,
        number: usize,
        call: impl Fn(Channel) -> F,
    ) -> Result<A, (Attempt, Fault)>
    where
        F: Future<Output = Result<A, Status>>,
    {
        let Connection { endpoint, channel } = &self.members[number];
        let answer = tokio::time::timeout(self.pace.call, call(channel.clone())).await;
        let (why, fault) = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(status)) => (describe(&status), fault(&status)),
            Err(_) => (format!("no answer within {:?}", self.pace.call), Fault::Unanswered),
        };
        Err((Attempt { endpoint: endpoint.clone(), why }, fault))
    }

    /// Asks every member, each once; answers who has answered, and who has not.
    pub(crate) async fn ask_all<A, F>(
        &self,
        call: impl Fn(Channel) -> F,
    ) -> (Vec<(Endpoint, A)>, Vec<Attempt>)
    where
        F: Future<Output = Result<A, Status>>,
    {
        let (mut answers, mut tried) = (Vec::new(), Vec::new());
        for (number, member) in self.members.iter().enumerate() {
            match self.ask_one(number, &call).await {
                Ok(answer) => answers.push((member.endpoint.clone(), answer)),
                Err((at, _)) => tried.push(at),
            }
        }
        (answers, tried)
    }
}

fn connect(endpoint: &Endpoint, pace: Pace) -> Connection {
    let address = tonic::transport::Endpoint::from_shared(format!("http://{endpoint}"));
    let address = address.expect("what a Place was parsed from is an address");
    let ping = Duration::from_millis(PING_MS);
    let channel = address
        .connect_timeout(pace.connect)
        .http2_keep_alive_interval(ping)
        .keep_alive_timeout(ping)
        .tcp_nodelay(true)
        .connect_lazy();
    Connection { endpoint: endpoint.clone(), channel }
}

/// What a call has failed of, with all that led to it.
fn describe(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    if text.is_empty() { status.code().to_string() } else { text }
}

/// Sorts a status by what it means for the call. Whatever is not known to have changed nothing may
/// have changed something.
fn fault(status: &Status) -> Fault {
    let mut cause = status.source();
    // What etcd itself has answered has no cause on this side of the wire.
    let is_answer = cause.is_none();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return Fault::NotSent;
        }
        cause = error.source();
    }
    match status.code() {
        _ if !is_answer => Fault::Unanswered,
        Code::OutOfRange if status.message().contains("message length too large") => Fault::TooLong,
        Code::OutOfRange => Fault::Refused(Kind::Compacted),
        Code::ResourceExhausted => Fault::Refused(Kind::Full),
        Code::NotFound => Fault::Refused(Kind::LeaseOver),
        Code::PermissionDenied | Code::Unauthenticated => Fault::Refused(Kind::NotAllowed),
        Code::InvalidArgument
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Unimplemented => Fault::Refused(Kind::Other),
        _ => Fault::Unanswered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certainly_changed_nothing_is_a_refusal() {
        let cases = [
            (Code::Unavailable, "etcdserver: request timed out", Fault::Unanswered),
            (Code::Unavailable, "etcdserver: leader changed", Fault::Unanswered),
            (Code::Unknown, "raft proposal dropped", Fault::Unanswered),
            (Code::Internal, "", Fault::Unanswered),
            (Code::Cancelled, "", Fault::Unanswered),
            (Code::DeadlineExceeded, "", Fault::Unanswered),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                Fault::Refused(Kind::Full),
            ),
            (
                Code::NotFound,
                "etcdserver: requested lease not found",
                Fault::Refused(Kind::LeaseOver),
            ),
            (
                Code::OutOfRange,
                "etcdserver: mvcc: required revision has been compacted",
                Fault::Refused(Kind::Compacted),
            ),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 9 bytes",
                Fault::TooLong,
            ),
            (Code::PermissionDenied, "", Fault::Refused(Kind::NotAllowed)),
            (
                Code::InvalidArgument,
                "etcdserver: too many operations in txn request",
                Fault::Refused(Kind::Other),
            ),
        ];
        for (code, message, expected) in cases {
            assert_eq!(fault(&Status::new(code, message)), expected, "{code:?} {message}");
        }
    }

    #[test]
    fn broken_connection_is_no_refusal_and_a_failed_one_sent_nothing() {
        let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let status = |cause: Box<dyn Error + Send + Sync>| {
            let mut status = Status::resource_exhausted("calm down");
            status.set_source(cause.into());
            status
        };
        assert_eq!(fault(&status(Box::new(refused()))), Fault::Unanswered);
        let not_sent = status(Box::new(ConnectError(Box::new(refused()))));
        assert_eq!(fault(&not_sent), Fault::NotSent);
        assert!(describe(&not_sent).contains("refused"), "{}", describe(&not_sent));
    }
}
