//! Executors from the command line: run on a cluster, listed, inspected, tried out without a
//! cluster, and made from core modules. The tests share one cluster, so none may disturb what
//! others run.

mod guests;
mod inspect;
mod pack;
mod run;
mod shipped;
mod try_out;
