//! The bounds of this host, each with what happens there. It never enforces any of them.

use std::time::Duration;

/// Fuel a guest uses before it lets others run: some tenths of a millisecond. Smaller slices cost
/// visibly, larger ones delay kills and neighbours.
pub(crate) const SLICE_FUEL: u64 = 1_000_000;

/// Commands that wait for the dispatcher. Whoever sends more waits.
pub(crate) const COMMANDS_WAITING_MAX: usize = 4_096;

/// Events that wait for the agent. Executors and logs wait when it is full.
pub(crate) const EVENTS_WAITING_MAX: usize = 4_096;

/// Commands that wait for one executor. One that lets more gather is ended as lost.
pub(crate) const EXECUTOR_INPUTS_WAITING_MAX: usize = 65_536;

/// News of containers that wait for one executor. Containers wait with their end.
pub(crate) const EXECUTOR_NOTES_WAITING_MAX: usize = 4_096;

/// Tasks of one executor at a time. More are refused as DROPPED.
pub(crate) const EXECUTOR_TASKS_MAX: usize = 65_536;

/// Subtasks of one executor at a time. `spawn` refuses more.
pub(crate) const EXECUTOR_SUBTASKS_MAX: usize = 65_536;

/// Subtasks of one task, or of an executor for itself, at a time. `spawn` refuses more.
pub(crate) const GRANT_SUBTASKS_MAX: usize = 256;

/// Bytes of output that those subtasks may write which an executor has for itself at one time; it
/// is kept nowhere. `spawn` refuses walls beyond.
pub(crate) const EXECUTOR_OUTPUT_BYTES_MAX: u64 = 64 << 20;

/// Pipes of one task, or of an executor for itself, that are not closed. `make-pipe` refuses more.
pub(crate) const GRANT_PIPES_MAX: usize = 256;

/// Pipes of one executor that are not closed. `make-pipe` refuses more.
pub(crate) const EXECUTOR_PIPES_MAX: usize = 1_024;

/// Bytes that wait in one pipe. Its writers wait when they want to write more.
pub(crate) const PIPE_BYTES_MAX: usize = 64 << 10;

/// Bytes one write into a pipe may have; what is more comes with the next.
pub(crate) const PIPE_WRITE_BYTES_MAX: usize = 16 << 10;

/// Entries of a directory that `list-directory` answers. It refuses a directory that holds more.
pub(crate) const DIRECTORY_ENTRIES_MAX: usize = 10_000;

/// Executors of one framework that live at a time. Tasks of more are refused as DROPPED.
pub(crate) const FRAMEWORK_EXECUTORS_MAX: usize = 64;

/// Executors that live at a time, of all frameworks. Tasks of more fail.
pub(crate) const EXECUTORS_MAX: u32 = 256;

/// Tasks that are over and whose acknowledgements still reach the executor. Of older ones they are
/// dropped.
pub(crate) const TASKS_OVER_MAX: usize = 1_024;

/// Updates and messages one executor may send in one event. More are refused as too much.
pub(crate) const EVENT_MESSAGES_MAX: usize = 1_024;

/// Calls of one executor that may be refused. Then it is ended as lost.
pub(crate) const REFUSALS_MAX: u32 = 100;

/// Milliseconds one event of an executor may take where nothing else is set. Then it is ended as
/// lost.
pub const EVENT_MS_MAX_DEFAULT: u64 = 5_000;

/// Fuel one event of an executor may use. Then it is ended as lost.
pub(crate) const EVENT_FUEL_MAX: u64 = 10_000_000_000;

/// Milliseconds a built-in executor waits for a task before it ends.
pub(crate) const EXECUTOR_IDLE_MS: u64 = 60_000;

/// Milliseconds an idle executor of a framework has between the notice and its end. Then it is
/// ended whatever it does.
pub(crate) const IDLE_GRACE_MS: u64 = 5_000;

/// Milliseconds the executors of a framework that was removed have between the notice and their
/// end. Then they are ended whatever they do, and all they started.
pub(crate) const REMOVAL_GRACE_MS: u64 = 1_000;

/// Bytes of one line that an executor logs or prints. What is more is left out.
pub(crate) const EXECUTOR_LINE_BYTES_MAX: usize = 1_024;

/// Lines of one executor that go to the agent's log in a second. More are counted and left out.
pub(crate) const EXECUTOR_LINES_PER_SECOND_MAX: u32 = 100;

/// Bytes of its last lines that are told if an executor is lost. Older ones are left out.
pub(crate) const LAST_WORDS_BYTES_MAX: usize = 1_024;

/// Milliseconds a lost executor's subtasks may take to stop. Their tasks are over all the same.
pub(crate) const STOPPING_MS_MAX: u64 = 10_000;

