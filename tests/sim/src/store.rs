//! Where masters keep what is durable. It never decides what that is.

use stoa_master_core::Recovered;

/// The store of all masters.
#[derive(Debug, Default)]
pub struct Store {
    /// What is durable.
    pub(crate) records: Recovered,
}
