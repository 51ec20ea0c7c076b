//! Tools that write what they are told: basename, dirname, echo, env, printf, warn.

use std::io::Read;

use crate::work::{Failure, Options, Work};

/// `basename PATH [SUFFIX]`
pub fn basename(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "", "")?;
    let (path, suffix) = match options.rest.as_slice() {
        [path] => (path, ""),
        [path, suffix] => (path, suffix.as_str()),
        _ => return Err(Failure::Usage("a path, and maybe a suffix, are allowed".to_owned())),
    };
    let trimmed = path.trim_end_matches('/');
    let name = match trimmed.rsplit('/').next() {
        Some("") | None if path.starts_with('/') => "/",
        name => name.unwrap_or(""),
    };
    let name = name.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(name);
    work.write(format!("{name}\n").as_bytes())?;
    Ok(0)
}

/// `dirname PATH…`
pub fn dirname(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "", "")?;
    if options.rest.is_empty() {
        return Err(Failure::Usage("a path is missing".to_owned()));
    }
    for path in &options.rest {
        let directory = match path.trim_end_matches('/').rsplit_once('/') {
            Some((directory, _)) => match directory.trim_end_matches('/') {
                "" => "/",
                directory => directory,
            },
            None if path.starts_with('/') => "/",
            None => ".",
        };
        work.write(format!("{directory}\n").as_bytes())?;
    }
    Ok(0)
}

/// `echo [-n] [-e] [WORD…]`
pub fn echo(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let is_option = |word: &&String| {
        word.len() > 1 && word.starts_with('-') && word[1..].chars().all(|c| "neE".contains(c))
    };
    let options: Vec<&String> = arguments.iter().take_while(is_option).collect();
    let has = |letter: char| options.iter().any(|word| word.contains(letter));
    let text = arguments[options.len()..].join(" ");
    match has('e') {
        true => {
            let mut bytes = Vec::new();
            if !unescape(&text, &mut bytes) {
                return work.write(&bytes).map(|()| 0);
            }
            work.write(&bytes)?;
        }
        false => work.write(text.as_bytes())?,
    }
    if !has('n') {
        work.write(b"\n")?;
    }
    Ok(0)
}

/// Adds a text with its escapes replaced; answers whether more may follow.
fn unescape(text: &str, bytes: &mut Vec<u8>) -> bool {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend(character.to_string().as_bytes());
            continue;
        }
        match characters.next() {
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('r') => bytes.push(b'\r'),
            Some('a') => bytes.push(7),
            Some('b') => bytes.push(8),
            Some('f') => bytes.push(12),
            Some('v') => bytes.push(11),
            Some('e') => bytes.push(27),
            Some('c') => return false,
            Some('\\') => bytes.push(b'\\'),
            Some(first @ '0'..='7') => {
                let mut value = first.to_digit(8).unwrap_or(0);
                for _ in 0..if first == '0' { 3 } else { 2 } {
                    let Some(digit) = characters.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    characters.next();
                }
                bytes.push(value.to_le_bytes()[0]);
            }
            Some(other) => bytes.extend(format!("\\{other}").as_bytes()),
            None => bytes.push(b'\\'),
        }
    }
    true
}

/// `env`: what it is told, a line for each
pub fn env(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    if !arguments.is_empty() {
        let why = "it only prints; NAME=value before a command sets a variable for it";
        return Err(Failure::Usage(why.to_owned()));
    }
    for (name, value) in std::env::vars_os() {
        work.write(name.as_encoded_bytes())?;
        work.write(b"=")?;
        work.write(value.as_encoded_bytes())?;
        work.write(b"\n")?;
    }
    Ok(0)
}

/// `warn [WORD…]`: words to stderr, or without any what it reads
pub fn warn(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    if !arguments.is_empty() {
        work.warn(&arguments.join(" "));
        return Ok(0);
    }
    let mut reader = work.open("-")?;
    let mut buffer = [0; 8 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(0),
            taken => work.write_stderr(&buffer[..taken])?,
        }
    }
}

