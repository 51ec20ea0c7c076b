//! gRPC errors that people and programs can act on: the field, what was got, what is allowed, and
//! a hint. It never decides whether a request is refused.

use prost::Message;
use stoa_model::agent::AgentDuty;
use stoa_model::operator::{AgentOrder, Refusal};
use tonic::{Code, Status};

use crate::limits::ERROR_TEXT_BYTES_MAX;
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::cut;

/// The type of the detail, by the rules of google.protobuf.Any.
const DETAIL_TYPE: &str = "type.googleapis.com/stoa.v1.ErrorDetail";

/// An error that travels as a gRPC status with a detail. Texts that nobody knows are empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RichError {
    /// Which kind of error it is to gRPC.
    pub code: Code,
    /// Which it is to programs, in capitals and never reworded, such as `TASK_UNKNOWN`.
    pub reason: String,
    /// One line for people.
    pub message: String,
    /// The field at fault, such as `task.framework`.
    pub field: String,
    /// What was got there.
    pub got: String,
    /// What is allowed there.
    pub allowed: String,
    /// For people: what to do.
    pub hint: String,
}

impl RichError {
    /// An error without a field and a hint.
    pub fn new(code: Code, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            message: message.into(),
            field: String::new(),
            got: String::new(),
            allowed: String::new(),
            hint: String::new(),
        }
    }

    /// This error with something to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// What a server answers; texts that are too long for a trailer are cut.
    pub fn to_status(&self) -> Status {
        let text = |text: &str| cut(text, ERROR_TEXT_BYTES_MAX);
        let message = text(&self.message);
        let detail = pb::ErrorDetail {
            reason: text(&self.reason),
            field: text(&self.field),
            got: text(&self.got),
            allowed: text(&self.allowed),
            hint: text(&self.hint),
        };
        let details = pb::StatusDetails {
            code: self.code.into(),
            message: message.clone(),
            details: vec![pb::TypedDetail {
                type_url: DETAIL_TYPE.to_owned(),
                value: detail.encode_to_vec(),
            }],
        };
        Status::with_details(self.code, message, details.encode_to_vec().into())
    }

    /// What a client was answered. A status without our detail, such as one that the transport
    /// made, has a code and a message only.
    pub fn from_status(status: &Status) -> Self {
        let detail = detail(status.details()).unwrap_or_default();
        Self {
            code: status.code(),
            reason: detail.reason,
            message: status.message().to_owned(),
            field: detail.field,
            got: detail.got,
            allowed: detail.allowed,
            hint: detail.hint,
        }
    }
}

/// Our detail among those of a status.
fn detail(bytes: &[u8]) -> Option<pb::ErrorDetail> {
    let details = pb::StatusDetails::decode(bytes).ok()?.details;
    let ours = details.into_iter().find(|detail| detail.type_url == DETAIL_TYPE)?;
    pb::ErrorDetail::decode(ours.value.as_slice()).ok()
}

impl From<Malformed> for RichError {
    fn from(malformed: Malformed) -> Self {
        let error = Self::new(Code::InvalidArgument, "MALFORMED", malformed.to_string());
        Self {
            field: malformed.field,
            got: malformed.got,
            allowed: malformed.allowed.into_owned(),
            ..error
        }
    }
}

