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

/// Whether `principal` may ask this. There are no rules yet, so anyone may ask anything.
///
/// # Errors
/// The [`Refusal`] that names who may not do what.
pub fn allow(principal: Principal, query: &Query) -> Result<(), Refusal> {
    match principal {
        Principal::Anyone => {
            tracing::debug!(%principal, action = action(query), "an operator asks");
            Ok(())
        }
    }
}
