//! From the flags of `stoa run` to the description of its task: files are uploaded, names are made.
//! It never launches anything, and `files.rs` has looked at the files.

use std::io::Write;

use stoa_model::command::{CommandInfo, DirectoryGrant, Grants, NamedProgram, Upload};
use stoa_model::digest::Digest;
use stoa_model::ids::{AgentId, ExecutorId, TaskId};
use stoa_model::resources::Resources;
use stoa_model::task::{ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo};

use super::files::{Files, Named, What};
use super::one_task::Template;
use super::travel;
use crate::cluster::Cluster;
use crate::config::Run;
use crate::failure::{Failure, code};
use crate::shipped::Shipped;

/// Memory of an executor, on top of its task's, unless `--executor-memory` says otherwise: 64 MiB.
const EXECUTOR_MEMORY_BYTES_DEFAULT: u64 = 64 << 20;

/// Thousandths of a cpu of an executor, on top of its task's.
const EXECUTOR_CPUS_MILLI: u64 = 100;

/// Disk of a task whose directories travel, unless `--disk` says otherwise.
const DISK_BYTES_DEFAULT: u64 = 1 << 30;

/// Uploads what the task needs, and describes it.
///
/// # Errors
/// [`Failure`] if a file or directory cannot be read, or the master refuses.
pub async fn make(arguments: &Run, files: &Files, cluster: &Cluster) -> Result<Template, Failure> {
    let flags = &arguments.grants;
    let body = match &files.what {
        What::Program(file) => {
            let program = cluster.upload(&file.path).await?;
            let grants = grants(arguments, cluster).await?;
            TaskBody::Command(CommandInfo {
                program,
                name: file.name.clone(),
                arguments: arguments.arguments.clone(),
                environment: flags.env.clone(),
                grants,
            })
        }
        What::Executor(file) => {
            let program = cluster.upload(&file.path).await?;
            executor(arguments, files, program, cluster).await?
        }
        What::Shipped(shipped) => {
            let program = upload(shipped.name, shipped.component, cluster).await?;
            executor(arguments, files, program, cluster).await?
        }
    };
    let mut resources = Resources::new(flags.cpus, flags.memory);
    let travels = !flags.upload.is_empty() || !flags.download.is_empty();
    let disk_bytes = if travels { DISK_BYTES_DEFAULT } else { files.what.disk_bytes() };
    resources.disk_bytes = flags.disk.unwrap_or(disk_bytes);
    let name = arguments.name.as_ref().map_or(files.what.name(), TaskId::as_str).to_owned();
    let info = TaskInfo {
        id: task_id(&name)?,
        name,
        agent: AgentId::new("any").expect("the text is a legal id"),
        resources: resources.clone(),
        body,
        limits: Limits { fuel: flags.fuel, output_bytes: flags.output_limit },
        labels: arguments.label.clone(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: flags.timeout,
    };
    let extra = info.executor().map(|executor| executor.resources.clone()).unwrap_or_default();
    let needed = resources.checked_add(&extra).ok_or_else(|| {
        Failure::new(code::CLUSTER, "the task asks for more than can be counted")
            .hint("ask for less with --cpus, --memory or --disk")
    })?;
    Ok(Template { info, needed })
}

/// A task's id: its name, made legal, and a few digits that no other run has.
fn task_id(name: &str) -> Result<TaskId, Failure> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().take(100).map(plain).collect();
    let unique = uuid::Uuid::new_v4().simple().to_string();
    TaskId::new(&format!("{name}-{}", &unique[..8]))
        .map_err(|error| Failure::new(code::CLUSTER, error.to_string()).hint("--name words"))
}

async fn executor(
    arguments: &Run,
    files: &Files,
    program: Digest,
    cluster: &Cluster,
) -> Result<TaskBody, Failure> {
    let mut own = uploaded(&files.executor_programs, cluster).await?;
    if let What::Shipped(shipped) = files.what {
        tools(shipped, &mut own, cluster).await?;
    }
    let memory_bytes = arguments.executor_memory.unwrap_or(EXECUTOR_MEMORY_BYTES_DEFAULT);
    let resources = Resources::new(EXECUTOR_CPUS_MILLI, memory_bytes);
    let id = ExecutorId::new("run").expect("the text is a legal id");
    let data = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
    let executor = ExecutorInfo {
        name: files.what.name().to_owned(),
        programs: own,
        data: data(&arguments.executor_data),
        ..ExecutorInfo::new(id, program, resources)
    };
    Ok(TaskBody::Executor(Box::new(ExecutorTask {
        programs: uploaded(&files.programs, cluster).await?,
        environment: arguments.grants.env.clone(),
        grants: grants(arguments, cluster).await?,
        ..ExecutorTask::new(executor, data(&arguments.data))
    })))
}

