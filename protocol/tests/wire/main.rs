//! The doors seen from outside: what goes through them comes back, what is not legal does not get
//! in, and garbage harms nobody.

mod fixtures;
mod garbage;
mod hosts;
mod refusals;
mod refused_tasks;
mod round_trip;
