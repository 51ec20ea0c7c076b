//! Artifacts on their way: from the master's store to the agent's, and back. It never decides
//! which: the core does.

use std::time::Duration;

use stoa_agent_core::Input;
use stoa_machine::{ArtifactError, Artifacts};
use stoa_model::digest::Digest;
use stoa_model::ids::{FrameworkId, TaskId};
use stoa_model::status::Reason;
use stoa_protocol::RichError;
use stoa_protocol::artifact_client::{fetch, missing, upload};
use stoa_protocol::artifacts::Head;
use stoa_protocol::leader;
use stoa_protocol::search::{NoLeader, Search};
use tonic::Code;

use crate::limits::{FETCH_WAITS_MS, LEADER_PATIENCE};

/// Why an artifact is not where it should be.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// No master leads, or none can be reached.
    #[error(transparent)]
    Leader(#[from] NoLeader),
    /// The master refuses, or its stream breaks.
    #[error("{0}")]
    Master(#[from] RichError),
    /// The agent's own store refuses.
    #[error(transparent)]
    Store(#[from] ArtifactError),
    /// The agent's own store does not have it.
    #[error("artifact {0} is not in the agent's store")]
    NotHere(Digest),
    /// The file cannot be opened.
    #[error("artifact {digest} cannot be opened: {source}")]
    Open {
        /// Which.
        digest: Digest,
        /// Why.
        source: std::io::Error,
    },
}

impl TransferError {
    /// Whether trying again may help: the master was away, or its stream broke.
    fn may_pass(&self) -> bool {
        match self {
            Self::Leader(_) => true,
            Self::Master(error) => {
                matches!(error.code, Code::Unavailable | Code::Unknown | Code::Aborted)
            }
            Self::Store(_) | Self::NotHere(_) | Self::Open { .. } => false,
        }
    }
}

/// Gets an artifact unless the agent has it already, and says how that went. What may pass is
/// tried again before it is told.
pub async fn fetched(mut search: Search, store: Artifacts, digest: Digest) -> Input {
    let mut done = fetch_into(&mut search, &store, digest).await;
    for wait_ms in FETCH_WAITS_MS {
        if !matches!(&done, Err(error) if error.may_pass()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        done = fetch_into(&mut search, &store, digest).await;
    }
    match done {
        Ok(()) => Input::Fetched(digest),
        Err(error) => {
            let reason = match &error {
                TransferError::Master(error) if error.code == Code::NotFound => {
                    Reason::ArtifactNotFound
                }
                _ => Reason::ArtifactFailed,
            };
            Input::FetchFailed { digest, reason, message: error.to_string() }
        }
    }
}

async fn fetch_into(
    search: &mut Search,
    store: &Artifacts,
    digest: Digest,
) -> Result<(), TransferError> {
    if blocking(store, move |store| Ok(store.use_now(&digest))).await?.is_some() {
        return Ok(());
    }
    let mut fetching = fetch(leader::find(search, LEADER_PATIENCE).await?, digest).await?;
    let size_bytes = fetching.head.size_bytes;
    let mut writer = blocking(store, move |store| store.begin(digest, size_bytes)).await?;
    while let Some(data) = fetching.next().await? {
        writer = blocking(store, move |_| {
            writer.write(&data)?;
            Ok(writer)
        })
        .await?;
    }
    blocking(store, move |_| writer.finish()).await?;
    Ok(())
}

/// Sends packed downloads to the master, and says how that went.
pub async fn published(
    mut search: Search,
    store: Artifacts,
    (framework, task): (FrameworkId, TaskId),
    archives: Vec<Digest>,
) -> Input {
    let result = publish(&mut search, &store, &archives).await.map_err(|error| error.to_string());
    Input::Published { framework, task, result }
}

async fn publish(
    search: &mut Search,
    store: &Artifacts,
    archives: &[Digest],
) -> Result<(), TransferError> {
    let channel = leader::find(search, LEADER_PATIENCE).await?;
    for digest in missing(channel.clone(), archives).await? {
        let size_bytes = store.use_now(&digest).ok_or(TransferError::NotHere(digest))?;
        let file = std::fs::File::open(store.path(&digest))
            .map_err(|source| TransferError::Open { digest, source })?;
        upload(channel.clone(), Head { digest, size_bytes }, file, |_| {}).await?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    store: &Artifacts,
    work: impl FnOnce(&Artifacts) -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    let store = store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.expect("storing an artifact does not panic")
}
