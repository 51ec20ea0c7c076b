//! The wall around files, made of Landlock. It never opens what it lets through.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope,
};

use crate::walls::WallError;

/// The newest rules that this wall is made of; of those that a kernel does not know it does
/// without, and says so. Source: Linux 6.12.
const RULES: ABI = ABI::V6;

/// Lets only these through; answers what this kernel cannot keep away.
pub(super) fn raise(reads: &[PathBuf], writes: &[PathBuf]) -> Result<Vec<&'static str>, WallError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .scope(Scope::from_all(RULES))?
        .create()?;
    for path in reads {
        // Not every machine has every file of its own settings.
        let Ok(opened) = PathFd::new(path) else { continue };
        let what = of_kind(path, AccessFs::from_read(RULES) & !AccessFs::Execute);
        rules = rules.add_rule(PathBeneath::new(opened, what))?;
    }
    for path in writes {
        let opened =
            PathFd::new(path).map_err(|source| WallError::Path { path: path.clone(), source })?;
        let what = of_kind(path, AccessFs::from_all(RULES) & !never());
        rules = rules.add_rule(PathBeneath::new(opened, what))?;
    }
    let status = rules.restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Vec::new(),
        RulesetStatus::PartiallyEnforced => {
            vec![
                "this kernel's Landlock is older than 6.12: some ways to files or sockets are open",
            ]
        }
        RulesetStatus::NotEnforced => {
            vec!["this kernel has no Landlock: all files of its user are within reach"]
        }
    })
}

/// What nobody within walls needs: programs, devices, sockets with a name.
fn never() -> BitFlags<AccessFs> {
    AccessFs::Execute
        | AccessFs::MakeBlock
        | AccessFs::MakeChar
        | AccessFs::MakeFifo
        | AccessFs::MakeSock
}

/// Of a file only what files have.
fn of_kind(path: &Path, what: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { what } else { what & AccessFs::from_file(RULES) }
}
