//! A whole cluster in one thread: both cores and the SDK's session, with everything around them
//! simulated and drawn from one seed: the network, the disks, the executor hosts, the authors of
//! schedulers, the clock, and what goes wrong. It never opens a stream or a file, asks no clock,
//! and never prints: [`run`] returns what happened.
//!
//! A walk through the house: `world` holds everyone and moves the time, `queue` what is under way,
//! `network` the streams, `edge` what waits for a disk, `clock` what each process takes for the
//! time. `master`, `agent` and `scheduler` are the processes, `store` is where masters keep things
//! and `elections` what they do to lead, `host`, `author` and `operator` are those who deal with
//! them, `whims` and `faults` what they do unasked. The checker of `stoa-invariants` is told
//! everything and says what must not be; `settle` says what must be in the end, and `seen` counts
//! what should happen sometimes. `stage` is a world without chance that follows commands, for
//! transcripts.

mod agent;
mod author;
mod chance;
mod clock;
mod edge;
mod elections;
mod faults;
mod guest;
mod host;
mod master;
mod network;
mod operator;
mod outcome;
mod plan;
mod print;
mod queue;
mod run;
mod scheduler;
mod seeds;
mod seen;
mod settle;
mod stage;
mod status_line;
mod store;
mod transcript;
mod whims;
mod world;

pub use outcome::{Counts, Outcome};
pub use plan::Faults;
pub use run::run;
pub use seeds::{Report, play_seeds};
pub use seen::{Seen, Tally};
pub use stage::play;
