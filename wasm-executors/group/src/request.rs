//! What a task asks for in its data: programs, and the group it belongs to. It never starts
//! anything.

use std::collections::BTreeMap;

use serde::Deserialize;
use stoa_executor::{Limits, NamedProgram, Program, TaskInfo};

use crate::json;
use crate::limits::{
    MEMBERS_MAX, NAME_BYTES_MAX, PROGRAM_MEMORY_BYTES_MIN, PROGRAMS_MAX, TASK_BYTES,
};

const WHERE: &str = "the data of the task";

/// What a task asks for, all of it legal.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The group; none if the task is a group of its own.
    pub(crate) group: Option<Membership>,
    /// What it runs, each within its walls; at least one.
    pub(crate) programs: Vec<(Program, Limits)>,
    /// What the task is counted as in memory.
    pub(crate) bytes: u64,
}

/// Which group a task belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// The name of the group, not empty.
    pub(crate) name: String,
    /// How many members it has, 1 to `MEMBERS_MAX`.
    pub(crate) size: usize,
}

/// The data as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    group: Option<String>,
    size: Option<usize>,
    programs: Vec<Asked>,
}

/// One program as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default, deserialize_with = "json::variables")]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    limits: AskedLimits,
}

/// The limits of one program as they are written. What is not asked for is an equal part of what
/// the others leave.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AskedLimits {
    /// Bytes.
    memory: Option<u64>,
    /// Units of fuel.
    fuel: Option<u64>,
    /// Milliseconds.
    wall_ms: Option<u64>,
    /// Bytes of stdout and stderr.
    output: Option<u64>,
}

impl Request {
    /// Reads the data of a task, whose programs may also be those of its executor.
    ///
    /// # Errors
    /// Which field is wrong, what it holds and what is allowed.
    pub(crate) fn read(task: &TaskInfo, shared: &[NamedProgram]) -> Result<Self, String> {
        let data: Data = json::read(WHERE, &task.data)?;
        let group = membership(data.group, data.size)?;
        if !(1..=PROGRAMS_MAX).contains(&data.programs.len()) {
            let got = data.programs.len();
            let text = format!("{got} programs, 1 to {PROGRAMS_MAX} are allowed");
            return Err(field("programs", &text));
        }
        let walls = divide(&task.limits, &data.programs)?;
        let programs = data.programs.into_iter().zip(walls).enumerate();
        let programs = programs
            .map(|(at, (asked, walls))| Ok((program(at, asked, task, shared)?, walls)))
            .collect::<Result<_, String>>()?;
        Ok(Self { group, programs, bytes: bytes(task) })
    }
}

fn bytes(task: &TaskInfo) -> u64 {
    let (times, least) = TASK_BYTES;
    let variables = task.environment.iter().map(|(key, value)| key.len() + value.len());
    let described = variables.sum::<usize>() + task.data.len();
    let described = u64::try_from(described).unwrap_or(u64::MAX);
    least.saturating_add(described.saturating_mul(times))
}

fn field(name: &str, text: &str) -> String {
    format!("{WHERE}: field {name}: {text}")
}

fn membership(name: Option<String>, size: Option<usize>) -> Result<Option<Membership>, String> {
    match (name, size) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(field("group", "missing, but there is a size")),
        (Some(_), None) => Err(field("size", "missing, but there is a group")),
        (Some(name), _) if name.is_empty() || name.len() > NAME_BYTES_MAX => {
            let text = format!("{} bytes, 1 to {NAME_BYTES_MAX} are allowed", name.len());
            Err(field("group", &text))
        }
        (Some(_), Some(size)) if !(1..=MEMBERS_MAX).contains(&size) => {
            Err(field("size", &format!("{size} members, 1 to {MEMBERS_MAX} are allowed")))
        }
        (Some(name), Some(size)) => Ok(Some(Membership { name, size })),
    }
}

fn program(
    at: usize,
    asked: Asked,
    task: &TaskInfo,
    shared: &[NamedProgram],
) -> Result<Program, String> {
    // A task's own programs come first.
    let known = || task.programs.iter().chain(shared);
    let Some(found) = known().find(|known| known.name == asked.program) else {
        let names: Vec<_> = known().map(|known| known.name.as_str()).collect();
        let text = match names[..] {
            [] => format!("no {:?}; neither the task nor its executor names one", asked.program),
            _ => format!("no {:?}; one of {} is allowed", asked.program, names.join(", ")),
        };
        return Err(field(&format!("programs[{at}].program"), &text));
    };
    let of_task = task.environment.iter().filter(|(key, _)| !asked.environment.contains_key(key));
    let environment = of_task.cloned().chain(asked.environment.clone()).collect();
    Ok(Program {
        artifact: found.artifact.clone(),
        name: found.name.clone(),
        arguments: asked.arguments,
        environment,
    })
}

/// The walls of each program, together no more than those of the task.
fn divide(own: &Limits, programs: &[Asked]) -> Result<Vec<Limits>, String> {
    let asked = |of: fn(&AskedLimits) -> Option<u64>| -> Vec<Option<u64>> {
        programs.iter().map(|program| of(&program.limits)).collect()
    };
    let memory = parts("memory", own.memory_bytes, &asked(|limits| limits.memory))?;
    if let Some(at) = memory.iter().position(|bytes| *bytes < PROGRAM_MEMORY_BYTES_MIN) {
        let got = memory[at];
        let text = format!("{got} bytes, {PROGRAM_MEMORY_BYTES_MIN} is the least");
        return Err(field(&format!("programs[{at}].limits.memory"), &text));
    }
    let output = parts("output", own.output_bytes, &asked(|limits| limits.output))?;
    let fuel = asked(|limits| limits.fuel);
    let fuel = match own.fuel {
        Some(own) => parts("fuel", own, &fuel)?.into_iter().map(Some).collect(),
        None => fuel,
    };
    let walls = programs.iter().zip(memory).zip(output).zip(fuel);
    Ok(walls
        .map(|(((program, memory_bytes), output_bytes), fuel)| Limits {
            memory_bytes,
            fuel,
            wall_ms: program.limits.wall_ms.or(own.wall_ms),
            output_bytes,
        })
        .collect())
}

/// What each gets of `whole`: what it asks for, or an equal part of what these leave.
fn parts(name: &str, whole: u64, asked: &[Option<u64>]) -> Result<Vec<u64>, String> {
    let sum = asked.iter().flatten().fold(0_u64, |sum, part| sum.saturating_add(*part));
    let Some(left) = whole.checked_sub(sum) else {
        let text = format!("{sum} for all programs, {whole} is what the task has");
        return Err(field(&format!("programs[..].limits.{name}"), &text));
    };
    let others = asked.iter().filter(|part| part.is_none()).count();
    let part = left / u64::try_from(others.max(1)).unwrap_or(u64::MAX);
    Ok(asked.iter().map(|asked| asked.unwrap_or(part)).collect())
}
