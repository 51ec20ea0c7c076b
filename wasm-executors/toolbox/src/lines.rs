//! Tools that pass on lines or bytes: cat, head, tail, tee, uniq.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Write};

use crate::work::{Failure, Options, Work, failed, next_line};

/// `cat [-n] [FILE…]`
pub fn cat(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "nu", "")?;
    let numbers = options.has('n');
    let mut count = 0_u64;
    work.each("cat", &options.rest, |work, _, mut reader| {
        if !numbers {
            return copy(work, &mut *reader, u64::MAX);
        }
        let mut line = Vec::new();
        while next_line(&mut *reader, &mut line)? {
            count += 1;
            work.write(format!("{count:>6}\t").as_bytes())?;
            line.push(b'\n');
            work.write(&line)?;
        }
        Ok(())
    })
}

/// Passes on as many bytes, as they come.
fn copy(work: &mut Work, reader: &mut dyn BufRead, bytes_max: u64) -> Result<(), Failure> {
    let mut left = bytes_max;
    while left > 0 {
        let bytes = reader.fill_buf()?;
        let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if taken == 0 {
            break;
        }
        work.write(&bytes[..taken])?;
        // Who waits at the other end of a pipe gets it now.
        work.flush()?;
        reader.consume(taken);
        left -= taken as u64;
    }
    Ok(())
}

/// How much of a text is meant: `-n LINES` or `-c BYTES`, by default 10 lines.
enum Amount {
    Lines(u64),
    Bytes(u64),
}

/// Also the old `-5`. Answers whether the number had a sign before it, too.
fn amount(arguments: &[String]) -> Result<(Amount, char, Options), Failure> {
    let is_old = |word: &str| word.len() > 1 && word[1..].bytes().all(|byte| byte.is_ascii_digit());
    let arguments: Vec<String> = arguments
        .iter()
        .map(|word| match word.strip_prefix('-').filter(|_| is_old(word)) {
            Some(digits) => format!("-n{digits}"),
            None => word.clone(),
        })
        .collect();
    let options = Options::read(&arguments, "q", "nc")?;
    let text = options.value('c').or(options.value('n')).unwrap_or("10");
    let sign = text.chars().next().filter(|c| "+-".contains(*c)).unwrap_or(' ');
    let digits = text.trim_start_matches(sign);
    let number = digits.parse().map_err(|_| Failure::Usage(format!("{text:?} is no number")))?;
    let amount = match options.value('c') {
        Some(_) => Amount::Bytes(number),
        None => Amount::Lines(number),
    };
    Ok((amount, sign, options))
}

fn header(work: &mut Work, path: &str, options: &Options, is_first: bool) -> Result<(), Failure> {
    if options.rest.len() < 2 || options.has('q') {
        return Ok(());
    }
    let blank = if is_first { "" } else { "\n" };
    work.write(format!("{blank}==> {path} <==\n").as_bytes())
}

/// `head [-n LINES | -c BYTES] [FILE…]`
pub fn head(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let (amount, sign, options) = amount(arguments)?;
    if sign != ' ' {
        return Err(Failure::Usage("a number with a sign is not supported".to_owned()));
    }
    let mut is_first = true;
    work.each("head", &options.rest, |work, path, mut reader| {
        header(work, path, &options, std::mem::take(&mut is_first))?;
        match amount {
            Amount::Bytes(bytes) => copy(work, &mut *reader, bytes),
            Amount::Lines(lines) => {
                let mut line = Vec::new();
                for _ in 0..lines {
                    line.clear();
                    if reader.read_until(b'\n', &mut line)? == 0 {
                        break;
                    }
                    work.write(&line)?;
                }
                Ok(())
            }
        }
    })
}

/// `tail [-n [+]LINES | -c [+]BYTES] [FILE…]`
pub fn tail(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let (amount, sign, options) = amount(arguments)?;
    let from_start = sign == '+';
    let mut is_first = true;
    work.each("tail", &options.rest, |work, path, mut reader| {
        header(work, path, &options, std::mem::take(&mut is_first))?;
        match amount {
            Amount::Bytes(number) if from_start => {
                std::io::copy(
                    &mut (&mut *reader).take(number.saturating_sub(1)),
                    &mut std::io::sink(),
                )?;
                copy(work, &mut *reader, u64::MAX)
            }
            Amount::Bytes(number) => {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let mut last = VecDeque::new();
                loop {
                    let bytes = reader.fill_buf()?;
                    let taken = bytes.len();
                    if taken == 0 {
                        break;
                    }
                    last.extend(bytes);
                    reader.consume(taken);
                    last.drain(..last.len().saturating_sub(number));
                }
                work.write(last.make_contiguous())
            }
            Amount::Lines(number) => tail_lines(work, &mut *reader, number, from_start),
        }
    })
}

fn tail_lines(
    work: &mut Work,
    reader: &mut dyn BufRead,
    number: u64,
    from_start: bool,
) -> Result<(), Failure> {
    let mut last = VecDeque::new();
    let mut line = Vec::new();
    let mut count = 0_u64;
    while reader.read_until(b'\n', &mut line)? > 0 {
        count += 1;
        if from_start {
            if count >= number {
                work.write(&line)?;
            }
            line.clear();
            continue;
        }
        last.push_back(std::mem::take(&mut line));
        if last.len() as u64 > number {
            last.pop_front();
        }
    }
    last.iter().try_for_each(|line| work.write(line))
}

/// `tee [-a] [FILE…]`
pub fn tee(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "a", "")?;
    let mut files: Vec<(&String, File)> = Vec::new();
    for path in &options.rest {
        let mut how = OpenOptions::new();
        how.create(true);
        match options.has('a') {
            true => how.append(true),
            false => how.write(true).truncate(true),
        };
        match how.open(path) {
            Ok(file) => files.push((path, file)),
            Err(error) => work.note("tee", &format!("{path}: {error}")),
        }
    }
    let mut reader = work.open("-")?;
    loop {
        let bytes = reader.fill_buf()?;
        let taken = bytes.len();
        if taken == 0 {
            return Ok(work.code());
        }
        for (path, file) in &mut files {
            file.write_all(bytes).map_err(|error| failed(path, &error))?;
        }
        work.write(bytes)?;
        work.flush()?;
        reader.consume(taken);
    }
}

/// `uniq [-c | -d | -u] [-i] [FILE]`
pub fn uniq(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "cdui", "")?;
    if options.rest.len() > 1 {
        return Err(Failure::Usage("one file at most is allowed".to_owned()));
    }
    let is_same = |a: &[u8], b: &[u8]| match options.has('i') {
        true => a.eq_ignore_ascii_case(b),
        false => a == b,
    };
    let show = |work: &mut Work, line: &[u8], count: u64| {
        if (options.has('d') && count == 1) || (options.has('u') && count > 1) {
            return Ok(());
        }
        if options.has('c') {
            work.write(format!("{count:>7} ").as_bytes())?;
        }
        work.write(line)?;
        work.write(b"\n")
    };
    work.each("uniq", &options.rest, |work, _, mut reader| {
        let (mut before, mut line) = (Vec::new(), Vec::new());
        let mut count = 0_u64;
        while next_line(&mut *reader, &mut line)? {
            if count > 0 && !is_same(&before, &line) {
                show(work, &before, count)?;
                count = 0;
            }
            if count == 0 {
                std::mem::swap(&mut before, &mut line);
            }
            count += 1;
        }
        if count > 0 { show(work, &before, count) } else { Ok(()) }
    })
}
