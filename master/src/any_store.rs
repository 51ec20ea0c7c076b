//! The store of a master, whichever it is: its own, or that of several masters in an etcd. It never
//! knows what is kept.

use stoa_master_core::Record;

use crate::etcd_store::{EtcdStore, EtcdStoreError};
use crate::store::{Store, StoreError};

/// Where a master makes records durable.
pub enum AnyStore {
    /// In its own state directory.
    Embedded(Store),
    /// In an etcd that it shares with other masters.
    Etcd(EtcdStore),
}

/// Why records are not, or may not be, durable.
#[derive(Debug, thiserror::Error)]
pub enum AnyStoreError {
    /// The master's own store fails.
    #[error(transparent)]
    Embedded(#[from] StoreError),
    /// The shared store fails, or this master leads no more.
    #[error(transparent)]
    Etcd(#[from] EtcdStoreError),
}

impl AnyStore {
    /// Makes records durable.
    ///
    /// # Errors
    /// [`AnyStoreError`]; then nothing that relies on them may be sent, and nothing more committed.
    pub async fn commit(&mut self, records: Vec<Record>) -> Result<(), AnyStoreError> {
        match self {
            Self::Embedded(store) => Ok(store.commit(records).await?),
            Self::Etcd(store) => Ok(store.commit(records).await?),
        }
    }
}
