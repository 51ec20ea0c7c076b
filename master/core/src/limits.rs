//! The bounds of what others can make a master hold, and its times: each with what happens there.
//! It never enforces any of them.

use stoa_model::limits::DURATION_MS_MAX;

/// Agents of the cluster. One more takes the place of the agent that is unreachable for longest,
/// or is refused if none is.
pub const AGENTS_MAX: usize = 100_000;

/// Agents that are gone for ever. Each is refused for ever, so none is forgotten: one more is not
/// declared gone, and the operator is told so. It stays unreachable, and as such makes room for
/// another agent once there are [`AGENTS_MAX`].
pub const AGENTS_GONE_MAX: usize = 100_000;

/// Frameworks that are not over. One more is refused with an Error.
pub const FRAMEWORKS_MAX: usize = 10_000;

/// Removed frameworks that are remembered, so that agents that come back with their tasks are
/// told to end them. The oldest is forgotten; its tasks would come back as orphans.
pub const FRAMEWORKS_REMOVED_MAX: usize = 10_000;

/// Roles of one framework. More are refused with an Error.
pub const ROLES_PER_FRAMEWORK_MAX: usize = 64;

/// Outstanding offers of one framework. It is offered nothing more until it answers some.
pub const OFFERS_PER_FRAMEWORK_MAX: usize = 65_536;

/// Offers in one event. The rest follows in further events.
pub const OFFERS_PER_EVENT_MAX: usize = 256;

/// Filters of one framework for one agent. The one that ends first makes room for the next.
pub const FILTERS_PER_AGENT_MAX: usize = 8;

/// Requests that one framework may have standing. A longer Request is refused with an Error.
pub const REQUESTS_PER_FRAMEWORK_MAX: usize = 1_024;

/// Tasks of one framework that are not over or whose end is not acknowledged. One more is
/// DROPPED with a message that says so.
pub const TASKS_PER_FRAMEWORK_MAX: usize = 1_000_000;

/// Tasks that are over and remembered, of all frameworks together. The oldest is forgotten, and
/// its id may be used again.
pub const TASKS_COMPLETED_MAX: usize = 10_000;

/// Labels of one task or framework. More are refused.
pub const LABELS_MAX: usize = 64;

/// Bytes of a label's key and value together. Longer ones are refused.
pub const LABEL_BYTES_MAX: usize = 1_024;

/// Bytes of the name of a task, executor, framework, user or host. Longer ones are refused.
pub const NAME_BYTES_MAX: usize = 1_024;

/// Commands that wait until one agent has recorded them. A Launch is DROPPED then; a Kill and a
/// Shutdown are answered that they were not passed on. RemoveFramework always finds room: there
/// is at most one of each framework at the end of the row.
pub const COMMANDS_WAITING_MAX: usize = 65_536;

/// Questions about tasks that wait for agents that may come back with them. One more is refused
/// with an Error.
pub const QUESTIONS_HELD_MAX: usize = 100_000;

/// Questions for logs that wait for an agent's answer. One more is answered `TooManyWaiting`.
pub const LOG_REQUESTS_WAITING_MAX: usize = 1_024;

/// Tasks that an agent may report. A longer report is refused with an Error.
pub const TASKS_PER_REPORT_MAX: usize = 100_000;

/// The smallest memory of a task that runs a command: one page of wasm. Less is refused.
pub const COMMAND_MEMORY_BYTES_MIN: u64 = 64 << 10;

/// Thousandths of a cpu that are worth an offer. Source: Mesos, `min_allocatable_resources`.
pub const OFFER_CPUS_MILLI_MIN: u64 = 10;

/// Bytes of memory that are worth an offer. Source: Mesos, `min_allocatable_resources`.
pub const OFFER_MEMORY_BYTES_MIN: u64 = 32 << 20;

/// The largest weight of a role. Larger ones are refused at the start.
pub const WEIGHT_MAX: u32 = 1_000_000;

/// Milliseconds between two heartbeats of the master. Source: Mesos.
pub const HEARTBEAT_MS: u64 = 15_000;

/// Milliseconds without a word after which an agent is unreachable. Source: Mesos, 5 pings.
pub const AGENT_UNREACHABLE_MS: u64 = 5 * HEARTBEAT_MS;

/// Milliseconds that agents have to come back after a master's start. Source: Mesos.
pub const AGENT_REREGISTER_MS: u64 = 600_000;

/// Milliseconds between two agents that are given up. Each costs its tasks a place, and schedulers
/// start them elsewhere; a fault of the network is often over before many are lost.
pub const AGENT_LOSS_INTERVAL_MS: u64 = 1_000;

/// The share of all agents, in hundredths, that may be away or lost at once. More than that is
/// rather the master's own fault or the network's: then no agent is given up until enough of them
/// are back or an operator says so. At 100 there is no such bound.
/// Source: Mesos, `recovery_agent_removal_limit`, which is 100 there and ends the master.
pub const AGENTS_LOST_PERCENT_MAX: u64 = 30;

/// So many may be away or lost in any case, so that small clusters lose agents too.
pub const AGENTS_LOST_MIN: usize = 3;

/// Milliseconds for which an agent that was given up counts as lost.
pub const AGENTS_LOST_WINDOW_MS: u64 = 600_000;

/// Heartbeats without a word after which an agent counts as away.
pub const HEARTBEATS_MISSED_MAX: u64 = 2;

/// Milliseconds after which an unanswered offer is rescinded.
pub const OFFER_LEASE_MS: u64 = 60_000;

/// Milliseconds between two beats: what was declined without a filter is offered to the same
/// framework again at the next. Source: Mesos, `allocation_interval`.
pub const BATCH_MS: u64 = 1_000;

/// Milliseconds for which a leader's lease lasts at the store. Source: Mesos, the session timeout
/// of ZooKeeper.
pub const LEADER_LEASE_MS: u64 = 10_000;

/// Milliseconds before the end of its lease at which a leader stops: more than clocks drift apart,
/// and what it has sent arrives, in the life of a lease.
pub const LEADER_LEASE_MARGIN_MS: u64 = 4_000;

/// Milliseconds between two keep-alives of a leader's lease.
pub const KEEP_ALIVE_MS: u64 = 2_000;

/// Keep-alives that wait for an answer. The oldest is given up: its answer would say little.
pub const KEEP_ALIVES_WAITING_MAX: usize = 16;

/// The longest of these times that a configuration may ask for.
pub const CONFIG_MS_MAX: u64 = DURATION_MS_MAX;

const _: () = assert!(2 * HEARTBEAT_MS < AGENT_UNREACHABLE_MS);
const _: () = assert!(AGENT_UNREACHABLE_MS < AGENT_REREGISTER_MS);
const _: () = assert!(LEADER_LEASE_MS <= 3 * LEADER_LEASE_MARGIN_MS);
const _: () = assert!(2 * KEEP_ALIVE_MS <= LEADER_LEASE_MS - LEADER_LEASE_MARGIN_MS);