/// `printf FORMAT [WORD…]`, with %s %b %d %i %u %x %X %o %c %% and widths
pub fn printf(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let Some((format, words)) = arguments.split_first() else {
        return Err(Failure::Usage("a format is missing".to_owned()));
    };
    let mut words = words.iter();
    loop {
        let before = words.len();
        let mut bytes = Vec::new();
        let goes_on = print_once(work, format, &mut words, &mut bytes)?;
        work.write(&bytes)?;
        // The format is used again as long as it uses up words.
        if !goes_on || words.len() == 0 || words.len() == before {
            return Ok(work.code());
        }
    }
}

fn print_once<'a>(
    work: &mut Work,
    format: &str,
    words: &mut impl Iterator<Item = &'a String>,
    bytes: &mut Vec<u8>,
) -> Result<bool, Failure> {
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        if !unescape(&rest[..at], bytes) {
            return Ok(false);
        }
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            bytes.push(b'%');
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (how, kind) = rest.split_at(end);
        let Some(letter) = kind.chars().next() else {
            return Err(Failure::Usage(format!("%{how} in the format is not complete")));
        };
        rest = &kind[1..];
        let text = words.next().map_or("", String::as_str);
        let text = convert(work, letter, text)?;
        let Some(text) = text else { return Ok(false) };
        pad(how, &text, "diuxXo".contains(letter), bytes)?;
    }
    Ok(unescape(rest, bytes))
}

/// What stands for the word; none if nothing more is to be written.
fn convert(work: &mut Work, letter: char, text: &str) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match letter {
        's' => text.as_bytes().to_vec(),
        'c' => text.chars().take(1).collect::<String>().into_bytes(),
        'b' => {
            let mut bytes = Vec::new();
            if !unescape(text, &mut bytes) {
                return Ok(None);
            }
            bytes
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let number = match text.trim() {
                "" => 0,
                text => text.parse::<i64>().unwrap_or_else(|_| {
                    work.note("printf", &format!("{text:?} is no 64-bit integer"));
                    0
                }),
            };
            let shown = match letter {
                'x' => format!("{number:x}"),
                'X' => format!("{number:X}"),
                'o' => format!("{number:o}"),
                _ => number.to_string(),
            };
            shown.into_bytes()
        }
        _ => {
            return Err(Failure::Usage(format!(
                "%{letter} is not supported; s b c d i u x X o are"
            )));
        }
    }))
}

/// Adds a text within the width and precision that stand between `%` and the letter.
fn pad(how: &str, text: &[u8], is_number: bool, bytes: &mut Vec<u8>) -> Result<(), Failure> {
    const WIDTH_MAX: usize = 1 << 20;
    let flags: String = how.chars().take_while(|c| "-0+ ".contains(*c)).collect();
    let (width, precision) = match how[flags.len()..].split_once('.') {
        Some((width, precision)) => (width, Some(precision)),
        None => (&how[flags.len()..], None),
    };
    let number = |text: &str| match text {
        "" => Ok(0),
        text => text.parse::<usize>().ok().filter(|number| *number <= WIDTH_MAX).ok_or_else(|| {
            Failure::Usage(format!("{text:?} is no width; 0 to {WIDTH_MAX} are allowed"))
        }),
    };
    let width = number(width)?;
    let text = match precision {
        Some(precision) if !is_number => &text[..text.len().min(number(precision)?)],
        _ => text,
    };
    let sign: &[u8] = if is_number && flags.contains('+') && text[0] != b'-' { b"+" } else { b"" };
    let missing = width.saturating_sub(text.len() + sign.len());
    if flags.contains('-') {
        bytes.extend(sign.iter().chain(text));
        bytes.resize(bytes.len() + missing, b' ');
    } else if flags.contains('0') && is_number {
        let (minus, digits) = text.split_at(usize::from(text.starts_with(b"-")));
        bytes.extend(sign.iter().chain(minus));
        bytes.resize(bytes.len() + missing, b'0');
        bytes.extend(digits);
    } else {
        bytes.resize(bytes.len() + missing, b' ');
        bytes.extend(sign.iter().chain(text));
    }
    Ok(())
}
