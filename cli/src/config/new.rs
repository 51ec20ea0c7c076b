//! The flags of `stoa new`. It never acts on them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::new::ProjectName;

/// `stoa new`.
#[derive(Debug, Subcommand)]
pub enum New {
    /// Writes a project that builds an executor, with a script to try it with.
    Executor(NewExecutor),
}

/// `stoa new executor`.
#[derive(Debug, Args)]
pub struct NewExecutor {
    /// The name of the project, its component and its directory.
    #[arg(value_name = "NAME")]
    pub name: ProjectName,
    /// What it is written in.
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Language,
    /// The directory to make; NAME, where the command is typed, if none is given.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// What an executor is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, with the SDK.
    Rust,
    /// Python, by componentize-py.
    Python,
    /// JavaScript, by componentize-qjs.
    Js,
    /// C, by clang and a wasi-libc.
    C,
}
