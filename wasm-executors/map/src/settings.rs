//! What a framework asks of this executor in the data of its ExecutorInfo. It never starts
//! anything.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use stoa_executor::NamedProgram;

use crate::framing::Framing;
use crate::json;
use crate::limits::{CALL_MS, CALL_MS_MAX, INSTANCES_MAX};

const WHERE: &str = "the data of the ExecutorInfo";

/// What a framework asks of this executor, all of it legal.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The function.
    pub(crate) program: NamedProgram,
    pub(crate) arguments: Vec<String>,
    /// In the order of the names.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) framing: Framing,
    /// How many instances of the function there are, 1 to `INSTANCES_MAX`.
    pub(crate) instances: usize,
    /// How long one call may take, 1 to `CALL_MS_MAX`.
    pub(crate) call_ms: u64,
}

/// The data as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Data {
    program: Option<String>,
    arguments: Vec<String>,
    #[serde(deserialize_with = "json::variables")]
    environment: BTreeMap<String, String>,
    framing: Framing,
    instances: usize,
    call_ms: u64,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            program: None,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            framing: Framing::default(),
            instances: 1,
            call_ms: CALL_MS,
        }
    }
}

impl Settings {
    /// Reads the data of an ExecutorInfo; no data asks for the defaults.
    ///
    /// # Errors
    /// Which field is wrong, what it holds and what is allowed.
    pub(crate) fn read(data: &[u8], programs: &[NamedProgram]) -> Result<Self, String> {
        let data = if data.trim_ascii().is_empty() { b"{}" } else { data };
        let read: Data = json::read(WHERE, data)?;
        if !(1..=INSTANCES_MAX).contains(&read.instances) {
            let got = read.instances;
            let text = format!("{got} instances, 1 to {INSTANCES_MAX} are allowed");
            return Err(field("instances", text));
        }
        if !(1..=CALL_MS_MAX).contains(&read.call_ms) {
            let text = format!("{} milliseconds, 1 to {CALL_MS_MAX} are allowed", read.call_ms);
            return Err(field("call_ms", text));
        }
        Ok(Self {
            program: choose(read.program.as_deref(), programs)?,
            arguments: read.arguments,
            environment: read.environment.into_iter().collect(),
            framing: read.framing,
            instances: read.instances,
            call_ms: read.call_ms,
        })
    }
}

fn field(name: &str, text: impl fmt::Display) -> String {
    format!("{WHERE}: field {name}: {text}")
}

fn choose(name: Option<&str>, programs: &[NamedProgram]) -> Result<NamedProgram, String> {
    let names: Vec<_> = programs.iter().map(|program| program.name.as_str()).collect();
    let names = names.join(", ");
    match (name, programs) {
        (_, []) => Err("the ExecutorInfo names no programs; one is needed: the function".into()),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(field("program", format!("missing; one of {names} is allowed"))),
        (Some(name), _) => {
            let found = programs.iter().find(|program| program.name == name);
            let unknown = || field("program", format!("no {name:?}; one of {names} is allowed"));
            found.cloned().ok_or_else(unknown)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(names: &[&str]) -> Vec<NamedProgram> {
        let program = |name: &&str| NamedProgram {
            name: (*name).to_owned(),
            artifact: format!("sha256:{name}"),
        };
        names.iter().map(program).collect()
    }

    fn read(data: &str) -> Result<Settings, String> {
        Settings::read(data.as_bytes(), &programs(&["upper", "lower"]))
    }

    #[test]
    fn everything_can_be_asked_for() {
        let settings = read(
            r#"{"program": "lower", "arguments": ["-x", ""], "environment": {"B": "2", "A": ""},
                "framing": "lengths", "instances": 3, "call_ms": 250}"#,
        )
        .unwrap();
        assert_eq!(settings.program.artifact, "sha256:lower");
        assert_eq!(settings.arguments, ["-x", ""]);
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(settings.environment, [variable("A", ""), variable("B", "2")]);
        assert_eq!(settings.framing, Framing::Lengths);
        assert_eq!((settings.instances, settings.call_ms), (3, 250));
    }

    #[test]
    fn no_data_asks_for_the_defaults() {
        for data in ["", " \n", "{}"] {
            let settings = Settings::read(data.as_bytes(), &programs(&["upper"])).unwrap();
            assert_eq!(settings.program.name, "upper");
            assert_eq!(settings.framing, Framing::Lines);
            assert_eq!((settings.instances, settings.call_ms), (1, CALL_MS));
        }
    }

    #[test]
    fn wrong_data_is_refused_by_the_name_of_its_field() {
        let refused = [
            ("{}", "field program: missing; one of upper, lower is allowed"),
            (r#"{"program": "x"}"#, "field program: no \"x\"; one of upper, lower is allowed"),
            (r#"{"program": 1}"#, "field program: invalid type: integer `1`, expected a string"),
            (
                r#"{"framing": "crlf"}"#,
                "field framing: unknown variant `crlf`, expected one of `lines`",
            ),
            (r#"{"frames": "lines"}"#, "unknown field `frames`, expected one of `program`"),
            (r#"{"instances": 0}"#, "field instances: 0 instances, 1 to 64 are allowed"),
            (r#"{"instances": -1}"#, "field instances: invalid value: integer `-1`"),
            (r#"{"instances": 65}"#, "field instances: 65 instances, 1 to 64 are allowed"),
            (r#"{"call_ms": 0}"#, "field call_ms: 0 milliseconds, 1 to"),
            (r#"{"arguments": ["a", 2]}"#, "field arguments[1]: invalid type: integer `2`"),
            (r#"{"environment": {"A": 1}}"#, "field environment.A: invalid type: integer `1`"),
            (r#"{"environment": {"A=": ""}}"#, "\"A=\" is no name of a variable"),
            (r#"{"environment": {"A": "", "A": ""}}"#, "the variable \"A\" twice"),
            (r#"{"environment": []}"#, "expected an object of strings"),
            ("[]", "the data of the ExecutorInfo: not an object"),
            ("{} x", "the data of the ExecutorInfo: trailing characters"),
            ("{", "the data of the ExecutorInfo: EOF"),
        ];
        for (data, expected) in refused {
            let error = read(data).unwrap_err();
            assert!(error.contains(expected), "{data}: {error}");
        }
        let error = Settings::read(b"", &[]).unwrap_err();
        assert!(error.contains("names no programs"), "{error}");
    }
}
