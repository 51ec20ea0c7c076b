//! The tool grep. Its patterns are those of the crate `regex`: extended ones without
//! backreferences, in time linear in the text.

use regex::bytes::{Regex, RegexBuilder};

use crate::work::{Failure, Options, Work, next_line};

/// `grep [-EFivnclqohHwxs] [-m LINES] [-e PATTERN] [PATTERN] [FILE…]`: 0 if something fits, 1 if
/// nothing does
pub fn grep(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "EFivnclqohHwxs", "me")?;
    let mut paths = options.rest.clone();
    let pattern = match options.value('e') {
        Some(pattern) => pattern.to_owned(),
        None if paths.is_empty() => return Err(Failure::Usage("a pattern is missing".to_owned())),
        None => paths.remove(0),
    };
    let regex = compile(&options, &pattern)?;
    let lines_max = match options.value('m').map(str::parse::<u64>) {
        None => u64::MAX,
        Some(Ok(number)) => number,
        Some(Err(_)) => return Err(Failure::Usage("-m wants a number".to_owned())),
    };
    let names = options.has('H') || (paths.len() > 1 && !options.has('h'));
    let mut found_any = false;
    work.each("grep", &paths, |work, path, mut reader| {
        if found_any && options.has('q') {
            return Ok(());
        }
        let prefix = if names { format!("{path}:") } else { String::new() };
        let (mut line, mut number, mut found) = (Vec::new(), 0_u64, 0_u64);
        while found < lines_max && next_line(&mut *reader, &mut line)? {
            number += 1;
            if regex.is_match(&line) == options.has('v') {
                continue;
            }
            found += 1;
            if options.has('q') || options.has('l') {
                break;
            }
            if !options.has('c') {
                let numbered = if options.has('n') { format!("{number}:") } else { String::new() };
                show(work, &options, &regex, &line, &(prefix.clone() + &numbered))?;
            }
        }
        found_any |= found > 0;
        match () {
            () if options.has('q') => Ok(()),
            () if options.has('l') && found > 0 => work.write(format!("{path}\n").as_bytes()),
            () if options.has('c') => work.write(format!("{prefix}{found}\n").as_bytes()),
            () => Ok(()),
        }
    })?;
    Ok(match (work.has_failed, found_any) {
        (true, false) => 2,
        (true, true) if !options.has('q') => 2,
        (_, found) => u8::from(!found),
    })
}

fn show(
    work: &mut Work,
    options: &Options,
    regex: &Regex,
    line: &[u8],
    prefix: &str,
) -> Result<(), Failure> {
    if !options.has('o') {
        return work.write(&[prefix.as_bytes(), line, b"\n"].concat());
    }
    for found in regex.find_iter(line).filter(|found| !found.is_empty()) {
        work.write(&[prefix.as_bytes(), found.as_bytes(), b"\n"].concat())?;
    }
    Ok(())
}

/// Each line of the pattern is one of several.
fn compile(options: &Options, pattern: &str) -> Result<Regex, Failure> {
    let alternatives: Vec<String> = pattern
        .split('\n')
        .map(|line| match (options.has('F'), options.has('E')) {
            (true, _) => regex::escape(line),
            (false, true) => format!("(?:{line})"),
            (false, false) => format!("(?:{})", basic_to_extended(line)),
        })
        .collect();
    let whole = format!("(?:{})", alternatives.join("|"));
    let whole = match (options.has('x'), options.has('w')) {
        (true, _) => format!("^{whole}$"),
        (false, true) => format!(r"\b{whole}\b"),
        (false, false) => whole,
    };
    RegexBuilder::new(&whole).unicode(false).case_insensitive(options.has('i')).build().map_err(
        |error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
            Failure::Usage(format!("{pattern:?} is no pattern: {why}"))
        },
    )
}

/// In basic patterns `+ ? | ( ) { }` stand for themselves, and for more only after a backslash.
fn basic_to_extended(pattern: &str) -> String {
    let mut extended = String::new();
    let mut characters = pattern.chars().peekable();
    let mut in_set = false;
    while let Some(character) = characters.next() {
        match character {
            '[' if !in_set => {
                in_set = true;
                extended.push('[');
                // A `]` that comes first is in the set.
                extended.extend(characters.next_if_eq(&'^'));
                if characters.next_if_eq(&']').is_some() {
                    extended.push_str("\\]");
                }
            }
            ']' if in_set => {
                in_set = false;
                extended.push(']');
            }
            '\\' if in_set => extended.push_str("\\\\"),
            '[' if characters.peek() != Some(&':') => extended.push_str("\\["),
            _ if in_set => extended.push(character),
            '\\' => match characters.next() {
                Some(next @ ('+' | '?' | '|' | '(' | ')' | '{' | '}')) => extended.push(next),
                Some(next) => extended.extend(['\\', next]),
                None => extended.push_str("\\\\"),
            },
            '+' | '?' | '|' | '(' | ')' | '{' | '}' => extended.extend(['\\', character]),
            '*' if extended.is_empty() => extended.push_str("\\*"),
            _ => extended.push(character),
        }
    }
    extended
}
