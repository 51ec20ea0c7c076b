//! Tools that count: seq, wc.

use crate::work::{Failure, Options, Work};

/// `seq [-s SEPARATOR] [-w] [FIRST [STEP]] LAST`, of whole numbers
pub fn seq(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    // A negative number looks like an option.
    let is_number = |word: &String| word.parse::<i64>().is_ok();
    let at = arguments.iter().position(is_number).unwrap_or(arguments.len());
    // The value of -s may be a number.
    let at = if at > 0 && arguments[at - 1] == "-s" { at + 1 } else { at };
    let (before, words) = arguments.split_at(at.min(arguments.len()));
    let options = Options::read(before, "w", "s")?;
    let numbers: Result<Vec<i64>, Failure> = options
        .rest
        .iter()
        .chain(words)
        .map(|word| {
            let why = || Failure::Usage(format!("{word:?} is no 64-bit integer"));
            word.parse().map_err(|_| why())
        })
        .collect();
    let (first, step, last) = match numbers?.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return Err(Failure::Usage("one to three numbers are allowed".to_owned())),
    };
    if step == 0 {
        return Err(Failure::Usage("the step must not be 0".to_owned()));
    }
    let separator = options.value('s').unwrap_or("\n").to_owned();
    let width = match options.has('w') {
        true => first.to_string().len().max(last.to_string().len()),
        false => 0,
    };
    let (mut number, mut is_first) = (Some(first), true);
    while let Some(now) = number.filter(|now| if step > 0 { *now <= last } else { *now >= last }) {
        if !is_first {
            work.write(separator.as_bytes())?;
        }
        is_first = false;
        work.write(format!("{now:0width$}").as_bytes())?;
        number = now.checked_add(step);
    }
    if !is_first {
        work.write(b"\n")?;
    }
    Ok(0)
}

/// What wc counts.
#[derive(Clone, Copy, Default)]
struct Counts {
    lines: u64,
    words: u64,
    characters: u64,
    bytes: u64,
}

/// `wc [-lwmc] [FILE…]`
pub fn wc(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "lwmc", "")?;
    let is_plain = !"lwmc".chars().any(|letter| options.has(letter));
    let show = |work: &mut Work, counts: Counts, path: &str| {
        let all = [
            (options.has('l') || is_plain, counts.lines),
            (options.has('w') || is_plain, counts.words),
            (options.has('m'), counts.characters),
            (options.has('c') || is_plain, counts.bytes),
        ];
        let shown: Vec<u64> =
            all.into_iter().filter(|(is_shown, _)| *is_shown).map(|(_, n)| n).collect();
        // One number alone needs no columns.
        let width = if shown.len() == 1 && options.rest.len() < 2 { 0 } else { 7 };
        let mut line: Vec<String> =
            shown.iter().map(|number| format!("{number:>width$}")).collect();
        if path != "-" {
            line.push(path.to_owned());
        }
        work.write((line.join(" ") + "\n").as_bytes())
    };
    let mut total = Counts::default();
    work.each("wc", &options.rest, |work, path, mut reader| {
        let mut counts = Counts::default();
        let mut in_word = false;
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            for byte in bytes {
                let is_blank = byte.is_ascii_whitespace() || *byte == 0x0b;
                counts.lines += u64::from(*byte == b'\n');
                counts.words += u64::from(!is_blank && !in_word);
                // All but the later bytes of a character.
                counts.characters += u64::from(byte & 0xc0 != 0x80);
                in_word = !is_blank;
            }
            let taken = bytes.len();
            counts.bytes += taken as u64;
            reader.consume(taken);
        }
        total.lines += counts.lines;
        total.words += counts.words;
        total.characters += counts.characters;
        total.bytes += counts.bytes;
        show(work, counts, path)
    })?;
    if options.rest.len() > 1 {
        show(work, total, "total")?;
    }
    Ok(work.code())
}
