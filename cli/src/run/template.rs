//! From the flags of `stoa run` to the description of its task: files are looked at and uploaded,
//! names are made. It never launches anything.

use std::io::Write;
use std::path::{Path, PathBuf};

use stoa_executor_host::{Kind, inspect as inspect_bytes};
use stoa_model::command::{CommandInfo, DirectoryGrant, Grants, Upload};
use stoa_model::digest::Digest;
use stoa_model::ids::{AgentId, ExecutorId, TaskId};
use stoa_model::resources::Resources;
use stoa_model::task::{ExecutorInfo, ExecutorTask, KillPolicy, Limits, TaskBody, TaskInfo};
use stoa_protocol::limits::NAME_BYTES_MAX;

use super::one_task::Template;
use super::travel;
use crate::cluster::Cluster;
use crate::config::Run;
use crate::failure::{Failure, code};

/// Memory of an executor that `--executor` starts, on top of its task's: 64 MiB.
const EXECUTOR_MEMORY_BYTES: u64 = 64 << 20;

/// Disk of a task whose directories travel, unless `--disk` says otherwise.
const DISK_BYTES_DEFAULT: u64 = 1 << 30;

/// A wasm file that was looked at.
pub struct File {
    path: PathBuf,
    name: String,
}

/// Looks at the wasm file that is to run, so that what cannot run is refused at once.
///
/// # Errors
/// [`Failure`] with the codes of the contract: not found, or cannot start.
pub fn inspect(arguments: &Run) -> Result<File, Failure> {
    let path = match (&arguments.executor, &arguments.program) {
        (Some(executor), _) => executor,
        (None, Some(program)) => program,
        (None, None) => {
            return Err(Failure::new(code::CLUSTER, "nothing to run was named")
                .hint("stoa run FILE.wasm, or stoa run --executor FILE.wasm --data TEXT"));
        }
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let refused = |why: String| {
        Failure::new(code::CANNOT_START, format!("{} {why}", path.display())).hint(
            "give a WASI 0.2 command component (cargo build --target wasm32-wasip2) or a wasip1 \
             module (--target wasm32-wasip1)",
        )
    };
    let inspection = inspect_bytes(&bytes).map_err(|error| refused(error.to_string()))?;
    let checked = match arguments.executor {
        Some(_) => inspection.check_executor(),
        None => inspection.check_program(),
    };
    checked.map_err(|error| refused(error.to_string()))?;
    let unknown = inspection.unknown_imports();
    if inspection.kind != Kind::Executor && !unknown.is_empty() {
        return Err(refused(format!("imports {}, which nobody provides", unknown.join(", "))));
    }
    Ok(File { path: path.clone(), name: name_of(path) })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(code::NOT_FOUND, format!("there is no file {}", path.display()))
                .hint("name a .wasm file, such as sample-tasks/hello.wasm")
        }
        _ => Failure::new(code::NOT_FOUND, format!("cannot read {}: {error}", path.display())),
    }
}

/// The file's name without `.wasm`.
fn name_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    name.chars().take(NAME_BYTES_MAX / 4).collect()
}

/// Uploads what the task needs, and describes it.
///
/// # Errors
/// [`Failure`] if a file or directory cannot be read, or the master refuses.
pub async fn make(arguments: &Run, file: &File, cluster: &Cluster) -> Result<Template, Failure> {
    let grants = &arguments.grants;
    let program = cluster.upload(&file.path).await?;
    let body = match &arguments.data {
        Some(data) => executor(program, &file.name, data),
        None => TaskBody::Command(command(arguments, file, program, cluster).await?),
    };
    let mut resources = Resources::new(grants.cpus, grants.memory);
    let travels = !grants.upload.is_empty() || !grants.download.is_empty();
    resources.disk_bytes = grants.disk.unwrap_or(if travels { DISK_BYTES_DEFAULT } else { 0 });
    let name = arguments.name.as_ref().map_or(&*file.name, TaskId::as_str).to_owned();
    let info = TaskInfo {
        id: task_id(&name)?,
        name,
        agent: AgentId::new("any").expect("the text is a legal id"),
        resources: resources.clone(),
        body,
        limits: Limits { fuel: grants.fuel, output_bytes: grants.output_limit },
        labels: arguments.label.clone(),
        kill_policy: KillPolicy::default(),
        max_completion_ms: grants.timeout,
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

fn executor(program: Digest, name: &str, data: &str) -> TaskBody {
    let id = ExecutorId::new("run").expect("the text is a legal id");
    let executor = ExecutorInfo {
        name: name.to_owned(),
        ..ExecutorInfo::new(id, program, Resources::new(100, EXECUTOR_MEMORY_BYTES))
    };
    TaskBody::Executor(Box::new(ExecutorTask::new(executor, data.as_bytes().to_vec())))
}

async fn command(
    arguments: &Run,
    file: &File,
    program: Digest,
    cluster: &Cluster,
) -> Result<CommandInfo, Failure> {
    let grants = &arguments.grants;
    let stdin = match arguments.stdin {
        true => Some(stdin(cluster).await?),
        false => None,
    };
    let mut uploads = Vec::new();
    for pair in &grants.upload {
        let archive = travel::pack(&pair.directory)?;
        let archive = cluster.upload(archive.path()).await?;
        uploads.push(Upload { archive, guest_path: pair.guest.clone() });
    }
    Ok(CommandInfo {
        program,
        name: file.name.clone(),
        arguments: arguments.arguments.clone(),
        environment: grants.env.clone(),
        grants: Grants {
            stdin,
            directories: grants.dir.iter().map(directory).collect::<Result<_, _>>()?,
            uploads,
            downloads: grants.download.iter().map(|pair| pair.guest.clone()).collect(),
            network: grants.allow_net.clone(),
        },
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
