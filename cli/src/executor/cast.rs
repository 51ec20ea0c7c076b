//! Who plays in a script: the executor and its tasks as the host knows them, and the artifacts they
//! need. It never starts any of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stoa_machine::{ArtifactError, Artifacts};
use stoa_model::command::{DirectoryGrant, Grants, NamedProgram};
use stoa_model::ids::{AgentId, FrameworkId, TaskId};
use stoa_model::resources::Resources;
use stoa_model::task::{
    ExecutorInfo, ExecutorTask, KillPolicy, Limits, OUTPUT_BYTES_DEFAULT, TaskBody, TaskInfo,
};

use super::script::{Birth, Launch, data};
use super::text::{Cpus, Size, Text};
use crate::config::Directory;
use crate::failure::{Failure, chain, code};
use crate::wasm_file::WasmFile;

/// Thousandths of a cpu, and bytes of memory, of a task that asks for nothing, as of `stoa run`.
const CPUS_MILLI_DEFAULT: u64 = 1_000;
const MEMORY_BYTES_DEFAULT: u64 = 256 << 20;

/// Whose tasks they are.
pub fn framework() -> FrameworkId {
    FrameworkId::new("test").expect("the text is a legal id")
}

/// What the executor sees as its agent.
pub fn agent() -> AgentId {
    AgentId::new("here").expect("the text is a legal id")
}

/// An executor, and the tasks that were made for it.
pub struct Cast {
    artifacts: Artifacts,
    /// Relative paths of the script are below it.
    dir: PathBuf,
    executor: ExecutorInfo,
    tasks: BTreeSet<TaskId>,
}

impl Cast {
    /// Stores an executor and its programs.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be used, or the disk refuses.
    pub fn new(
        artifacts: PathBuf,
        dir: PathBuf,
        file: &WasmFile,
        birth: &Birth,
    ) -> Result<Self, Failure> {
        let artifacts = Artifacts::open(&artifacts).map_err(|error| not_stored(&error))?;
        let program = artifacts.put(&file.bytes).map_err(|error| not_stored(&error))?;
        let resources = Resources::new(0, birth.memory.0.0);
        let mut executor = ExecutorInfo::new(birth.id.0.clone(), program, resources);
        executor.data = data(&birth.data, &birth.data_base64).unwrap_or_default();
        let mut cast = Self { artifacts, dir, executor, tasks: BTreeSet::new() };
        cast.executor.programs = cast.programs(&birth.programs)?;
        Ok(cast)
    }

    /// Where the artifacts are.
    pub fn artifacts(&self) -> &Path {
        self.artifacts.dir()
    }

    /// Whether this task was made.
    pub fn knows(&self, task: &TaskId) -> bool {
        self.tasks.contains(task)
    }

    /// Whether any task was made.
    pub fn has_launched(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// A task, with everything it needs in the store.
    ///
    /// # Errors
    /// [`Failure`] if there was a task of this id, a file cannot be used, or the disk refuses.
    pub fn task(&mut self, launch: &Launch) -> Result<TaskInfo, Failure> {
        let id = launch.task.0.clone();
        if !self.tasks.insert(id.clone()) {
            return Err(Failure::new(code::USAGE, format!("a second task {id}"))
                .hint("each task of a script has an id of its own"));
        }
        let or = |asked: &Option<Text<Size>>, bytes| asked.as_ref().map_or(bytes, |it| it.0.0);
        let cpus = launch.cpus.as_ref().map_or(CPUS_MILLI_DEFAULT, |Text(Cpus(milli))| *milli);
        let mut resources = Resources::new(cpus, or(&launch.memory, MEMORY_BYTES_DEFAULT));
        resources.disk_bytes = or(&launch.disk, 0);
        let data = data(&launch.data, &launch.data_base64).unwrap_or_default();
        let environment = launch.environment.iter().map(|(k, v)| (k.clone(), v.clone()));
        let task = ExecutorTask {
            programs: self.programs(&launch.programs)?,
            environment: environment.collect(),
            grants: self.grants(launch)?,
            ..ExecutorTask::new(self.executor.clone(), data)
        };
        Ok(TaskInfo {
            name: launch.name.clone().unwrap_or_else(|| id.to_string()),
            id,
            agent: agent(),
            resources,
            body: TaskBody::Executor(Box::new(task)),
            limits: Limits {
                fuel: launch.fuel,
                output_bytes: or(&launch.output_limit, OUTPUT_BYTES_DEFAULT),
            },
            labels: Vec::new(),
            kill_policy: KillPolicy::default(),
            max_completion_ms: launch.timeout.as_ref().map(|time| time.0.0),
        })
    }

    fn programs(&self, named: &BTreeMap<String, PathBuf>) -> Result<Vec<NamedProgram>, Failure> {
        let store = |(name, path): (&String, &PathBuf)| {
            let file = WasmFile::program(&self.dir.join(path))?;
            let program = self.artifacts.put(&file.bytes).map_err(|error| not_stored(&error))?;
            Ok(NamedProgram { name: name.clone(), program })
        };
        named.iter().map(store).collect()
    }

    fn grants(&self, launch: &Launch) -> Result<Grants, Failure> {
        let stdin = launch.stdin.as_ref().map(|text| self.artifacts.put(text.as_bytes()));
        let directory = |directory: &Text<Directory>| self.directory(&directory.0);
        Ok(Grants {
            stdin: stdin.transpose().map_err(|error| not_stored(&error))?,
            directories: launch.directories.iter().map(directory).collect::<Result<_, _>>()?,
            uploads: Vec::new(),
            downloads: Vec::new(),
            network: launch.network.iter().map(|peer| peer.0.clone()).collect(),
        })
    }

    fn directory(&self, directory: &Directory) -> Result<DirectoryGrant, Failure> {
        let path = self.dir.join(&directory.host);
        let refused = |why: String| {
            let message = format!("cannot grant {}: {why}", path.display());
            Failure::new(code::FAILURE, message).hint("name a directory that is there")
        };
        let absolute = path.canonicalize().map_err(|error| refused(error.to_string()))?;
        let host_path = absolute.to_str().ok_or_else(|| refused("it is not UTF-8".to_owned()))?;
        Ok(DirectoryGrant {
            host_path: host_path.to_owned(),
            guest_path: directory.guest.clone(),
            access: directory.access,
        })
    }
}

fn not_stored(error: &ArtifactError) -> Failure {
    Failure::new(code::FAILURE, chain(error))
}
