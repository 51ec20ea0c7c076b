//! Tools that change or list files: cp, ls, mkdir, mv, rm, touch.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::work::{Failure, Options, Work, failed};

/// Directories within each other that cp and rm enter. Deeper ones fail them.
const DEPTH_MAX: usize = 256;

/// `ls [-1aAlFp] [PATH…]`, one name in each line
pub fn ls(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "1aAlFp", "")?;
    let here = [".".to_owned()];
    let paths = if options.rest.is_empty() { &here } else { options.rest.as_slice() };
    let mut directories = Vec::new();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => directories.push(path),
            Ok(metadata) => show(work, &options, path, &metadata)?,
            Err(error) => work.note("ls", &format!("{path}: {error}")),
        }
    }
    for (index, directory) in directories.iter().enumerate() {
        if paths.len() > 1 {
            let blank = if index == 0 && directories.len() == paths.len() { "" } else { "\n" };
            work.write(format!("{blank}{directory}:\n").as_bytes())?;
        }
        if let Err(Failure::Failed(why)) = list(work, &options, directory) {
            work.note("ls", &why);
        }
    }
    Ok(work.code())
}

fn list(work: &mut Work, options: &Options, directory: &str) -> Result<(), Failure> {
    let entries = fs::read_dir(directory).map_err(|error| failed(directory, &error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(directory, &error))?;
        names.push((entry.file_name(), entry.metadata()));
    }
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, metadata) in names {
        let name = name.to_string_lossy();
        let is_self = name == "." || name == "..";
        let shows_hidden = options.has('a') || (options.has('A') && !is_self);
        if name.starts_with('.') && !shows_hidden {
            continue;
        }
        let metadata = metadata.map_err(|error| failed(&name, &error))?;
        show(work, options, &name, &metadata)?;
    }
    Ok(())
}

fn show(
    work: &mut Work,
    options: &Options,
    name: &str,
    metadata: &fs::Metadata,
) -> Result<(), Failure> {
    let mark = if metadata.is_dir() && (options.has('F') || options.has('p')) { "/" } else { "" };
    let line = match options.has('l') {
        true => {
            let kind = if metadata.is_dir() { 'd' } else { '-' };
            format!("{kind} {:>12} {name}{mark}\n", metadata.len())
        }
        false => format!("{name}{mark}\n"),
    };
    work.write(line.as_bytes())
}

/// `mkdir [-p] DIRECTORY…`
pub fn mkdir(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "p", "")?;
    wanted(&options, 1)?;
    for path in &options.rest {
        let made = match options.has('p') {
            true => make_all(Path::new(path)),
            false => fs::create_dir(path),
        };
        if let Err(error) = made {
            work.note("mkdir", &format!("{path}: {error}"));
        }
    }
    Ok(work.code())
}

/// Part by part: above the directories that were granted there is nothing to look at.
fn make_all(path: &Path) -> io::Result<()> {
    let mut whole = PathBuf::new();
    let mut last = Ok(());
    for part in path.components() {
        whole.push(part);
        last = match fs::create_dir(&whole) {
            Err(error) if !whole.is_dir() => Err(error),
            _ => Ok(()),
        };
    }
    last
}

/// `touch FILE…`: makes files that are not there
pub fn touch(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "", "")?;
    wanted(&options, 1)?;
    for path in &options.rest {
        if let Err(error) = OpenOptions::new().create(true).append(true).open(path) {
            work.note("touch", &format!("{path}: {error}"));
        }
    }
    Ok(work.code())
}

/// `rm [-rf] PATH…`
pub fn rm(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "rRf", "")?;
    if !options.has('f') {
        wanted(&options, 1)?;
    }
    let whole = options.has('r') || options.has('R');
    for path in &options.rest {
        let removed = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() && !whole => {
                Err(Failure::Failed(format!("{path}: it is a directory; -r removes it")))
            }
            Ok(metadata) if metadata.is_dir() => remove(Path::new(path), 0),
            Ok(_) => fs::remove_file(path).map_err(|error| failed(path, &error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && options.has('f') => Ok(()),
            Err(error) => Err(failed(path, &error)),
        };
        if let Err(Failure::Failed(why)) = removed {
            work.note("rm", &why);
        }
    }
    Ok(work.code())
}

