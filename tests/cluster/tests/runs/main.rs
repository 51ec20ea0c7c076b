//! `stoa run` on a cluster: what it prints, what it grants, and what it exits with. The tests share
//! one cluster, so none may disturb what others run.

mod bad_input;
mod exit_codes;
mod grants;
mod outputs;
mod travel;
