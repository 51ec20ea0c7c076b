//! Projects made by `stoa new`, and tasks in other languages: built from their sources by the tools
//! people use, then run. Slow, and in need of these tools, so it is built with the feature
//! `languages` alone; `./check languages` installs the tools and runs it.

mod executors;
mod tasks;
mod tools;
