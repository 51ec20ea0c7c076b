//! The tool tr. It knows bytes, as the sets of characters beyond ASCII are large.

use crate::work::{Failure, Options, Work};

/// `tr [-cds] SET [SET]`
pub fn tr(work: &mut Work, arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::read(arguments, "cCds", "")?;
    let sets: Result<Vec<Vec<u8>>, Failure> = options.rest.iter().map(|text| set(text)).collect();
    let sets = sets?;
    let (deletes, squeezes) = (options.has('d'), options.has('s'));
    let (mut first, second) = match sets.as_slice() {
        [first] if deletes || squeezes => (first.clone(), None),
        [first, second] if !deletes || squeezes => (first.clone(), Some(second.clone())),
        _ => {
            return Err(Failure::Usage("one set for -d or -s, or two sets, are wanted".to_owned()));
        }
    };
    if options.has('c') || options.has('C') {
        first = (0..=255).filter(|byte| !first.contains(byte)).collect();
    }
    let mut to: [u8; 256] = std::array::from_fn(|byte| byte.to_le_bytes()[0]);
    if let Some(second) = second.as_ref().filter(|_| !deletes) {
        let Some(last) = second.last() else {
            return Err(Failure::Usage("the second set must not be empty".to_owned()));
        };
        for (index, byte) in first.iter().enumerate() {
            to[usize::from(*byte)] = *second.get(index).unwrap_or(last);
        }
    }
    let squeezed = second.as_ref().unwrap_or(&first);
    let squeezed: [bool; 256] =
        std::array::from_fn(|byte| squeezes && squeezed.contains(&byte.to_le_bytes()[0]));
    let deleted: [bool; 256] =
        std::array::from_fn(|byte| deletes && first.contains(&byte.to_le_bytes()[0]));
    let mut reader = work.open("-")?;
    let mut before = None;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut written = Vec::with_capacity(bytes.len());
        for byte in bytes.iter().filter(|byte| !deleted[usize::from(**byte)]) {
            let byte = to[usize::from(*byte)];
            if before != Some(byte) || !squeezed[usize::from(byte)] {
                written.push(byte);
            }
            before = Some(byte);
        }
        let taken = bytes.len();
        reader.consume(taken);
        work.write(&written)?;
    }
}

/// The bytes of a set, in order: characters, ranges, escapes and classes.
fn set(text: &str) -> Result<Vec<u8>, Failure> {
    if !text.is_ascii() {
        return Err(Failure::Usage(format!("{text:?} is not ASCII: tr knows bytes only")));
    }
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b"[:")
            && let Some(end) = after.windows(2).position(|two| two == b":]")
        {
            bytes.extend(class(&text[text.len() - after.len()..][..end])?);
            rest = &after[end + 2..];
            continue;
        }
        let (from, after) = one(rest);
        rest = after;
        if let Some(after) = rest.strip_prefix(b"-").filter(|after| !after.is_empty()) {
            let (to, after) = one(after);
            if to < from {
                return Err(Failure::Usage(format!("{text:?} has a range that goes down")));
            }
            bytes.extend(from..=to);
            rest = after;
        } else {
            bytes.push(from);
        }
    }
    Ok(bytes)
}

/// A byte that is there, maybe escaped, and what follows.
fn one(text: &[u8]) -> (u8, &[u8]) {
    let escaped = match text {
        [b'\\', byte, rest @ ..] => Some((byte, rest)),
        _ => None,
    };
    let Some((byte, rest)) = escaped else { return (text[0], &text[1..]) };
    let byte = match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'0'..=b'7' => {
            let digits = rest.iter().take(2).take_while(|digit| (b'0'..=b'7').contains(digit));
            let count = digits.clone().count();
            let value = digits
                .fold(byte - b'0', |value, digit| value.wrapping_mul(8).wrapping_add(digit - b'0'));
            return (value, &rest[count..]);
        }
        other => *other,
    };
    (byte, rest)
}

fn class(name: &str) -> Result<Vec<u8>, Failure> {
    let is_in: fn(&u8) -> bool = match name {
        "alpha" => u8::is_ascii_alphabetic,
        "digit" => u8::is_ascii_digit,
        "alnum" => u8::is_ascii_alphanumeric,
        "upper" => u8::is_ascii_uppercase,
        "lower" => u8::is_ascii_lowercase,
        "space" => |byte| byte.is_ascii_whitespace() || *byte == 11,
        "blank" => |byte| matches!(byte, b' ' | b'\t'),
        "punct" => u8::is_ascii_punctuation,
        "cntrl" => u8::is_ascii_control,
        "xdigit" => u8::is_ascii_hexdigit,
        "graph" => u8::is_ascii_graphic,
        "print" => |byte| byte.is_ascii_graphic() || *byte == b' ',
        _ => return Err(Failure::Usage(format!("[:{name}:] is no class of characters"))),
    };
    Ok((0..=255).filter(is_in).collect())
}