async fn uploaded(files: &[Named], cluster: &Cluster) -> Result<Vec<NamedProgram>, Failure> {
    let mut programs = Vec::new();
    for Named { name, file } in files {
        let program = cluster.upload(&file.path).await?;
        programs.push(NamedProgram { name: name.clone(), program });
    }
    Ok(programs)
}

/// Adds the programs that come with an executor, but for those that were given under the same name.
async fn tools(
    shipped: &Shipped,
    programs: &mut Vec<NamedProgram>,
    cluster: &Cluster,
) -> Result<(), Failure> {
    let Some(toolbox) = &shipped.toolbox else { return Ok(()) };
    let program = upload(&format!("{}-toolbox", shipped.name), toolbox.program, cluster).await?;
    for name in toolbox.names() {
        if programs.iter().all(|given| given.name != name) {
            programs.push(NamedProgram { name: name.to_owned(), program });
        }
    }
    Ok(())
}

/// Bytes that are in no file, as an artifact.
async fn upload(name: &str, bytes: &[u8], cluster: &Cluster) -> Result<Digest, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(code::CLUSTER, format!("cannot pass on {name}: {error}"))
    };
    let mut file = tempfile::NamedTempFile::with_prefix(format!("{name}-")).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.flush().map_err(failed)?;
    cluster.upload(file.path()).await
}

/// What the programs of the task may touch.
async fn grants(arguments: &Run, cluster: &Cluster) -> Result<Grants, Failure> {
    let flags = &arguments.grants;
    let stdin = match arguments.stdin {
        true => Some(stdin(cluster).await?),
        false => None,
    };
    let mut uploads = Vec::new();
    for pair in &flags.upload {
        let archive = travel::pack(&pair.directory)?;
        let archive = cluster.upload(archive.path()).await?;
        uploads.push(Upload { archive, guest_path: pair.guest.clone() });
    }
    Ok(Grants {
        stdin,
        directories: flags.dir.iter().map(directory).collect::<Result<_, _>>()?,
        uploads,
        downloads: flags.download.iter().map(|pair| pair.guest.clone()).collect(),
        network: flags.allow_net.clone(),
    })
}

/// A relative path means what it means here; it is the agent that must have it.
fn directory(directory: &crate::config::Directory) -> Result<DirectoryGrant, Failure> {
    let refused = |why: String| {
        Failure::new(
            code::CANNOT_START,
            format!("cannot grant {}: {why}", directory.host.display()),
        )
        .hint("--dir HOST::GUEST takes a directory, such as ./data::/data:ro")
    };
    let absolute = match directory.host.canonicalize() {
        Ok(path) => path,
        // It may be there on the agent's machine all the same.
        Err(_) if directory.host.is_absolute() => directory.host.clone(),
        Err(error) => return Err(refused(error.to_string())),
    };
    let host_path = absolute.to_str().ok_or_else(|| refused("it is not UTF-8".to_owned()))?;
    Ok(DirectoryGrant {
        host_path: host_path.to_owned(),
        guest_path: directory.guest.clone(),
        access: directory.access,
    })
}

/// Standard input, read to its end, as an artifact.
async fn stdin(cluster: &Cluster) -> Result<Digest, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(code::CLUSTER, format!("cannot pass standard input: {error}"))
    };
    let mut file = tempfile::NamedTempFile::with_prefix("stdin-").map_err(failed)?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file).map_err(failed)?;
    file.flush().map_err(failed)?;
    cluster.upload(file.path()).await
}

/// For whom the framework acts.
pub fn user() -> String {
    let id = rustix::process::getuid();
    crate::config::user_name().unwrap_or_else(|| format!("uid {}", id.as_raw()))
}
