//! Records as bytes: a tag, then fields, each with its length before it. A tag is never given to
//! another record. Values are encoded as on the wire.

use stoa_master_core::Record;
use stoa_model::instant::Instant;
use stoa_protocol::wire::{Stored, decode, encode};

/// The bytes of a record.
pub fn to_bytes(record: &Record) -> Vec<u8> {
    match record {
        Record::Agent { id, info } => fields(1, &[id.as_str().as_bytes(), &encode(info)]),
        Record::AgentUnreachable { id, since } => {
            fields(2, &[id.as_str().as_bytes(), &since.ms.to_le_bytes()])
        }
        Record::AgentDuty { id, duty } => fields(3, &[id.as_str().as_bytes(), &encode(duty)]),
        Record::AgentGone { id } => fields(4, &[id.as_str().as_bytes()]),
        Record::Framework { id, info } => fields(5, &[id.as_str().as_bytes(), &encode(info)]),
        Record::FrameworkDisconnected { id, deadline } => {
            fields(6, &[id.as_str().as_bytes(), &deadline.ms.to_le_bytes()])
        }
        Record::FrameworkRemoved { id } => fields(7, &[id.as_str().as_bytes()]),
        Record::AgentReachable { id } => fields(8, &[id.as_str().as_bytes()]),
        Record::AgentRemoved { id } => fields(9, &[id.as_str().as_bytes()]),
        Record::FrameworkConnected { id } => fields(10, &[id.as_str().as_bytes()]),
    }
}

/// The record that [`to_bytes`] made `bytes` of.
///
/// # Errors
/// What does not read.
pub fn from_bytes(bytes: &[u8]) -> Result<Record, String> {
    let (&tag, rest) = bytes.split_first().ok_or("a record is empty")?;
    let mut fields = Fields { rest };
    let record = match tag {
        1 => Record::Agent { id: fields.text()?, info: fields.value()? },
        2 => Record::AgentUnreachable { id: fields.text()?, since: fields.instant()? },
        3 => Record::AgentDuty { id: fields.text()?, duty: fields.value()? },
        4 => Record::AgentGone { id: fields.text()? },
        5 => Record::Framework { id: fields.text()?, info: fields.value()? },
        6 => Record::FrameworkDisconnected { id: fields.text()?, deadline: fields.instant()? },
        7 => Record::FrameworkRemoved { id: fields.text()? },
        8 => Record::AgentReachable { id: fields.text()? },
        9 => Record::AgentRemoved { id: fields.text()? },
        10 => Record::FrameworkConnected { id: fields.text()? },
        tag => return Err(format!("no record has the tag {tag}")),
    };
    fields.end()?;
    Ok(record)
}

/// A tag and fields as bytes.
pub fn fields(tag: u8, fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![tag];
    for field in fields {
        let length = u32::try_from(field.len()).expect("the doors bound every value");
        bytes.extend(length.to_le_bytes());
        bytes.extend(*field);
    }
    bytes
}

/// Reads one field after the other.
pub struct Fields<'a> {
    /// What was not read yet.
    pub rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let short = "a field is missing or too short";
        let (length, rest) = self.rest.split_first_chunk().ok_or(short)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (field, rest) = rest.split_at_checked(length).ok_or(short)?;
        self.rest = rest;
        Ok(field)
    }

    /// A number.
    pub fn number(&mut self) -> Result<u64, String> {
        let bytes = self.bytes()?;
        let bytes = bytes.try_into().map_err(|_| format!("a number of {} bytes", bytes.len()))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// An id, or any text that is read from a string.
    pub fn text<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, String> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|why| why.to_string())?;
        text.parse().map_err(|why: T::Err| format!("{text:?} is not legal: {why}"))
    }

    /// That nothing follows.
    pub fn end(self) -> Result<(), String> {
        if self.rest.is_empty() { Ok(()) } else { Err("more fields than were expected".into()) }
    }

    fn instant(&mut self) -> Result<Instant, String> {
        self.number().map(Instant::from_ms)
    }

    fn value<T: Stored>(&mut self) -> Result<T, String> {
        decode(self.bytes()?).map_err(|why| why.to_string())
    }
}
