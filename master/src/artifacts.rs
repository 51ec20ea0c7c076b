//! The gRPC service of artifacts: takes them in and hands them out, by their content. It never
//! looks into one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;

use stoa_machine::{ArtifactError, ArtifactWriter, Artifacts};
use stoa_model::digest::Digest;
use stoa_model::limits::CHUNK_BYTES_MAX;
use stoa_protocol::artifacts::{
    Chunk, Fetch, Head, has_from_proto, missing_to_proto, uploaded_to_proto,
};
use stoa_protocol::pb;
use stoa_protocol::pb::artifacts_server::Artifacts as Service;
use stoa_protocol::{RichError, Wire};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::door::Door;
use crate::limits::CHUNKS_WAITING_MAX;

/// The service; one for all artifacts.
pub struct ArtifactService {
    /// Where they are.
    pub store: Artifacts,
    /// Who is sent elsewhere.
    pub door: Door,
}

#[tonic::async_trait]
impl Service for ArtifactService {
    type FetchStream = Pin<Box<dyn Stream<Item = Result<pb::Chunk, Status>> + Send>>;

    async fn has(
        &self,
        request: Request<pb::HasRequest>,
    ) -> Result<Response<pb::HasResponse>, Status> {
        self.door.way()?;
        let mut digests = has_from_proto(request.into_inner())?;
        let store = self.store.clone();
        let missing = blocking(move || {
            digests.retain(|digest| store.use_now(digest).is_none());
            Ok(digests)
        });
        Ok(Response::new(missing_to_proto(&missing.await?)))
    }

    async fn upload(
        &self,
        request: Request<Streaming<pb::Chunk>>,
    ) -> Result<Response<pb::Uploaded>, Status> {
        self.door.way()?;
        let mut chunks = request.into_inner();
        let head = match next(&mut chunks).await? {
            Some(Chunk::Head(head)) => head,
            _ => return Err(bad_order("an upload starts with the head that says what comes")),
        };
        let store = self.store.clone();
        let mut writer = blocking(move || store.begin(head.digest, head.size_bytes)).await?;
        while let Some(chunk) = next(&mut chunks).await? {
            let Chunk::Data(data) = chunk else {
                return Err(bad_order("an upload has one head, and data ever after"));
            };
            writer = blocking(move || write(writer, &data)).await?;
        }
        let size_bytes = blocking(move || writer.finish()).await?;
        let stored = Head { digest: head.digest, size_bytes };
        Ok(Response::new(uploaded_to_proto(&stored)))
    }

    async fn fetch(
        &self,
        request: Request<pb::FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        self.door.way()?;
        let fetch = Fetch::from_proto(request.into_inner())?;
        let Some(size_bytes) = self.store.use_now(&fetch.digest) else {
            return Err(not_found(&fetch.digest));
        };
        let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
        let path = self.store.path(&fetch.digest);
        // It ends when the file does, or when nobody receives any more.
        tokio::task::spawn_blocking(move || {
            let head = Chunk::Head(Head { digest: fetch.digest, size_bytes });
            if sender.blocking_send(Ok(head.to_proto())).is_ok()
                && let Err(error) = read(&path, fetch.offset, &sender)
            {
                // The receiver is gone or learns why the file ends early.
                let _ = sender.blocking_send(Err(Status::internal(error.to_string())));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

async fn next(chunks: &mut Streaming<pb::Chunk>) -> Result<Option<Chunk>, Status> {
    let chunk = chunks.message().await?;
    Ok(chunk.map(Chunk::from_proto).transpose()?)
}

fn write(mut writer: ArtifactWriter, data: &[u8]) -> Result<ArtifactWriter, ArtifactError> {
    writer.write(data)?;
    Ok(writer)
}

fn read(
    path: &std::path::Path,
    offset: u64,
    sender: &mpsc::Sender<Result<pb::Chunk, Status>>,
) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    loop {
        let mut data = Vec::with_capacity(CHUNK_BYTES_MAX);
        let count = file.by_ref().take(CHUNK_BYTES_MAX as u64).read_to_end(&mut data)?;
        let chunk = Chunk::Data(data.into());
        if count == 0 || sender.blocking_send(Ok(chunk.to_proto())).is_err() {
            return Ok(());
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("storing an artifact does not panic").map_err(|error| refusal(&error))
}

fn refusal(error: &ArtifactError) -> Status {
    let message = error.to_string();
    let error = match error {
        ArtifactError::TooLarge { .. } => {
            RichError::new(Code::InvalidArgument, "ARTIFACT_TOO_LARGE", message)
        }
        ArtifactError::WrongDigest { .. } => {
            RichError::new(Code::InvalidArgument, "ARTIFACT_DAMAGED", message)
                .with_hint("the file changed while it was read, or on the way; try again")
        }
        ArtifactError::Full { .. } => {
            RichError::new(Code::ResourceExhausted, "ARTIFACTS_FULL", message)
                .with_hint("an hour after their last use artifacts make room; or remove some")
        }
        ArtifactError::Io { source, .. } => {
            RichError::new(Code::Internal, "ARTIFACTS_BROKEN", format!("{message}: {source}"))
        }
    };
    error.to_status()
}

fn bad_order(message: &str) -> Status {
    RichError::new(Code::InvalidArgument, "MALFORMED", message).to_status()
}

fn not_found(digest: &Digest) -> Status {
    let message = format!("there is no artifact {digest}");
    RichError::new(Code::NotFound, "ARTIFACT_NOT_FOUND", message)
        .with_hint("upload it: `stoa run FILE` does")
        .to_status()
}
