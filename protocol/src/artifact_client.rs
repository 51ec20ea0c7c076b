//! Artifacts to and from the master's store, as agents and the command line move them. It never
//! keeps any and never computes a digest.

use std::io::Read;

use bytes::Bytes;
use stoa_model::digest::Digest;
use stoa_model::limits::CHUNK_BYTES_MAX;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use crate::artifacts::{Chunk, Fetch, Head, has_to_proto, missing_from_proto, uploaded_from_proto};
use crate::limits::CHUNKS_ON_THE_WAY_MAX;
use crate::pb::artifacts_client::ArtifactsClient;
use crate::{RichError, Wire, pb};

/// Which of `digests` the store lacks.
///
/// # Errors
/// What the master answered, or why it did not.
pub async fn missing(channel: Channel, digests: &[Digest]) -> Result<Vec<Digest>, RichError> {
    let answer = ArtifactsClient::new(channel).has(has_to_proto(digests)).await;
    let answer = answer.map_err(|status| RichError::from_status(&status))?;
    Ok(missing_from_proto(answer.into_inner())?)
}

/// Sends the artifact that `head` names; `source` is read to its end on a thread that may block,
/// and `sent` is told the bytes handed over so far.
///
/// # Errors
/// What the master answered, or why it did not.
pub async fn upload(
    channel: Channel,
    head: Head,
    source: impl Read + Send + 'static,
    sent: impl FnMut(u64) + Send + 'static,
) -> Result<(), RichError> {
    let (sender, receiver) = mpsc::channel(CHUNKS_ON_THE_WAY_MAX);
    let reading = tokio::task::spawn_blocking(move || read(head, source, sent, &sender));
    let answer = ArtifactsClient::new(channel).upload(ReceiverStream::new(receiver)).await;
    let read = reading.await.expect("reading an artifact does not panic");
    let answer = answer.map_err(|status| RichError::from_status(&status));
    read.map_err(|error| {
        let message = format!("cannot read the artifact: {error}");
        RichError::new(Code::Aborted, "ARTIFACT_UNREADABLE", message)
    })?;
    uploaded_from_proto(answer?.into_inner())?;
    Ok(())
}

fn read(
    head: Head,
    mut source: impl Read,
    mut sent: impl FnMut(u64),
    sender: &mpsc::Sender<pb::Chunk>,
) -> std::io::Result<()> {
    let mut handed_over = 0;
    let mut chunk = Chunk::Head(head);
    loop {
        if sender.blocking_send(chunk.to_proto()).is_err() {
            // The master has answered before the end; its answer says why.
            return Ok(());
        }
        sent(handed_over);
        let mut data = Vec::with_capacity(CHUNK_BYTES_MAX);
        let count = source.by_ref().take(CHUNK_BYTES_MAX as u64).read_to_end(&mut data)?;
        if count == 0 {
            return Ok(());
        }
        handed_over += count as u64;
        chunk = Chunk::Data(data.into());
    }
}

/// An artifact on its way from the master.
pub struct Fetching {
    /// What comes.
    pub head: Head,
    chunks: Streaming<pb::Chunk>,
}

impl Fetching {
    /// The next bytes; nothing after the last.
    ///
    /// # Errors
    /// What the master answered, or why the stream broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RichError> {
        match next(&mut self.chunks).await? {
            None => Ok(None),
            Some(Chunk::Data(data)) => Ok(Some(data)),
            Some(Chunk::Head(_)) => Err(bad_order()),
        }
    }
}

/// Starts to fetch an artifact.
///
/// # Errors
/// What the master answered, with [`Code::NotFound`] if it has no such artifact.
pub async fn fetch(channel: Channel, digest: Digest) -> Result<Fetching, RichError> {
    let wanted = Fetch { digest, offset: 0 };
    let chunks = ArtifactsClient::new(channel).fetch(wanted.to_proto()).await;
    let mut chunks = chunks.map_err(|status| RichError::from_status(&status))?.into_inner();
    match next(&mut chunks).await? {
        Some(Chunk::Head(head)) => Ok(Fetching { head, chunks }),
        _ => Err(bad_order()),
    }
}

async fn next(chunks: &mut Streaming<pb::Chunk>) -> Result<Option<Chunk>, RichError> {
    let chunk = chunks.message().await.map_err(|status| RichError::from_status(&status))?;
    Ok(chunk.map(Chunk::from_proto).transpose()?)
}

fn bad_order() -> RichError {
    let message = "the master sent an artifact in another order than head and data";
    RichError::new(Code::Internal, "MALFORMED", message)
}
