//! Why something was not had of etcd. It never asks again: the client does, where that does no
//! harm.

use std::fmt;

use crate::place::Endpoint;
use crate::version::Unfit;

/// One endpoint that was asked in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub endpoint: Endpoint,
    /// What came of it.
    pub why: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.why)
    }
}

/// What a refusal of etcd means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The disk quota of etcd is used up, or too many calls wait.
    Full,
    /// The lease that was named is over.
    LeaseOver,
    /// The revision that was named is compacted away.
    Compacted,
    /// Etcd asks who we are.
    NotAllowed,
    /// Anything else.
    Other,
}

impl Kind {
    fn hint(self) -> &'static str {
        match self {
            Self::Full => {
                "compact and defragment etcd, then `etcdctl alarm disarm`; or raise its quota"
            }
            Self::LeaseOver => "ask for a new lease",
            Self::Compacted => "read it anew, at the newest revision",
            Self::NotAllowed => "Stoa does not log in at etcd: guard it by the network",
            Self::Other => "look at the log of that etcd",
        }
    }
}

/// Why something was not had of etcd.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtcdError {
    /// No endpoint has answered, and nothing was changed.
    #[error(
        "cannot {doing}: no etcd answers ({}); hint: does it run, and has it a majority?",
        list(tried)
    )]
    Unreachable {
        /// What was tried.
        doing: &'static str,
        /// Where, in order.
        tried: Vec<Attempt>,
    },
    /// A change was sent, and nobody knows whether it was, or will be, made.
    #[error(
        "nobody knows whether etcd at {} did {doing}: {}; hint: read what is there now",
        .at.endpoint,
        .at.why
    )]
    OutcomeUnknown {
        /// What was tried.
        doing: &'static str,
        /// Where it was sent.
        at: Attempt,
    },
    /// Etcd has refused, and nothing was changed.
    #[error("etcd at {} refuses to {doing}: {}; hint: {}", .at.endpoint, .at.why, kind.hint())]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// Where.
        at: Attempt,
        /// What that means.
        kind: Kind,
    },
    /// The answer is longer than what is taken.
    #[error("etcd at {} has too long an answer to {doing}: {}; hint: ask for less", .at.endpoint,
        .at.why)]
    AnswerTooLong {
        /// What was tried.
        doing: &'static str,
        /// Where.
        at: Attempt,
    },
    /// The call is more than etcd takes. It was not sent.
    #[error(
        "cannot {doing}: it has {got} {unit}, and etcd takes {max}; hint: ask for less at once"
    )]
    TooMuch {
        /// What was tried.
        doing: &'static str,
        /// How much.
        got: usize,
        /// Of what.
        unit: &'static str,
        /// How much is allowed.
        max: usize,
    },
    /// What came is no answer to what was asked.
    #[error("etcd at {} answers {doing} with nonsense: {}; hint: is it an etcd?", .at.endpoint,
        .at.why)]
    Nonsense {
        /// What was asked.
        doing: &'static str,
        /// Where.
        at: Attempt,
    },
    /// It is not to be relied on.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

fn list(tried: &[Attempt]) -> String {
    let texts: Vec<_> = tried.iter().map(Attempt::to_string).collect();
    texts.join("; ")
}
