//! Tools that look at the fields of lines: cut, sort.

use std::cmp::Ordering;
use std::fs;

use crate::work::{Failure, Options, Work, failed, next_line};

/// Ranges such as `1,3-5,7-`, from 1 on.
fn ranges(text: &str) -> Result<Vec<(usize, usize)>, Failure> {
    let wrong = || Failure::Usage(format!("{text:?} is no list of ranges such as 1,3-5,7-"));
    let number = |text: &str, empty: usize| match text {
        "" => Some(empty),
        text => text.parse::<usize>().ok().filter(|number| *number > 0),
    };
    text.split(',')
        .map(|range| {
            let (from, to) = match range.split_once('-') {
                Some(("", "")) => return Err(wrong()),
                Some((from, to)) => (number(from, 1), number(to, usize::MAX)),
                None if range.is_empty() => return Err(wrong()),
                None => (number(range, 1), number(range, 1)),
            };
            from.zip(to).filter(|(from, to)| from <= to).ok_or_else(wrong)
        })
        .collect()
}

/// `cut -f LIST [-d CHARACTER] [-s]`, `cut -c LIST`, `cut -b LIST`
pub fn cut(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "s", "fdcb")?;
    let lists: Vec<char> = "fcb".chars().filter(|c| options.value(*c).is_some()).collect();
    let &[kind] = lists.as_slice() else {
        return Err(Failure::Usage("one of -f, -c and -b is wanted".to_owned()));
    };
    let ranges = ranges(options.value(kind).unwrap_or(""))?;
    let is_in = |number: usize| ranges.iter().any(|(from, to)| (*from..=*to).contains(&number));
    let &[delimiter] = options.value('d').unwrap_or("\t").as_bytes() else {
        return Err(Failure::Usage("-d wants one character of one byte".to_owned()));
    };
    work.each("cut", &options.rest, |work, _, mut reader| {
        let mut line = Vec::new();
        while next_line(&mut *reader, &mut line)? {
            let kept = match kind {
                'f' if !line.contains(&delimiter) => match options.has('s') {
                    true => continue,
                    false => line.clone(),
                },
                'f' => {
                    let fields = line.split(|byte| *byte == delimiter).enumerate();
                    let fields = fields.filter(|(at, _)| is_in(at + 1)).map(|(_, field)| field);
                    fields.collect::<Vec<_>>().join(&delimiter)
                }
                'c' => {
                    let text = String::from_utf8_lossy(&line);
                    let characters = text.chars().enumerate().filter(|(at, _)| is_in(at + 1));
                    characters.map(|(_, character)| character).collect::<String>().into_bytes()
                }
                _ => {
                    let bytes = line.iter().enumerate().filter(|(at, _)| is_in(at + 1));
                    bytes.map(|(_, byte)| *byte).collect()
                }
            };
            work.write(&kept)?;
            work.write(b"\n")?;
        }
        Ok(())
    })
}

/// By what lines are sorted.
struct Order {
    /// Fields, from 1 on; none is the whole line.
    key: Option<(usize, usize)>,
    /// What ends a field; none is a run of blanks.
    delimiter: Option<u8>,
    numeric: bool,
    folds: bool,
    reversed: bool,
}

impl Order {
    fn read(options: &Options) -> Result<Self, Failure> {
        let delimiter = match options.value('t').map(str::as_bytes) {
            None => None,
            Some([delimiter]) => Some(*delimiter),
            Some(_) => {
                return Err(Failure::Usage("-t wants one character of one byte".to_owned()));
            }
        };
        let mut order = Self {
            key: None,
            delimiter,
            numeric: options.has('n'),
            folds: options.has('f'),
            reversed: options.has('r'),
        };
        if let Some(key) = options.value('k') {
            let numbers = key.trim_end_matches(['n', 'r', 'f']);
            let letters = &key[numbers.len()..];
            order.numeric |= letters.contains('n');
            order.folds |= letters.contains('f');
            order.reversed |= letters.contains('r');
            let (from, to) = numbers.split_once(',').unwrap_or((numbers, ""));
            let wrong = || Failure::Usage(format!("{key:?} is no key such as 2 or 2,3n"));
            let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
            let to = if to.is_empty() { Some(usize::MAX) } else { number(to) };
            order.key = Some(number(from).zip(to).ok_or_else(wrong)?);
        }
        Ok(order)
    }

    fn key<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        let Some((from, to)) = self.key else { return line };
        let mut ends = Vec::new();
        match self.delimiter {
            Some(delimiter) => {
                let found = line.iter().enumerate().filter(|(_, byte)| **byte == delimiter);
                ends.extend(found.map(|(at, _)| (at, at + 1)));
            }
            // The blanks before a field are part of it.
            None => {
                let is_end = |at: &usize| line[*at] == b' ' && *at > 0 && line[at - 1] != b' ';
                ends.extend((0..line.len()).filter(is_end).map(|at| (at, at)));
            }
        }
        ends.push((line.len(), line.len()));
        let start = match from {
            1 => 0,
            from => ends.get(from - 2).map_or(line.len(), |(_, next)| *next),
        };
        let end = ends.get(to - 1).map_or(line.len(), |(end, _)| *end);
        &line[start.min(end)..end]
    }

    fn compare_keys(&self, a: &[u8], b: &[u8]) -> Ordering {
        let (a, b) = (self.key(a), self.key(b));
        let order = match (self.numeric, self.folds) {
            (true, _) => number(a).total_cmp(&number(b)),
            (_, true) => a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase()),
            _ => a.cmp(b),
        };
        if self.reversed { order.reverse() } else { order }
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let whole = || if self.reversed { b.cmp(a) } else { a.cmp(b) };
        self.compare_keys(a, b).then_with(whole)
    }
}

/// The number that a text starts with; 0 if it starts with none.
fn number(text: &[u8]) -> f64 {
    let text = text.trim_ascii_start();
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let sign = usize::from(text.first() == Some(&b'-'));
    let end = sign + text[sign..].iter().take_while(|byte| is_part(byte)).count();
    let number = std::str::from_utf8(&text[..end]).ok().and_then(|text| text.parse().ok());
    // -0 is no other number.
    number.unwrap_or(0.0) + 0.0
}

/// `sort [-nrufs] [-k KEY] [-t CHARACTER] [-o FILE] [FILE…]`, by bytes
pub fn sort(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "nrufs", "kto")?;
    let order = Order::read(&options)?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    work.each("sort", &options.rest, |_, _, mut reader| {
        let mut line = Vec::new();
        while next_line(&mut *reader, &mut line)? {
            lines.push(line.clone());
        }
        Ok(())
    })?;
    match options.has('s') || options.has('u') {
        true => lines.sort_by(|a, b| order.compare_keys(a, b)),
        false => lines.sort_by(|a, b| order.compare(a, b)),
    }
    if options.has('u') {
        lines.dedup_by(|a, b| order.compare_keys(a, b) == Ordering::Equal);
    }
    match options.value('o') {
        Some(path) => {
            let mut bytes = lines.join(&b'\n');
            if !lines.is_empty() {
                bytes.push(b'\n');
            }
            fs::write(path, bytes).map_err(|error| failed(path, &error))?;
        }
        None => {
            for line in lines {
                work.write(&line)?;
                work.write(b"\n")?;
            }
        }
    }
    Ok(work.code())
}
