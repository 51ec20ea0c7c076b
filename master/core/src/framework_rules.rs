//! What a legal framework is. It never looks at the state of the cluster.

use std::collections::BTreeSet;

use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::Role;
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::task::Label;

use crate::limits::{LABEL_BYTES_MAX, LABELS_MAX, NAME_BYTES_MAX, ROLES_PER_FRAMEWORK_MAX};

/// What is wrong with a framework.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameworkFault {
    #[error("it names no role; at least one is needed")]
    NoRole,
    #[error("it names {0} roles; {ROLES_PER_FRAMEWORK_MAX} are allowed")]
    TooManyRoles(usize),
    #[error("it names role {0} twice")]
    RoleTwice(Role),
    #[error("its failover timeout is {0} ms; at most {DURATION_MS_MAX} is allowed")]
    FailoverTooLong(u64),
    #[error("its name or user has {0} bytes; {NAME_BYTES_MAX} are allowed")]
    NameTooLong(usize),
    #[error("{0}")]
    Labels(#[from] LabelFault),
}

/// What is wrong with labels.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LabelFault {
    #[error("there are {0} labels; {LABELS_MAX} are allowed")]
    TooMany(usize),
    #[error("a label has no key")]
    NoKey,
    #[error("a label has {0} bytes; {LABEL_BYTES_MAX} are allowed for key and value together")]
    TooLong(usize),
}

pub(crate) fn check_framework(info: &FrameworkInfo) -> Result<(), FrameworkFault> {
    if info.roles.is_empty() {
        return Err(FrameworkFault::NoRole);
    }
    if info.roles.len() > ROLES_PER_FRAMEWORK_MAX {
        return Err(FrameworkFault::TooManyRoles(info.roles.len()));
    }
    let mut roles = BTreeSet::new();
    if let Some(twice) = info.roles.iter().find(|role| !roles.insert(*role)) {
        return Err(FrameworkFault::RoleTwice(twice.clone()));
    }
    if info.failover_timeout_ms > DURATION_MS_MAX {
        return Err(FrameworkFault::FailoverTooLong(info.failover_timeout_ms));
    }
    let longest = info.name.len().max(info.user.len());
    if longest > NAME_BYTES_MAX {
        return Err(FrameworkFault::NameTooLong(longest));
    }
    Ok(check_labels(&info.labels)?)
}

pub(crate) fn check_labels(labels: &[Label]) -> Result<(), LabelFault> {
    if labels.len() > LABELS_MAX {
        return Err(LabelFault::TooMany(labels.len()));
    }
    for label in labels {
        let bytes = label.key.len() + label.value.len();
        if label.key.is_empty() {
            return Err(LabelFault::NoKey);
        }
        if bytes > LABEL_BYTES_MAX {
            return Err(LabelFault::TooLong(bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(roles: &[&str]) -> FrameworkInfo {
        FrameworkInfo {
            name: "f".to_owned(),
            user: "u".to_owned(),
            roles: roles.iter().map(|role| Role::new(role).unwrap()).collect(),
            failover_timeout_ms: 0,
            labels: Vec::new(),
            ends_alone: false,
        }
    }

    #[test]
    fn each_fault_is_named() {
        let label = |key: &str, bytes| Label { key: key.to_owned(), value: "v".repeat(bytes) };
        let cases = [
            (info(&[]), FrameworkFault::NoRole),
            (info(&["a", "b", "a"]), FrameworkFault::RoleTwice(Role::new("a").unwrap())),
            (
                FrameworkInfo { failover_timeout_ms: u64::MAX, ..info(&["a"]) },
                FrameworkFault::FailoverTooLong(u64::MAX),
            ),
            (
                FrameworkInfo { user: "u".repeat(2_000), ..info(&["a"]) },
                FrameworkFault::NameTooLong(2_000),
            ),
            (
                FrameworkInfo { labels: vec![label("", 1)], ..info(&["a"]) },
                FrameworkFault::Labels(LabelFault::NoKey),
            ),
            (
                FrameworkInfo { labels: vec![label("k", 2_000)], ..info(&["a"]) },
                FrameworkFault::Labels(LabelFault::TooLong(2_001)),
            ),
        ];
        for (info, fault) in cases {
            assert_eq!(check_framework(&info), Err(fault));
        }
        assert_eq!(check_framework(&info(&["a", "b"])), Ok(()));
    }
}
