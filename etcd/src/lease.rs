//! Leases of etcd: keys that are bound to one go when it is over. It never prolongs one by itself.

use tonic::Status;

use crate::answer;
use crate::calls::understood;
use crate::client::{Client, Twice};
use crate::error::{EtcdError, Kind};
use crate::pb;
use crate::pb::lease_client::LeaseClient;

/// A lease, as etcd names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub i64);

impl Client {
    /// Asks for a lease of at least so many milliseconds, in whole seconds; answers its name and
    /// how long it is. An answer that is lost leaves a lease behind that ends by itself.
    ///
    /// # Errors
    /// [`EtcdError`] if there is none.
    pub async fn grant(&self, lease_ms: u64) -> Result<(LeaseId, u64), EtcdError> {
        let doing = "grant a lease";
        let seconds = i64::try_from(lease_ms.div_ceil(1_000)).unwrap_or(i64::MAX);
        let call = |channel| async move {
            let request = pb::LeaseGrantRequest { ttl: seconds, id: 0 };
            Ok(LeaseClient::new(channel).lease_grant(request).await?.into_inner())
        };
        let (endpoint, answer) = self.ask(doing, Twice::Harmless, call).await?;
        let granted = answer::lease_ms(answer.ttl).filter(|_| answer.id != 0);
        let granted = granted.map(|lease_ms| (LeaseId(answer.id), lease_ms));
        understood(doing, &endpoint, granted.ok_or_else(|| "a lease of no length".to_owned()))
    }

    /// Prolongs a lease; answers for how many milliseconds it goes on, or nothing if it is over.
    ///
    /// # Errors
    /// [`EtcdError`] if nobody knows.
    pub async fn keep_alive(&self, lease: LeaseId) -> Result<Option<u64>, EtcdError> {
        let call = |channel| async move {
            let requests = tokio_stream::once(pb::LeaseKeepAliveRequest { id: lease.0 });
            let answers = LeaseClient::new(channel).lease_keep_alive(requests).await?;
            let answer = answers.into_inner().message().await?;
            answer.ok_or_else(|| Status::unavailable("the stream has ended without an answer"))
        };
        match self.ask("keep a lease alive", Twice::Harmless, call).await {
            Ok((_, answer)) => Ok(answer::lease_ms(answer.ttl)),
            Err(EtcdError::Refused { kind: Kind::LeaseOver, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends a lease and the keys that are bound to it; one that is over already is no error.
    ///
    /// # Errors
    /// [`EtcdError`] if nobody knows whether it is over.
    pub async fn revoke(&self, lease: LeaseId) -> Result<(), EtcdError> {
        let call = |channel| async move {
            LeaseClient::new(channel).lease_revoke(pb::LeaseRevokeRequest { id: lease.0 }).await
        };
        match self.ask("end a lease", Twice::Harmless, call).await {
            Ok(_) | Err(EtcdError::Refused { kind: Kind::LeaseOver, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
