//! The trait of every value that travels, and its bytes for those who keep it on disk. It never
//! knows a single value: each has a file of its own.

use prost::Message;
use stoa_model::limits::MESSAGE_BYTES_MAX;

use crate::malformed::Malformed;

/// A value of the model with its form on the wire.
///
/// Law: `T::from_proto(value.to_proto()) == Ok(value)` for every legal value.
pub trait Wire: Sized {
    /// The generated message, or the plain type of a field.
    type Proto;

    /// The form on the wire.
    fn to_proto(&self) -> Self::Proto;

    /// The value, checked.
    ///
    /// # Errors
    /// [`Malformed`] names the first field that is not legal.
    fn from_proto(proto: Self::Proto) -> Result<Self, Malformed>;
}

/// A value whose form on the wire is a message of its own, so that it can be kept on disk too.
/// Every such value has it; nobody implements it.
pub trait Stored: Wire<Proto: Message + Default> {}

impl<T: Wire<Proto: Message + Default>> Stored for T {}

/// Why stored bytes are no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Cut, damaged, or something else entirely.
    #[error("the bytes are no message of this kind")]
    Bytes(#[source] prost::DecodeError),
    /// Readable, but not legal.
    #[error("the stored value is not legal")]
    Value(#[source] Malformed),
}

/// The bytes of a value for a checkpoint or a store: those of its message on the wire, so that
/// old bytes stay readable as long as the wire does.
pub fn encode<T: Stored>(value: &T) -> Vec<u8> {
    value.to_proto().encode_to_vec()
}

/// The value that [`encode`] made `bytes` of, checked as if it came from a peer.
///
/// # Errors
/// [`Undecodable`] if `bytes` are something else.
pub fn decode<T: Stored>(bytes: &[u8]) -> Result<T, Undecodable> {
    let proto = T::Proto::decode(bytes).map_err(Undecodable::Bytes)?;
    T::from_proto(proto).map_err(Undecodable::Value)
}

/// Each value's form on the wire.
pub(crate) fn list_to_proto<T: Wire>(values: &[T]) -> Vec<T::Proto> {
    values.iter().map(T::to_proto).collect()
}

/// The value's form on the wire, if there is a value.
pub(crate) fn option_to_proto<T: Wire>(value: &Option<T>) -> Option<T::Proto> {
    value.as_ref().map(T::to_proto)
}

/// A message for people as it travels: cut to what the doors let in, as who made it may not have
/// counted its bytes.
pub(crate) fn message_to_proto(message: &str) -> String {
    cut(message, MESSAGE_BYTES_MAX)
}

/// The first `bytes_max` bytes of a text at most, with an ellipsis if there were more.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes_max - ELLIPSIS.len());
    format!("{}{ELLIPSIS}", &text[..end])
}

const ELLIPSIS: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_message_is_cut_to_what_the_door_lets_in() {
        for text in ["a".repeat(MESSAGE_BYTES_MAX + 1), "ä".repeat(MESSAGE_BYTES_MAX)] {
            let sent = message_to_proto(&text);
            assert!(sent.len() <= MESSAGE_BYTES_MAX && sent.len() > MESSAGE_BYTES_MAX - 4);
            assert!(sent.ends_with(ELLIPSIS));
        }
        assert_eq!(message_to_proto("short"), "short");
    }
}
