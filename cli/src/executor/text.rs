//! Values that stand in a script as text, each read as the flag of `stoa run` that means the same.
//! It never knows where in a script they stand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error};
use stoa_model::command::NetworkGrant;
use stoa_model::ids::{ExecutorId, TaskId};
use stoa_model::status::Reason;
use stoa_model::task::TaskState;

use crate::config::{Directory, bytes, cpus, grace_ms};

/// A value that is written as text.
#[derive(Clone, Debug)]
pub struct Text<T>(pub T);

/// An amount of bytes, such as `64MiB`.
#[derive(Clone, Copy, Debug)]
pub struct Size(pub u64);

/// Milliseconds, such as `5s`.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub u64);

/// Thousandths of a cpu, such as `0.5`.
#[derive(Clone, Copy, Debug)]
pub struct Cpus(pub u64);

/// Bytes in base64.
#[derive(Clone, Debug)]
pub struct Base64(pub Vec<u8>);

/// What can be written as text.
pub trait FromText: Sized {
    /// Reads it.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::from_text(&text).map(Self).map_err(D::Error::custom)
    }
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

impl FromText for Size {
    fn from_text(text: &str) -> Result<Self, String> {
        bytes(text).map(Self).map_err(said)
    }
}

impl FromText for Time {
    fn from_text(text: &str) -> Result<Self, String> {
        grace_ms(text).map(Self).map_err(said)
    }
}

impl FromText for Cpus {
    fn from_text(text: &str) -> Result<Self, String> {
        cpus(text).map(Self).map_err(said)
    }
}

impl FromText for Base64 {
    fn from_text(text: &str) -> Result<Self, String> {
        STANDARD.decode(text).map(Self).map_err(|error| format!("{text:?} is no base64: {error}"))
    }
}

impl FromText for TaskId {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(said)
    }
}

impl FromText for ExecutorId {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(said)
    }
}

impl FromText for Directory {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(said)
    }
}

impl FromText for NetworkGrant {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(said)
    }
}

impl FromText for TaskState {
    fn from_text(text: &str) -> Result<Self, String> {
        one_of(text, &Self::ALL, Self::as_str)
    }
}

impl FromText for Reason {
    fn from_text(text: &str) -> Result<Self, String> {
        one_of(text, &Self::ALL, Self::as_str)
    }
}

/// Names are those of tables and JSON, in capitals or not.
fn one_of<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|it| name(*it).eq_ignore_ascii_case(text)).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|it| name(*it)).collect();
        format!("{text:?} is none of {}", names.join(", "))
    })
}