impl From<&Refusal> for RichError {
    fn from(refusal: &Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::TaskUnknown(_) => Self::new(Code::NotFound, "TASK_UNKNOWN", message)
                .with_hint("`stoa ps -a` lists the tasks the master remembers"),
            Refusal::TaskAmbiguous(name, frameworks) => {
                let error = Self::new(Code::InvalidArgument, "TASK_AMBIGUOUS", message);
                match frameworks.first() {
                    Some(framework) => error.with_hint(format!(
                        "name its framework too, such as {framework}/{}",
                        name.task
                    )),
                    None => error,
                }
            }
            Refusal::TaskOver(..) => Self::new(Code::FailedPrecondition, "TASK_OVER", message)
                .with_hint("`stoa ps` lists the tasks that are not over"),
            Refusal::AgentAway(_) => Self::new(Code::Unavailable, "AGENT_AWAY", message)
                .with_hint("`stoa agents` shows when it is back; then try again"),
            Refusal::LogUnavailable(_) => Self::new(Code::NotFound, "LOG_UNAVAILABLE", message),
            Refusal::TooManyWaiting => {
                Self::new(Code::ResourceExhausted, "TOO_MANY_WAITING", message)
                    .with_hint("try again in a moment")
            }
            Refusal::AgentUnknown(_) => Self::new(Code::NotFound, "AGENT_UNKNOWN", message)
                .with_hint("`stoa agents` lists the agents the master knows"),
            Refusal::AgentGone(_) => Self::new(Code::FailedPrecondition, "AGENT_GONE", message)
                .with_hint("an agent with a fresh state directory gets an id of its own"),
            Refusal::OrderIllegal { agent, duty, .. } => {
                let error = Self::new(Code::FailedPrecondition, "ORDER_ILLEGAL", message);
                match way_back(*duty) {
                    Some(order) => error.with_hint(format!("`stoa agent {order} {agent}` first")),
                    None => error,
                }
            }
            Refusal::GoneFull { .. } => Self::new(Code::ResourceExhausted, "GONE_FULL", message)
                .with_hint("leave it: an unreachable agent makes room for a new one by itself"),
            Refusal::Denied { .. } => Self::new(Code::PermissionDenied, "DENIED", message),
        }
    }
}

/// The order that makes an agent ACTIVE again.
fn way_back(duty: AgentDuty) -> Option<&'static str> {
    match duty {
        AgentDuty::Active => None,
        AgentDuty::Deactivated => Some(AgentOrder::Reactivate.as_str()),
        AgentDuty::Draining { .. } | AgentDuty::Drained => Some(AgentOrder::Undrain.as_str()),
    }
}

impl From<RichError> for Status {
    fn from(error: RichError) -> Self {
        error.to_status()
    }
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        RichError::from(malformed).to_status()
    }
}

#[cfg(test)]
mod tests {
    use stoa_model::ids::{FrameworkId, TaskId};
    use stoa_model::operator::TaskName;

    use super::*;

    fn ambiguous(frameworks: usize) -> Refusal {
        let task = TaskName { framework: None, task: TaskId::new("t").unwrap() };
        let framework = |i| FrameworkId::new(&format!("framework-{i}")).unwrap();
        Refusal::TaskAmbiguous(task, (0..frameworks).map(framework).collect())
    }

    #[test]
    fn refusal_reaches_the_client_with_its_hint() {
        let error = RichError::from(&ambiguous(2));
        let status = error.to_status();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(RichError::from_status(&status), error);
        assert_eq!(error.reason, "TASK_AMBIGUOUS");
        assert!(error.hint.contains("framework-0/t"), "{}", error.hint);
    }

    #[test]
    fn malformed_field_reaches_the_client() {
        let malformed = Malformed::here(70_000, "0 to 65535").inside("port");
        let error = RichError::from_status(&Status::from(malformed.clone()));
        assert_eq!(error.to_string(), "port is 70000; allowed: 0 to 65535");
        assert_eq!((error.field.as_str(), error.got.as_str()), ("port", "70000"));
        assert_eq!(error.allowed, malformed.allowed);
    }

    #[test]
    fn foreign_status_keeps_its_code_and_message() {
        for details in [&b""[..], &b"\xff\xff"[..], &b"\x08\x05"[..]] {
            let status = Status::with_details(Code::Unavailable, "down", details.to_vec().into());
            let error = RichError::from_status(&status);
            assert_eq!(error, RichError::new(Code::Unavailable, "", "down"));
        }
    }

    #[test]
    fn long_texts_fit_into_a_trailer() {
        let status = RichError::from(&ambiguous(10_000)).to_status();
        assert!(status.message().len() <= ERROR_TEXT_BYTES_MAX);
        assert!(status.details().len() < 8 * ERROR_TEXT_BYTES_MAX);
    }
}
