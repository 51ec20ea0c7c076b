//! Ids, digests and the ids of updates on the wire.

use stoa_model::digest::Digest;
use stoa_model::ids::{
    AgentId, ExecutorId, FrameworkId, OfferId, Role, SessionId, TaskId, UpdateId,
};
use stoa_model::limits::ID_BYTES_MAX;

use crate::malformed::Malformed;
use crate::wire::Wire;

/// Seven types of text, one rule: a macro keeps the rule in one place.
macro_rules! id {
    ($($name:ident),*) => {
        $(impl Wire for $name {
            type Proto = String;

            fn to_proto(&self) -> String {
                self.as_str().to_owned()
            }

            fn from_proto(proto: String) -> Result<Self, Malformed> {
                Self::new(&proto).map_err(|_| illegal_id(&proto))
            }
        })*
    };
}

id!(AgentId, ExecutorId, FrameworkId, OfferId, Role, SessionId, TaskId);

fn illegal_id(got: &str) -> Malformed {
    let allowed = format!(
        "1 to {ID_BYTES_MAX} visible ASCII characters without '/' and '\\', and \
         neither '.' nor '..'"
    );
    if got.is_empty() {
        return Malformed::here("missing", allowed);
    }
    Malformed::text(got, allowed)
}

impl Wire for Digest {
    type Proto = Vec<u8>;

    fn to_proto(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_proto(proto: Vec<u8>) -> Result<Self, Malformed> {
        exactly(&proto, "the 32 bytes of a SHA-256").map(Self)
    }
}

impl Wire for UpdateId {
    type Proto = Vec<u8>;

    fn to_proto(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn from_proto(proto: Vec<u8>) -> Result<Self, Malformed> {
        exactly(&proto, "the 16 bytes of a UUID").map(|bytes| Self(u128::from_be_bytes(bytes)))
    }
}

/// Bytes whose number is fixed.
fn exactly<const N: usize>(bytes: &[u8], allowed: &'static str) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| match bytes.len() {
        0 => Malformed::here("missing", allowed),
        length => Malformed::here(format!("{length} bytes long"), allowed),
    })
}
