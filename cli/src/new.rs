//! `stoa new`: projects that build, written at once or not at all. It never changes what is there.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::config::{New, NewExecutor, Output};
use crate::failure::{Failure, code};

mod name;
mod templates;

pub use name::ProjectName;

/// Does what was asked for.
///
/// # Errors
/// [`Failure`] if the directory is there already, or cannot be written.
pub fn new(command: &New, output: Output) -> Result<(), Failure> {
    let New::Executor(arguments) = command;
    let dir = arguments.dir.clone().unwrap_or_else(|| PathBuf::from(arguments.name.as_str()));
    write_project(arguments, &dir)?;
    say_what_next(arguments, &dir, output);
    Ok(())
}

/// Writes the project beside its place and moves it there, so that nobody sees a part of it.
fn write_project(arguments: &NewExecutor, dir: &Path) -> Result<(), Failure> {
    if dir.symlink_metadata().is_ok() {
        return Err(there_already(dir));
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let cannot = |error: std::io::Error| {
        let message = format!("cannot make {}: {error}", dir.display());
        Failure::new(code::FAILURE, message)
            .hint(format!("mkdir -p {} makes the directory it is to be in", parent.display()))
    };
    let beside = tempfile::Builder::new().prefix(".stoa-new-").tempdir_in(parent);
    let beside = beside.map_err(cannot)?;
    // One further down, as a temporary directory itself is for its owner alone.
    let unfinished = beside.path().join(arguments.name.as_str());
    for file in templates::files(arguments.lang) {
        write_file(&unfinished.join(file.path), &named(file.content, &arguments.name))
            .map_err(cannot)?;
    }
    match renameat_with(CWD, &unfinished, CWD, dir, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(there_already(dir)),
        Err(error) => Err(cannot(error.into())),
    }
}

fn there_already(dir: &Path) -> Failure {
    let message = format!("{} is there already, and nothing is ever overwritten", dir.display());
    Failure::new(code::FAILURE, message).hint("name another directory with --dir DIR")
}

fn write_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let is_script = path.extension().is_some_and(|extension| extension == "sh");
    let mode = if is_script { 0o777 } else { 0o666 };
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)
}

/// The content with the project's name in place of the template's. What is no text has none.
fn named(content: &[u8], name: &ProjectName) -> Vec<u8> {
    match str::from_utf8(content) {
        Ok(text) => text
            .replace(templates::NAME, name.as_str())
            .replace(&templates::NAME.replace('-', "_"), &name.with_underscores())
            .into_bytes(),
        Err(_) => content.to_vec(),
    }
}

fn say_what_next(arguments: &NewExecutor, dir: &Path, output: Output) {
    let name = &arguments.name;
    let change = format!("cd {}", dir.display());
    let build = "./build.sh".to_owned();
    let test = format!("stoa executor test {name}.wasm --script events.json");
    let needs = templates::needs(arguments.lang).iter().map(|need| (*need).to_owned());
    let next: Vec<_> = std::iter::once(change).chain(needs).chain([build, test]).collect();
    match output {
        Output::Table => {
            println!("{} is a new executor. README.md says what is in it. Next:\n", dir.display());
            for command in next {
                println!("    {command}");
            }
        }
        Output::Json => {
            println!("{}", serde_json::json!({ "name": name.as_str(), "dir": dir, "next": next }));
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::config::Language;

    fn arguments(lang: Language) -> NewExecutor {
        NewExecutor { name: "map-reduce".parse().unwrap(), lang, dir: None }
    }

    #[test]
    fn project_is_whole_and_has_its_name_everywhere() {
        for language in Language::value_variants() {
            let place = tempfile::tempdir().unwrap();
            let dir = place.path().join("p");
            write_project(&arguments(*language), &dir).unwrap();
            for file in templates::files(*language) {
                let written = std::fs::read(dir.join(file.path)).unwrap();
                let text = String::from_utf8_lossy(&written);
                assert!(!text.contains("example-executor"), "{}", file.path);
                assert!(!text.contains("example_executor"), "{}", file.path);
            }
            let readme = std::fs::read_to_string(dir.join("README.md")).unwrap();
            assert!(readme.starts_with("# map-reduce\n"), "{readme}");
            let build = std::fs::metadata(dir.join("build.sh")).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&build.permissions());
            assert_ne!(mode & 0o100, 0, "build.sh can be run");
            let left = std::fs::read_dir(place.path()).unwrap().count();
            assert_eq!(left, 1, "nothing but the project is left");
        }
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let empty = place.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        let link = place.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        for dir in [&empty, &link] {
            let failure = write_project(&arguments(Language::C), dir).unwrap_err();
            assert!(failure.message.contains("is there already"), "{failure}");
        }
        assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn directory_in_nowhere_is_a_failure_with_a_hint() {
        let failure = write_project(&arguments(Language::Js), Path::new("/not/there/p"));
        let failure = failure.unwrap_err();
        assert!(failure.message.contains("/not/there/p"), "{failure}");
        assert_eq!(failure.hint.unwrap(), "mkdir -p /not/there makes the directory it is to be in");
    }
}
