//! Executors and tasks in other languages than Rust, and projects made by `stoa new`: built from their
//! sources by the tools people use, then run. Slow, and in need of these tools, so it runs with the
//! feature `languages` alone; `./check languages` installs the tools and runs it.

mod executors;
mod tasks;
mod tools;
