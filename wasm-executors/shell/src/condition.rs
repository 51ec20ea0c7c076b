//! The built-in `test`, also called `[`. It changes nothing.

use crate::limits::DEPTH_MAX;
use crate::world::{World, absolute};

/// Operators between two operands.
const BINARY: [&str; 10] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "<"];

struct Reader<'a, W> {
    words: &'a [String],
    next: usize,
    depth: usize,
    world: &'a mut W,
}

/// Whether the condition that these words are holds.
///
/// # Errors
/// What is wrong with it.
pub fn holds<W: World>(words: &[String], world: &mut W) -> Result<bool, String> {
    if words.is_empty() {
        return Ok(false);
    }
    let mut reader = Reader { words, next: 0, depth: 0, world };
    let holds = reader.either()?;
    match reader.peek(0) {
        None => Ok(holds),
        Some(word) => Err(format!("{word:?} is left over")),
    }
}

impl<W: World> Reader<'_, W> {
    fn peek(&self, ahead: usize) -> Option<&str> {
        self.words.get(self.next + ahead).map(String::as_str)
    }

    fn take(&mut self) -> Result<String, String> {
        let word = self.words.get(self.next).ok_or("an operand is missing")?;
        self.next += 1;
        Ok(word.clone())
    }

    fn take_if(&mut self, word: &str) -> bool {
        let is_it = self.peek(0) == Some(word);
        self.next += usize::from(is_it);
        is_it
    }

    fn either(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("deeper than the {DEPTH_MAX} levels allowed"));
        }
        let mut holds = self.both()?;
        while self.take_if("-o") {
            holds |= self.both()?;
        }
        self.depth -= 1;
        Ok(holds)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut holds = self.one()?;
        while self.take_if("-a") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, String> {
        let mut negated = false;
        // What stands before an operator is an operand, whatever it looks like.
        while self.peek(0) == Some("!") && self.peek(1).is_some() && !self.is_binary() {
            self.next += 1;
            negated = !negated;
        }
        let holds = if self.is_binary() {
            let (left, operator, right) = (self.take()?, self.take()?, self.take()?);
            compare(&left, &operator, &right)?
        } else if self.peek(0) == Some("(") && self.peek(1).is_some() {
            self.next += 1;
            let holds = self.either()?;
            if !self.take_if(")") {
                return Err("\"(\" is never closed".to_owned());
            }
            holds
        } else {
            let word = self.take()?;
            let is_operator = word.len() == 2 && word.starts_with('-');
            match self.peek(0).is_some_and(|next| !["-a", "-o", ")"].contains(&next)) {
                true if is_operator => {
                    let operand = self.take()?;
                    self.unary(&word, &operand)?
                }
                _ => !word.is_empty(),
            }
        };
        Ok(holds != negated)
    }

    fn is_binary(&self) -> bool {
        self.peek(1).is_some_and(|word| BINARY.contains(&word)) && self.peek(2).is_some()
    }

    fn unary(&mut self, operator: &str, operand: &str) -> Result<bool, String> {
        match operator {
            "-n" => Ok(!operand.is_empty()),
            "-z" => Ok(operand.is_empty()),
            "-e" => Ok(self.kind(operand).is_some()),
            "-d" => Ok(self.kind(operand) == Some(true)),
            "-f" => Ok(self.kind(operand) == Some(false)),
            "-s" => Ok(self.kind(operand) == Some(true)
                || self.world.first_byte(&absolute(operand)).is_ok_and(|byte| !byte.is_empty())),
            _ => Err(format!("{operator} is not supported; -n -z -e -d -f -s are")),
        }
    }

    /// Whether it is a directory; none if it is not there.
    fn kind(&mut self, path: &str) -> Option<bool> {
        let path = absolute(path);
        let Some((parent, name)) = path.rsplit_once('/') else {
            return self.world.list_directory("/").is_ok().then_some(true);
        };
        let parent = if parent.is_empty() { "/" } else { parent };
        let entries = self.world.list_directory(parent).unwrap_or_default();
        entries.into_iter().find(|(entry, _)| entry == name).map(|(_, is_directory)| is_directory)
    }
}

fn compare(left: &str, operator: &str, right: &str) -> Result<bool, String> {
    match operator {
        "=" | "==" => return Ok(left == right),
        "!=" => return Ok(left != right),
        "<" => return Err("\"<\" is not supported; -lt compares numbers".to_owned()),
        _ => {}
    }
    let number = |text: &str| {
        let number = text.trim().parse::<i64>();
        number.map_err(|_| format!("{text:?} is no 64-bit integer"))
    };
    let (left, right) = (number(left)?, number(right)?);
    Ok(match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        _ => left >= right,
    })
}
