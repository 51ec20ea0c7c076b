//! Who may ask what: the one place that every operator's call passes. It never looks at anything
//! but who asks and what for.

use stoa_model::operator::{Principal, Query, Refusal};

/// What a query does, as a rule of access would name it.
pub fn action(query: &Query) -> &'static str {
    match query {
        Query::State => "view",
        Query::Kill { .. } => "kill",
        Query::SetPaused { is_paused: true, .. } => "pause",
        Query::SetPaused { .. } => "resume",
        Query::ReadLog { .. } => "read-log",
        Query::Agent { order, .. } => order.as_str(),
        Query::ResetBreaker => "reset-breaker",
    }
}

/// What a backup does, which no query of the core is: it reads all that the master keeps.
pub const BACKUP: &str = "backup";

/// What a step-down of the leader is, which no query of the core is either.
pub const STEP_DOWN: &str = "step-down";

/// Whether `principal` may ask this.
///
/// # Errors
/// The [`Refusal`] that names who may not do what.
pub fn allow(principal: Principal, query: &Query) -> Result<(), Refusal> {
    allow_action(principal, action(query))
}

/// Whether `principal` may do this. There are no rules yet, so anyone may do anything.
///
/// # Errors
/// The [`Refusal`] that names who may not do what.
pub fn allow_action(principal: Principal, action: &str) -> Result<(), Refusal> {
    match principal {
        Principal::Anyone => {
            tracing::debug!(%principal, action, "an operator asks");
            Ok(())
        }
    }
}
