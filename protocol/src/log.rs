//! Pieces of logs on the wire.

use stoa_model::limits::CHUNK_BYTES_MAX;
use stoa_model::operator::{LogChunk, LogRequest, LogStream};

use crate::door::{size, specified, value};
use crate::malformed::Malformed;
use crate::pb;
use crate::wire::Wire;

impl Wire for LogStream {
    type Proto = i32;

    fn to_proto(&self) -> i32 {
        match self {
            Self::Stdout => pb::LogStream::Stdout.into(),
            Self::Stderr => pb::LogStream::Stderr.into(),
        }
    }

    fn from_proto(proto: i32) -> Result<Self, Malformed> {
        specified(proto, &[Self::Stdout, Self::Stderr])
    }
}

impl Wire for LogRequest {
    type Proto = pb::LogRequest;

    fn to_proto(&self) -> pb::LogRequest {
        pb::LogRequest {
            task: self.task.to_proto(),
            stream: self.stream.to_proto(),
            offset: self.offset,
            bytes_max: self.bytes_max,
            wait: self.wait,
        }
    }

    fn from_proto(proto: pb::LogRequest) -> Result<Self, Malformed> {
        Ok(Self {
            task: value("task", proto.task)?,
            stream: value("stream", proto.stream)?,
            offset: proto.offset,
            bytes_max: proto.bytes_max,
            wait: proto.wait,
        })
    }
}

impl Wire for LogChunk {
    type Proto = pb::LogChunk;

    fn to_proto(&self) -> pb::LogChunk {
        pb::LogChunk { data: self.data.clone(), is_end: self.is_end }
    }

    fn from_proto(proto: pb::LogChunk) -> Result<Self, Malformed> {
        size("data", proto.data.len(), CHUNK_BYTES_MAX)?;
        Ok(Self { data: proto.data, is_end: proto.is_end })
    }
}