fn remove(directory: &Path, depth: usize) -> Result<(), Failure> {
    let name = directory.to_string_lossy();
    for (path, is_directory) in entries(directory, depth)? {
        match is_directory {
            true => remove(&path, depth + 1)?,
            false => {
                fs::remove_file(&path).map_err(|error| failed(&path.to_string_lossy(), &error))?;
            }
        }
    }
    fs::remove_dir(directory).map_err(|error| failed(&name, &error))
}

/// What is in a directory, each with whether it is one itself; a link is none.
fn entries(directory: &Path, depth: usize) -> Result<Vec<(PathBuf, bool)>, Failure> {
    let name = directory.to_string_lossy();
    if depth > DEPTH_MAX {
        return Err(Failure::Failed(format!("{name}: deeper than {DEPTH_MAX} directories")));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| failed(&name, &error))? {
        let entry = entry.map_err(|error| failed(&name, &error))?;
        let kind = entry.file_type().map_err(|error| failed(&name, &error))?;
        found.push((entry.path(), kind.is_dir()));
    }
    Ok(found)
}

/// `cp [-r] FILE… TARGET`
pub fn cp(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "rRa", "")?;
    let whole = "rRa".chars().any(|letter| options.has(letter));
    each_into(work, "cp", &options, |from, to| match from.is_dir() {
        true if whole => copy_directory(from, to, 0),
        true => {
            let from = from.display();
            Err(Failure::Failed(format!("{from}: it is a directory; -r copies it")))
        }
        false => copy(from, to),
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let wrong = |path: &Path, error: &io::Error| failed(&path.to_string_lossy(), error);
    let mut source = fs::File::open(from).map_err(|error| wrong(from, &error))?;
    let mut target = fs::File::create(to).map_err(|error| wrong(to, &error))?;
    io::copy(&mut source, &mut target).map(drop).map_err(|error| wrong(to, &error))
}

fn copy_directory(from: &Path, to: &Path, depth: usize) -> Result<(), Failure> {
    if to.starts_with(from) {
        let (from, to) = (from.display(), to.display());
        return Err(Failure::Failed(format!("{from}: it cannot be copied into itself, {to}")));
    }
    if !to.is_dir() {
        fs::create_dir(to).map_err(|error| failed(&to.to_string_lossy(), &error))?;
    }
    for (path, is_directory) in entries(from, depth)? {
        let Some(name) = path.file_name() else { continue };
        match is_directory {
            true => copy_directory(&path, &to.join(name), depth + 1)?,
            false => copy(&path, &to.join(name))?,
        }
    }
    Ok(())
}

/// `mv PATH… TARGET`
pub fn mv(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "f", "")?;
    each_into(work, "mv", &options, |from, to| {
        fs::rename(from, to).map_err(|error| failed(&from.to_string_lossy(), &error))
    })
}

/// Does something with each path and the last one, or what it is called in there if that is a
/// directory.
fn each_into(
    work: &mut Work,
    tool: &str,
    options: &Options,
    act: impl Fn(&Path, &Path) -> Result<(), Failure>,
) -> Result<u8, Failure> {
    wanted(options, 2)?;
    let Some((target, sources)) = options.rest.split_last() else { return Ok(0) };
    let target = Path::new(target);
    if sources.len() > 1 && !target.is_dir() {
        return Err(Failure::Usage(format!("{} is no directory", target.display())));
    }
    for source in sources.iter().map(Path::new) {
        let to = match source.file_name() {
            Some(name) if target.is_dir() => target.join(name),
            _ => target.to_owned(),
        };
        let done = match source == to {
            true => Err(Failure::Failed(format!("{} is itself", source.display()))),
            false => act(source, &to),
        };
        if let Err(Failure::Failed(why)) = done {
            work.note(tool, &why);
        }
    }
    Ok(work.code())
}

fn wanted(options: &Options, number: usize) -> Result<(), Failure> {
    match options.rest.len() < number {
        true => Err(Failure::Usage(format!("at least {number} paths are wanted"))),
        false => Ok(()),
    }
}