/// Bytes of memory of the built-in executor.
pub(crate) const BUILT_IN_MEMORY_BYTES: u64 = 256 << 20;

/// Bytes of one stdin pipe. `write-stdin` takes no more until the guest has read.
pub(crate) const STDIN_BYTES_MAX: usize = 64 << 10;

/// Bytes of output that wait to be written. The guest waits when it wants to write more.
pub(crate) const OUTPUT_BUFFER_BYTES_MAX: usize = 256 << 10;

/// Bytes one write of a guest may have; what is more comes with the next.
pub(crate) const OUTPUT_WRITE_BYTES_MAX: usize = 64 << 10;

/// Bytes that guest values may take in the host during one call. The guest traps.
pub(crate) const HOST_CALL_BYTES_MAX: usize = 8 << 20;

/// Handles of one component: its own and those of what it is made of. The guest traps.
pub(crate) const COMPONENT_HANDLES_MAX: usize = 10_000;

/// Files, streams and the like that one guest holds. The guest gets an error or traps.
pub(crate) const RESOURCES_MAX: usize = 4_096;

/// Random bytes one call may ask for. The guest traps.
pub(crate) const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// Core instances, memories and tables of one container. Making it fails.
pub(crate) const CORE_INSTANCES_MAX: u32 = 64;
/// See [`CORE_INSTANCES_MAX`].
pub(crate) const MEMORIES_MAX: u32 = 8;
/// See [`CORE_INSTANCES_MAX`].
pub(crate) const TABLES_MAX: u32 = 64;

/// Elements of one table. Growing beyond fails.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Bytes that one element of a table takes.
pub(crate) const TABLE_ELEMENT_BYTES: u64 = 8;

/// Tables that each slot of the pool brings. A program that needs more takes more slots.
pub(crate) const SLOT_TABLES: u32 = 4;

/// Frames of a trap that are shown.
pub(crate) const TRAP_FRAMES_MAX: usize = 8;

/// Characters of the name of one function that is shown.
pub(crate) const FUNCTION_NAME_CHARS_MAX: usize = 80;

/// Modules compiled at a time. Others wait.
pub(crate) const COMPILES_MAX: usize = 2;

/// Bytes of one module or component. Larger ones are refused before anything reads them.
pub(crate) const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// Bytes of one function: compiling grows faster than linearly with it. Larger ones are refused.
pub(crate) const FUNCTION_BYTES_MAX: usize = 2 << 20;

/// Functions, and data segments, of one module or component. More are refused.
pub(crate) const FUNCTIONS_MAX: u64 = 500_000;

/// Modules and components nested in one component. More are refused.
pub(crate) const NESTED_MAX: u32 = 256;

/// Imports or exports of one module or component that are read. More are refused.
pub(crate) const NAMES_MAX: usize = 10_000;

/// Programs kept in memory. The one that was not used for longest makes room.
pub(crate) const PROGRAMS_MAX: usize = 256;

/// Milliseconds for which a program that cannot be compiled is not tried again.
pub(crate) const REFUSED_PROGRAM_MS: u64 = 60_000;

/// Programs of which is remembered that they cannot be compiled. The oldest is forgotten.
pub(crate) const REFUSED_PROGRAMS_MAX: usize = 1_024;

/// Milliseconds between two looks at how much a sandbox holds.
pub(crate) const DISK_CHECK_MS: u64 = 250;

/// Files and directories of one sandbox. More end the task as more disk would.
pub(crate) const SANDBOX_ENTRIES_MAX: u64 = 100_000;

/// Directories within each other in a sandbox. Deeper ones end the task as more disk would.
pub(crate) const SANDBOX_DEPTH_MAX: usize = 128;

/// Addresses one name may stand for. More are left out.
pub(crate) const ADDRESSES_MAX: usize = 64;

/// Threads for file calls of guests. Others wait.
pub(crate) const GUEST_FILE_THREADS: usize = 16;

/// Threads for logs, sandboxes and compiling. Others wait.
pub(crate) const WORK_THREADS: usize = 8;

/// Memory maps that are left for all else than instances.
pub(crate) const MAPS_SPARE: u64 = 4_096;

/// Memory maps that one live instance takes: measured as 6.
pub(crate) const MAPS_PER_INSTANCE: u64 = 7;

/// Bytes of compiled code on disk, for one engine. Beyond it what was not used for the longest time
/// goes; if all was used lately, a program is compiled and not kept.
pub(crate) const CACHE_BYTES_MAX: u64 = 4 << 30;

/// Compiled code that was used within this time is not removed.
pub(crate) const CACHE_SPARED: Duration = Duration::from_secs(600);
