//! Backups of a master that runs, as streams of bytes. It never holds more of one than a few
//! messages.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use stoa_protocol::{RichError, pb};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::backup::{About, Writer};
use crate::limits::{BACKUP_CHUNK_BYTES, BACKUP_WAIT_SECONDS, BACKUPS_MAX, CHUNKS_WAITING_MAX};
use crate::store::{SnapshotError, Snapshots};

type Sender = mpsc::Sender<Result<pb::BackupChunk, Status>>;

/// What makes backups, a few at a time.
pub struct Backups {
    snapshots: Snapshots,
    places: Arc<Semaphore>,
}

impl Backups {
    /// Backups of this store.
    pub fn of(snapshots: Snapshots) -> Self {
        Self { snapshots, places: Arc::new(Semaphore::new(BACKUPS_MAX)) }
    }

    /// Begins a backup of the store as it is now.
    ///
    /// # Errors
    /// A status that says that others are made already.
    pub fn begin(&self) -> Result<ReceiverStream<Result<pb::BackupChunk, Status>>, Status> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| full())?;
        let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
        let (snapshots, handle) = (self.snapshots.clone(), Handle::current());
        // It ends when the backup does, or when nobody receives any more.
        tokio::task::spawn_blocking(move || send(&snapshots, sender, handle, place));
        Ok(ReceiverStream::new(receiver))
    }
}

/// Makes the backup while `_place` is held.
fn send(snapshots: &Snapshots, sender: Sender, handle: Handle, _place: OwnedSemaphorePermit) {
    let out = Chunks { sender: sender.clone(), handle, bytes: Vec::new() };
    match write(snapshots, out) {
        Ok(()) | Err(SnapshotError::Unwanted(_)) => {}
        Err(SnapshotError::Store(error)) => {
            tracing::error!(%error, "a backup cannot be made");
            let status = RichError::new(Code::Internal, "STORE_BROKEN", error.to_string());
            // If the receiver is gone, nobody needs to know.
            let _ = sender.try_send(Err(status.to_status()));
        }
    }
}

fn write(snapshots: &Snapshots, out: Chunks) -> Result<(), SnapshotError> {
    let about = About::this(snapshots.epoch()?);
    let mut writer = Writer::begin(out, &about).map_err(SnapshotError::Unwanted)?;
    snapshots.each(&mut |record| writer.record(&record))?;
    writer.finish().map(|_| ()).map_err(SnapshotError::Unwanted)
}

/// Bytes that are sent in chunks; it waits for a slow receiver, and not for ever.
struct Chunks {
    sender: Sender,
    handle: Handle,
    bytes: Vec<u8>,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let chunk = pb::BackupChunk { data: std::mem::take(&mut self.bytes) };
        let longest = Duration::from_secs(BACKUP_WAIT_SECONDS);
        let sent = self.handle.block_on(self.sender.send_timeout(Ok(chunk), longest));
        sent.map_err(|_| io::Error::other("whoever receives the backup is gone or too slow"))
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= BACKUP_CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

fn full() -> Status {
    let message = format!("{BACKUPS_MAX} backups are being made, and no more are at one time");
    RichError::new(Code::ResourceExhausted, "BACKUPS_FULL", message)
        .with_hint("try again when one of them is made")
        .to_status()
}

#[cfg(test)]
mod tests {
    use stoa_master_core::Record;
    use stoa_model::ids::AgentId;
    use tokio_stream::StreamExt;

    use super::*;
    use crate::backup::check;
    use crate::store::Store;

    /// A store whose backup does not fit into the chunks that may wait.
    async fn large(dir: &std::path::Path) -> Store {
        let (store, _) = Store::open(dir).unwrap();
        let id = |n| AgentId::new(&format!("A{n:0>100}")).unwrap();
        let records = (0..5_000).map(|n| Record::AgentGone { id: id(n) }).collect();
        store.commit(records).await.unwrap();
        store
    }

    #[tokio::test]
    async fn chunks_in_order_are_the_backup_and_few_are_made_at_one_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = large(dir.path()).await;
        let backups = Backups::of(store.snapshots());
        let mut under_way: Vec<_> = (0..BACKUPS_MAX).map(|_| backups.begin().unwrap()).collect();
        let refused = backups.begin().err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let mut bytes = Vec::new();
        let mut chunks = 0;
        while let Some(chunk) = under_way[0].next().await {
            let data = chunk.unwrap().data;
            assert!(data.len() < 2 * BACKUP_CHUNK_BYTES);
            bytes.extend(data);
            chunks += 1;
        }
        assert!(chunks > CHUNKS_WAITING_MAX, "{chunks} chunks are no stream");
        assert_eq!(check(&bytes[..]).unwrap().counts.records, 5_000);
        // Nobody receives the other any more: it ends, and makes room.
        drop(under_way);
        let free = backups.places.acquire_many(BACKUPS_MAX as u32).await.unwrap();
        drop(free);
        backups.begin().unwrap();
    }
}
