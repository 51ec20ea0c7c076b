//! The values that flags hold, each read by one function with an error that says what is allowed.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use stoa_model::command::{Access, is_plain_absolute};
use stoa_model::epoch::Epoch;
use stoa_model::ids::Role;
use stoa_model::limits::DURATION_MS_MAX;
use stoa_model::size::{IllegalAmount, parse_bytes, parse_cpus_milli};
use stoa_model::task::Label;

use super::Destination;

/// A text that a flag does not take.
#[derive(Debug, thiserror::Error)]
pub enum IllegalValue {
    /// Not of the form that is wanted.
    #[error("{got:?} is not of the form {wanted}, such as {example}")]
    Form {
        /// What was got.
        got: String,
        /// The form.
        wanted: &'static str,
        /// One that is allowed.
        example: &'static str,
    },
    /// A path in the guest that is not absolute, or climbs.
    #[error("{0:?} is no path of a guest: absolute paths without '..', such as /data, are allowed")]
    GuestPath(String),
    /// A time that is too short or too long.
    #[error("{0:?} is no time: from 1ms to 365days, such as 30s or 5m, is allowed")]
    Time(String),
}

fn form(got: &str, wanted: &'static str, example: &'static str) -> IllegalValue {
    IllegalValue::Form { got: got.to_owned(), wanted, example }
}

/// `--dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// On the agent's machine, as written.
    pub host: PathBuf,
    /// In the guest.
    pub guest: String,
    /// What the guest may do there.
    pub access: Access,
}

/// `--upload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPair {
    /// On this machine, as written.
    pub directory: PathBuf,
    /// In the guest.
    pub guest: String,
}

/// `--download`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadPair {
    /// In the guest.
    pub guest: String,
    /// On this machine, as written.
    pub directory: PathBuf,
}

/// `--program` and `--executor-program`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// By which the executor starts it.
    pub name: String,
    /// On this machine, as written.
    pub file: PathBuf,
}

fn guest_path(text: &str) -> Result<String, IllegalValue> {
    if is_plain_absolute(text) {
        return Ok(text.to_owned());
    }
    Err(IllegalValue::GuestPath(text.to_owned()))
}

impl FromStr for Directory {
    type Err = IllegalValue;

    fn from_str(text: &str) -> Result<Self, IllegalValue> {
        let illegal = || form(text, "HOST::GUEST[:ro]", "./data::/data:ro");
        let (host, rest) = text.split_once("::").ok_or_else(illegal)?;
        let (guest, access) = match rest.strip_suffix(":ro") {
            Some(guest) => (guest, Access::ReadOnly),
            None => (rest.strip_suffix(":rw").unwrap_or(rest), Access::ReadWrite),
        };
        if host.is_empty() {
            return Err(illegal());
        }
        Ok(Self { host: host.into(), guest: guest_path(guest)?, access })
    }
}

impl FromStr for UploadPair {
    type Err = IllegalValue;

    fn from_str(text: &str) -> Result<Self, IllegalValue> {
        let illegal = || form(text, "DIR::GUEST", "./input::/input");
        let (directory, guest) = text.split_once("::").ok_or_else(illegal)?;
        if directory.is_empty() {
            return Err(illegal());
        }
        Ok(Self { directory: directory.into(), guest: guest_path(guest)? })
    }
}

impl FromStr for DownloadPair {
    type Err = IllegalValue;

    fn from_str(text: &str) -> Result<Self, IllegalValue> {
        let illegal = || form(text, "GUEST::DIR", "/results::./results");
        let (guest, directory) = text.split_once("::").ok_or_else(illegal)?;
        if directory.is_empty() {
            return Err(illegal());
        }
        Ok(Self { guest: guest_path(guest)?, directory: directory.into() })
    }
}

impl FromStr for NamedFile {
    type Err = IllegalValue;

    fn from_str(text: &str) -> Result<Self, IllegalValue> {
        match text.split_once('=') {
            Some((name, file)) if !name.is_empty() && !file.is_empty() => {
                Ok(Self { name: name.to_owned(), file: file.into() })
            }
            _ => Err(form(text, "NAME=FILE", "sort=sample-tasks/sort.wasm")),
        }
    }
}

