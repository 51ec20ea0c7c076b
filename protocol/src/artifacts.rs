//! Artifacts on the wire: a head that says what comes, then its bytes in chunks. It never adds
//! chunks up and never computes a digest: the stores do.

use bytes::Bytes;
use stoa_model::digest::Digest;
use stoa_model::limits::{ARTIFACT_BYTES_MAX, CHUNK_BYTES_MAX};

use crate::door::{batch, size, value, within};
use crate::malformed::Malformed;
use crate::pb;
use crate::pb::chunk::Chunk as Kind;
use crate::wire::{Wire, list_to_proto};

/// One message of an upload or a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// First, and once: what comes.
    Head(Head),
    /// The next bytes; at most `CHUNK_BYTES_MAX`.
    Data(Bytes),
}

/// What the chunks of data add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of the whole artifact.
    pub digest: Digest,
    /// Bytes of the whole artifact; at most `ARTIFACT_BYTES_MAX`.
    pub size_bytes: u64,
}

/// Which artifact is wanted, and from which byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Of the whole artifact.
    pub digest: Digest,
    /// The first byte that is wanted; more than 0 resumes a broken fetch.
    pub offset: u64,
}

impl Wire for Chunk {
    type Proto = pb::Chunk;

    fn to_proto(&self) -> pb::Chunk {
        let kind = match self {
            Self::Head(Head { digest, size_bytes }) => {
                Kind::Head(pb::ChunkHead { digest: digest.to_proto(), size_bytes: *size_bytes })
            }
            Self::Data(data) => Kind::Data(data.clone()),
        };
        pb::Chunk { chunk: Some(kind) }
    }

    fn from_proto(proto: pb::Chunk) -> Result<Self, Malformed> {
        match proto.chunk.ok_or_else(|| Malformed::missing("chunk"))? {
            Kind::Head(proto) => head(proto.digest, proto.size_bytes)
                .map(Self::Head)
                .map_err(|malformed| malformed.inside("head")),
            Kind::Data(data) => {
                size("data", data.len(), CHUNK_BYTES_MAX)?;
                Ok(Self::Data(data))
            }
        }
    }
}

fn head(digest: Vec<u8>, size_bytes: u64) -> Result<Head, Malformed> {
    Ok(Head {
        digest: value("digest", digest)?,
        size_bytes: within("size_bytes", size_bytes, 0, ARTIFACT_BYTES_MAX)?,
    })
}

impl Wire for Fetch {
    type Proto = pb::FetchRequest;

    fn to_proto(&self) -> pb::FetchRequest {
        pb::FetchRequest { digest: self.digest.to_proto(), offset: self.offset }
    }

    fn from_proto(proto: pb::FetchRequest) -> Result<Self, Malformed> {
        Ok(Self {
            digest: value("digest", proto.digest)?,
            offset: within("offset", proto.offset, 0, ARTIFACT_BYTES_MAX)?,
        })
    }
}

/// Asks which of these artifacts are there. At most `BATCH_ENTRIES_MAX` of them pass the door.
pub fn has_to_proto(digests: &[Digest]) -> pb::HasRequest {
    pb::HasRequest { digests: list_to_proto(digests) }
}

/// The artifacts that are asked for.
///
/// # Errors
/// [`Malformed`] names the digest that is none.
pub fn has_from_proto(proto: pb::HasRequest) -> Result<Vec<Digest>, Malformed> {
    batch("digests", proto.digests)
}

/// Says which of them are not there.
pub fn missing_to_proto(missing: &[Digest]) -> pb::HasResponse {
    pb::HasResponse { missing: list_to_proto(missing) }
}

/// The artifacts that are not there.
///
/// # Errors
/// [`Malformed`] names the digest that is none.
pub fn missing_from_proto(proto: pb::HasResponse) -> Result<Vec<Digest>, Malformed> {
    batch("missing", proto.missing)
}

/// Says that an artifact is stored and verified.
pub fn uploaded_to_proto(stored: &Head) -> pb::Uploaded {
    pb::Uploaded { digest: stored.digest.to_proto(), size_bytes: stored.size_bytes }
}

/// The artifact that is stored and verified.
///
/// # Errors
/// [`Malformed`] names the field that is not legal.
pub fn uploaded_from_proto(proto: pb::Uploaded) -> Result<Head, Malformed> {
    head(proto.digest, proto.size_bytes)
}
