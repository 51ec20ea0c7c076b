//! Arithmetic of `$((…))`: 64-bit integers with the operators of C that POSIX asks for. It reads
//! variables and changes none.

use crate::limits::DEPTH_MAX;

/// The operators of two operands, the longer ones first, with how tightly they bind.
const OPERATORS: [(&str, u8); 18] = [
    ("||", 1),
    ("&&", 2),
    ("==", 6),
    ("!=", 6),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("<", 7),
    (">", 7),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

struct Reader<'a, F> {
    text: &'a str,
    depth: usize,
    value_of: F,
}

/// What the expression comes to. `value_of` gives the values of variables.
///
/// # Errors
/// What is wrong with it.
pub fn evaluate(text: &str, value_of: impl Fn(&str) -> String) -> Result<i64, String> {
    let mut reader = Reader { text, depth: 0, value_of };
    if text.trim().is_empty() {
        return Ok(0);
    }
    let value = reader.choice()?;
    match reader.text.trim_start() {
        "" => Ok(value),
        rest => Err(format!("{text:?} is no arithmetic: {rest:?} is left over")),
    }
}

impl<F: Fn(&str) -> String> Reader<'_, F> {
    fn take(&mut self, token: &str) -> bool {
        self.text = self.text.trim_start();
        let rest = self.text.strip_prefix(token);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn choice(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("arithmetic deeper than the {DEPTH_MAX} levels allowed"));
        }
        let condition = self.binary(1)?;
        let value = if self.take("?") {
            let yes = self.choice()?;
            if !self.take(":") {
                return Err("\"?\" without \":\" in arithmetic".to_owned());
            }
            let no = self.choice()?;
            if condition == 0 { no } else { yes }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(value)
    }

    fn binary(&mut self, binds_from: u8) -> Result<i64, String> {
        let mut left = self.unary()?;
        loop {
            self.text = self.text.trim_start();
            let found = OPERATORS.iter().find(|(token, _)| self.text.starts_with(token));
            let Some(&(token, binds)) = found.filter(|(_, binds)| *binds >= binds_from) else {
                return Ok(left);
            };
            self.take(token);
            if self.text.starts_with('=') {
                return Err(format!("\"{token}=\" is not supported in arithmetic"));
            }
            let right = self.binary(binds + 1)?;
            left = apply(token, left, right)?;
        }
    }

    fn unary(&mut self) -> Result<i64, String> {
        let mut signs = Vec::new();
        self.text = self.text.trim_start();
        while let Some(sign) = self.text.chars().next().filter(|c| "+-!~".contains(*c)) {
            self.text = self.text[1..].trim_start();
            signs.push(sign);
        }
        let mut value = self.operand()?;
        for sign in signs.into_iter().rev() {
            value = match sign {
                '-' => value.wrapping_neg(),
                '!' => i64::from(value == 0),
                '~' => !value,
                _ => value,
            };
        }
        Ok(value)
    }

    fn operand(&mut self) -> Result<i64, String> {
        if self.take("(") {
            let value = self.choice()?;
            return match self.take(")") {
                true => Ok(value),
                false => Err("\"(\" is never closed in arithmetic".to_owned()),
            };
        }
        let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let end = self.text.find(|c| !is_part(c)).unwrap_or(self.text.len());
        let (token, rest) = self.text.split_at(end);
        if token.is_empty() {
            let found = self.text.chars().next().map_or("the end".to_owned(), |c| format!("{c:?}"));
            return Err(format!("expected a number in arithmetic, found {found}"));
        }
        self.text = rest;
        if self.text.trim_start().starts_with('=') && !self.text.trim_start().starts_with("==") {
            return Err("assignments are not supported in arithmetic".to_owned());
        }
        if token.starts_with(|c: char| c.is_ascii_digit()) {
            return number(token);
        }
        match (self.value_of)(token).trim() {
            "" => Ok(0),
            value => match value.strip_prefix('-') {
                Some(digits) => number(digits).map(i64::wrapping_neg),
                None => number(value),
            },
        }
    }
}

fn number(text: &str) -> Result<i64, String> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16),
        None if text.len() > 1 && text.starts_with('0') => i64::from_str_radix(text, 8),
        None => text.parse(),
    };
    value.map_err(|_| format!("{text:?} is no 64-bit integer"))
}

/// Both sides are known: nothing in them has an effect.
fn apply(token: &str, left: i64, right: i64) -> Result<i64, String> {
    if matches!(token, "/" | "%") && right == 0 {
        return Err("a division by zero".to_owned());
    }
    let shift = u32::try_from(right & 63).unwrap_or(0);
    Ok(match token {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(shift),
        ">>" => left.wrapping_shr(shift),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<i64, String> {
        evaluate(text, |name| if name == "x" { "-5".to_owned() } else { String::new() })
    }

    #[test]
    fn operators_bind_as_in_c() {
        for (text, expected) in [
            ("", 0),
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("x*x", 25),
            ("-x", 5),
            ("unset + 1", 1),
            ("10-3-2", 5),
            ("7/2", 3),
            ("-7%3", -1),
            ("1<2 && 2<=2", 1),
            ("1 == 2 || 0", 0),
            ("1 ? 2 : 3", 2),
            ("0 ? 2 : 0 ? 3 : 4", 4),
            ("0x10 + 010", 24),
            ("!3 + ~0", -1),
            ("1 << 4 | 1", 17),
            ("5 & 3 ^ 1", 0),
            ("5 != 5", 0),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_arithmetic_is_refused() {
        for text in ["1 +", "1/0", "2 3", "(1", "x = 3", "x += 1", "08", "1 ? 2", "a.b", "\"1\""] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(value(&"(".repeat(100_000)).is_err());
    }
}