/// How results are printed.
pub fn format() -> impl TypedValueParser<Value = Destination> {
    let table = PossibleValue::new("table").help("For people");
    let json = PossibleValue::new("json")
        .help("For programs: one JSON value, or one a line where results stream");
    PossibleValuesParser::new([table, json]).map(|text| Destination(text.into()))
}

/// A file that is to be written.
pub fn file() -> impl TypedValueParser<Value = Destination> {
    OsStringValueParser::new().map(Destination)
}

/// Thousandths of a cpu; at least one.
pub fn cpus(text: &str) -> Result<u64, IllegalAmount> {
    match parse_cpus_milli(text)? {
        0 => Err(IllegalAmount { got: text.to_owned(), allowed: "count of cpus above 0" }),
        milli => Ok(milli),
    }
}

/// Bytes.
pub fn bytes(text: &str) -> Result<u64, IllegalAmount> {
    parse_bytes(text)
}

/// Milliseconds of a time that is not 0.
pub fn duration_ms(text: &str) -> Result<u64, IllegalValue> {
    match grace_ms(text)? {
        0 => Err(IllegalValue::Time(text.to_owned())),
        ms => Ok(ms),
    }
}

/// Milliseconds of a time that may be 0.
pub fn grace_ms(text: &str) -> Result<u64, IllegalValue> {
    let illegal = || IllegalValue::Time(text.to_owned());
    let time = humantime::parse_duration(text).map_err(|_| illegal())?;
    let ms = u64::try_from(time.as_millis()).map_err(|_| illegal())?;
    if ms > DURATION_MS_MAX { Err(illegal()) } else { Ok(ms) }
}

fn pair(text: &str, example: &'static str) -> Result<(String, String), IllegalValue> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(form(text, "K=V", example)),
    }
}

/// A variable of an environment.
pub fn variable(text: &str) -> Result<(String, String), IllegalValue> {
    pair(text, "LANG=en")
}

/// An attribute of an agent.
pub fn attribute(text: &str) -> Result<(String, String), IllegalValue> {
    pair(text, "zone=a")
}

/// A label of a task.
pub fn label(text: &str) -> Result<Label, IllegalValue> {
    let (key, value) = pair(text, "team=blue")?;
    Ok(Label { key, value })
}

/// One leadership of a cluster.
pub fn epoch(text: &str) -> Result<Epoch, std::num::ParseIntError> {
    text.parse().map(Epoch)
}

/// The weight of a role.
pub fn weight(text: &str) -> Result<(Role, u32), IllegalValue> {
    let illegal = || form(text, "ROLE=N with N from 1 to 1000000", "web=2");
    let (role, weight) = text.split_once('=').ok_or_else(illegal)?;
    let weight = weight.parse().map_err(|_| illegal())?;
    if !(1..=1_000_000).contains(&weight) {
        return Err(illegal());
    }
    Ok((Role::new(role).map_err(|_| illegal())?, weight))
}

/// The etcd that masters share.
pub fn etcd(text: &str) -> Result<stoa_master::Place, String> {
    text.parse().map_err(|error: stoa_master::IllegalPlace| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_is_read_only_if_it_says_so() {
        let directory = |text: &str| text.parse::<Directory>();
        let read_only = directory("./data::/data:ro").unwrap();
        assert_eq!((read_only.guest.as_str(), read_only.access), ("/data", Access::ReadOnly));
        assert_eq!(directory("/d::/data").unwrap().access, Access::ReadWrite);
        for text in ["/d", "/d:/data", "::/data", "/d::data", "/d::/a/../b"] {
            assert!(directory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units_and_bounds() {
        assert_eq!(duration_ms("1m 30s").unwrap(), 90_000);
        assert_eq!(grace_ms("0s").unwrap(), 0);
        for text in ["0s", "5", "-1s", "2000y", ""] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }
}
