//! What a tool reads from and writes to, its options, and how it fails.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

/// Bytes of one line. A longer one fails the tool, which would not live through it.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// Why a tool ended early.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody reads what it writes.
    NoReader,
    /// Its arguments are wrong.
    Usage(String),
    /// It could not do it.
    Failed(String),
}

/// The streams of a tool.
pub struct Work {
    stdin: Option<Box<dyn Read>>,
    stdout: BufWriter<Box<dyn Write>>,
    stderr: Box<dyn Write>,
    /// Whether something went wrong that it went on from.
    pub has_failed: bool,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NoReader,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl Work {
    /// With these streams.
    pub fn new(
        stdin: impl Read + 'static,
        stdout: impl Write + 'static,
        stderr: impl Write + 'static,
    ) -> Self {
        let stdout: Box<dyn Write> = Box::new(stdout);
        Self {
            stdin: Some(Box::new(stdin)),
            stdout: BufWriter::with_capacity(32 << 10, stdout),
            stderr: Box::new(stderr),
            has_failed: false,
        }
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stdout.write_all(bytes)?)
    }

    /// Writes what is buffered.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.stdout.flush()?)
    }

    /// Writes a line to stderr. If that fails there is nobody left to tell.
    pub fn warn(&mut self, line: &str) {
        let _ = self.stderr.write_all(format!("{line}\n").as_bytes());
    }

    /// Writes bytes to stderr.
    pub fn write_stderr(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stderr.write_all(bytes)?)
    }

    /// Goes on after something went wrong, but not as if it had not.
    pub fn note(&mut self, tool: &str, why: &str) {
        self.warn(&format!("{tool}: {why}"));
        self.has_failed = true;
    }

    /// The code of a tool that went on after failures.
    pub fn code(&self) -> u8 {
        u8::from(self.has_failed)
    }

    /// Opens what a word names: a file, or stdin for `-`.
    pub fn open(&mut self, path: &str) -> Result<Box<dyn BufRead>, Failure> {
        if path == "-" {
            let stdin = self.stdin.take().unwrap_or_else(|| Box::new(io::empty()));
            return Ok(Box::new(BufReader::with_capacity(32 << 10, stdin)));
        }
        let file = File::open(path).map_err(|error| failed(path, &error))?;
        // It can be opened, but not be read.
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Failure::Failed(format!("{path}: it is a directory")));
        }
        Ok(Box::new(BufReader::with_capacity(32 << 10, file)))
    }

    /// Does something with each of the files, or with stdin if none is named. One that cannot be
    /// opened is noted.
    pub fn each(
        &mut self,
        tool: &str,
        paths: &[String],
        mut act: impl FnMut(&mut Self, &str, Box<dyn BufRead>) -> Result<(), Failure>,
    ) -> Result<u8, Failure> {
        let stdin = ["-".to_owned()];
        for path in if paths.is_empty() { &stdin } else { paths } {
            match self.open(path) {
                Ok(reader) => act(self, path, reader)?,
                Err(Failure::Failed(why)) => self.note(tool, &why),
                Err(failure) => return Err(failure),
            }
        }
        Ok(self.code())
    }
}

/// Takes the next line without its end; answers whether there was one.
pub fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool, Failure> {
    line.clear();
    let taken = reader.take(LINE_BYTES_MAX as u64).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if taken == LINE_BYTES_MAX {
        return Err(Failure::Failed(format!("a line of over {LINE_BYTES_MAX} bytes")));
    }
    Ok(taken > 0)
}

/// What went wrong with a path.
pub fn failed(path: &str, error: &io::Error) -> Failure {
    Failure::Failed(format!("{path}: {error}"))
}

/// Options and what is left of the arguments.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    letters: Vec<(char, String)>,
    /// The arguments that are no options.
    pub rest: Vec<String>,
}

impl Options {
    /// Reads `-ab`, `-n 5`, `-n5` and `--`: `flags` stand alone, `valued` have a value.
    pub fn read(arguments: &[String], flags: &str, valued: &str) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                options.rest.push(word.clone());
                continue;
            };
            if letters == "-" {
                options.rest.extend(words.cloned());
                break;
            }
            for (at, letter) in letters.char_indices() {
                if flags.contains(letter) {
                    options.letters.push((letter, String::new()));
                } else if valued.contains(letter) {
                    let value = match &letters[at + letter.len_utf8()..] {
                        "" => words.next().cloned().unwrap_or_default(),
                        value => value.to_owned(),
                    };
                    if value.is_empty() && letter != 'd' {
                        return Err(Failure::Usage(format!("-{letter} wants a value")));
                    }
                    options.letters.push((letter, value));
                    break;
                } else {
                    let known: String = flags.chars().chain(valued.chars()).collect();
                    let why =
                        format!("{word:?} is not supported; allowed are the options {known:?}");
                    return Err(Failure::Usage(why));
                }
            }
        }
        Ok(options)
    }

    /// Whether the flag is there.
    pub fn has(&self, letter: char) -> bool {
        self.letters.iter().any(|(own, _)| *own == letter)
    }

    /// The last value of an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.letters.iter().rev().find(|(own, _)| *own == letter).map(|(_, value)| value.as_str())
    }
}
