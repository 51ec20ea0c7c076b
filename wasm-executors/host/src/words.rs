//! From the words of the model to those of the world, and back. It never decides anything.

use stoa_model::command::{CommandInfo, NamedProgram};
use stoa_model::ids::TaskId;
use stoa_model::status::Usage;
use stoa_model::task::{KillPolicy, TaskBody, TaskInfo, TaskState};

use crate::container::Walls;
use crate::world::stoa::executor::types;

pub(crate) fn task_info(info: &TaskInfo) -> types::TaskInfo {
    let (command, environment, programs, data) = match &info.body {
        TaskBody::Command(command) => {
            let environment = command.environment.clone();
            (Some(program(command)), environment, Vec::new(), Vec::new())
        }
        TaskBody::Executor(task) => {
            let programs = named_programs(&task.programs);
            (None, task.environment.clone(), programs, task.data.clone())
        }
    };
    let labels = info
        .labels
        .iter()
        .map(|label| types::Label { key: label.key.clone(), value: label.value.clone() });
    types::TaskInfo {
        id: info.id.as_str().to_owned(),
        name: info.name.clone(),
        resources: types::Resources {
            cpus_milli: info.resources.cpus_milli,
            memory_bytes: info.resources.memory_bytes,
            disk_bytes: info.resources.disk_bytes,
        },
        limits: limits(&Walls::of(info)),
        labels: labels.collect(),
        kill_policy: kill_policy(info.kill_policy),
        command,
        environment,
        programs,
        data,
    }
}

pub(crate) fn named_programs(programs: &[NamedProgram]) -> Vec<types::NamedProgram> {
    let named = |it: &NamedProgram| types::NamedProgram {
        name: it.name.clone(),
        artifact: it.program.to_string(),
    };
    programs.iter().map(named).collect()
}

fn program(command: &CommandInfo) -> types::Program {
    types::Program {
        artifact: command.program.to_string(),
        name: command.name.clone(),
        arguments: command.arguments.clone(),
        environment: command.environment.clone(),
    }
}

pub(crate) fn limits(walls: &Walls) -> types::Limits {
    types::Limits {
        memory_bytes: walls.memory_bytes,
        fuel: walls.fuel,
        wall_ms: walls.wall_ms,
        output_bytes: walls.output_bytes,
    }
}

pub(crate) fn walls(limits: types::Limits) -> Walls {
    Walls {
        memory_bytes: limits.memory_bytes,
        fuel: limits.fuel,
        wall_ms: limits.wall_ms,
        output_bytes: limits.output_bytes,
    }
}

pub(crate) fn kill_policy(policy: KillPolicy) -> types::KillPolicy {
    types::KillPolicy { grace_ms: policy.grace_ms }
}

pub(crate) fn usage_to_wit(usage: Usage) -> types::Usage {
    let Usage { fuel, wall_us, memory_peak_bytes, output_bytes } = usage;
    types::Usage { fuel, wall_us, memory_peak_bytes, output_bytes }
}

pub(crate) fn usage_from_wit(usage: types::Usage) -> Usage {
    let types::Usage { fuel, wall_us, memory_peak_bytes, output_bytes } = usage;
    Usage { fuel, wall_us, memory_peak_bytes, output_bytes }
}

pub(crate) fn task_state(state: types::TaskState) -> TaskState {
    match state {
        types::TaskState::Starting => TaskState::Starting,
        types::TaskState::Running => TaskState::Running,
        types::TaskState::Killing => TaskState::Killing,
        types::TaskState::Finished => TaskState::Finished,
        types::TaskState::Failed => TaskState::Failed,
        types::TaskState::Killed => TaskState::Killed,
    }
}

/// A name that may be a task's. What is no id names no task.
pub(crate) fn task_id(text: &str) -> Option<TaskId> {
    TaskId::new(text).ok()
}
