//! The one checker of invariants: it is told what happens in a cluster, and says what must not be.
//! Both the simulator and the tests with real processes use it. It is pure: it never asks a core or
//! a clock, opens nothing, and repairs nothing.
//!
//! [`Checker`] is the door. Whoever sees everything (the simulator) tells it every step of every
//! core; whoever sees a scheduler's side alone tells it `on_said` and `on_told`, and may add the
//! records of the agents' checkpoints by `on_agent_record` before. [`Invariant`] lists what is
//! checked, by the ids of the reliability plan.
//!
//! | ids | where |
//! |---|---|
//! | L1 to L5, L7 | `leadership`; L6 is L3 and L4; L8 is V1 |
//! | R1 to R3, R5, R6, R10 | `offers`; R4 is part of R5 |
//! | R7 | `checkpoints`; R8 in `checker`; R11 in `authors`; R13 when all is at rest |
//! | R9 | does not apply: there are no reservations and quotas yet |
//! | T1, T3, T5 to T7, T11 | `checkpoints` and `authors`; T4, T8, T9 also when all is at rest |
//! | T2 | does not apply: an id is used once, so there is one attempt (T1) |
//! | T10, T12 | processes only: limits and paths are the host's |
//! | U1, U2, U4 to U6 | `checkpoints` and `authors`; U3 and U11 when all is at rest |
//! | U7 | T6 and U5: what a host says twice is made once |
//! | U8 | A1 and T6: what a master says by itself is recorded, and no later one denies it |
//! | U9 | U11 |
//! | U10 | `authors` |
//! | A1, A2, A4 to A6 | `agents`; A7 when all is at rest |
//! | A3 | not yet: no world has two processes with one agent's state |
//! | A8 | does not apply: there are no exclusive leases of tasks |
//! | A9 | processes only |
//! | A10 | V2, with one-way partitions among the faults |
//! | F1, F2 | `streams`; F4 is R11 |
//! | F3 | does not apply: there is one principal |
//! | F5 | processes only: bounded queues are the edge's |
//! | D1, D3 | when agents and masters start again; D2, D4 to D6: processes, the journal's tests |
//! | S1 to S8 | do not apply here: access control comes later, walls are the host's |
//! | V1, V2 | when all is at rest; V3 is U3, V4 is T8, V6 is R13 and T4 |
//! | R12, V5 | not yet: the allocator's own tests see that no agent lies idle in vain |

mod agents;
mod authors;
mod checker;
mod checkpoints;
mod invariant;
mod leadership;
mod names;
mod offers;
mod streams;
mod violation;

pub use agents::Patience;
pub use checker::{Checker, Key, Step};
pub use invariant::Invariant;
pub use names::{Life, Name};
pub use violation::{Checked, Violation, ensure};
