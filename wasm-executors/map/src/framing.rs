//! How inputs and answers are told apart in a stream of bytes. It never knows whose they are.

use serde::Deserialize;

use crate::limits::{DATA_BYTES_MAX, NUMBER_BYTES_MAX, SHOWN_BYTES_MAX};

/// How inputs and answers are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Framing {
    /// Each ends with a newline.
    #[default]
    Lines,
    /// Each ends with a newline and begins with the number of its call and a space. An answer that
    /// nobody asked for is told from one that somebody did.
    Numbered,
    /// Each comes after its length: 4 bytes, little-endian.
    Lengths,
}

/// What a function has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The call that it says it answers, where the framing has it say so.
    pub(crate) number: Option<u64>,
    pub(crate) data: Vec<u8>,
}

impl Framing {
    /// Whether `input` can be handed to a function.
    ///
    /// # Errors
    /// Why not, for the scheduler.
    pub(crate) fn check(self, input: &[u8]) -> Result<(), String> {
        if input.len() > DATA_BYTES_MAX {
            let bytes = input.len();
            return Err(format!("data: {bytes} bytes, {DATA_BYTES_MAX} are allowed"));
        }
        let newline = match self {
            Self::Lines | Self::Numbered => input.iter().position(|byte| *byte == b'\n'),
            Self::Lengths => None,
        };
        let name = if self == Self::Numbered { "numbered" } else { "lines" };
        match newline {
            None => Ok(()),
            Some(at) => Err(format!(
                "data: a newline at byte {at}, but with the framing {name:?} a newline ends the \
                 input; the framing \"lengths\" allows every byte"
            )),
        }
    }

    /// Appends the input of a call as the function reads it.
    pub(crate) fn write(self, number: u64, input: &[u8], to: &mut Vec<u8>) {
        match self {
            Self::Lines => {
                to.extend_from_slice(input);
                to.push(b'\n');
            }
            Self::Numbered => {
                to.extend_from_slice(format!("{number} ").as_bytes());
                to.extend_from_slice(input);
                to.push(b'\n');
            }
            Self::Lengths => {
                let length = u32::try_from(input.len()).expect("inputs are checked to be short");
                to.extend_from_slice(&length.to_le_bytes());
                to.extend_from_slice(input);
            }
        }
    }
}

/// What a function has written, cut into answers. It holds at most one answer and one piece of
/// output, as long as whoever pushes takes all answers and ends at the first error.
#[derive(Debug)]
pub(crate) struct Answers {
    framing: Framing,
    bytes: Vec<u8>,
    /// Where in `bytes` the next answer starts; what is before has been taken.
    start: usize,
    /// Where in `bytes` no newline has been looked for yet.
    unseen: usize,
}

impl Answers {
    pub(crate) fn new(framing: Framing) -> Self {
        Self { framing, bytes: Vec::new(), start: 0, unseen: 0 }
    }

    /// Takes what the function has written.
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.bytes.drain(..self.start);
        self.unseen -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(data);
    }

    /// The next answer, if all of it is there.
    ///
    /// # Errors
    /// Why what was written is no answer; nothing that follows can be told apart.
    pub(crate) fn next(&mut self) -> Result<Option<Answer>, String> {
        let unnumbered = |data| Answer { number: None, data };
        match self.framing {
            Framing::Lines => Ok(self.next_line(DATA_BYTES_MAX)?.map(unnumbered)),
            Framing::Numbered => {
                let line = self.next_line(DATA_BYTES_MAX + NUMBER_BYTES_MAX)?;
                line.map(|line| numbered(&line)).transpose()
            }
            Framing::Lengths => Ok(self.next_counted()?.map(unnumbered)),
        }
    }

    /// Whether something is there that is no whole answer.
    pub(crate) fn has_rest(&self) -> bool {
        self.start < self.bytes.len()
    }

    fn next_line(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, String> {
        let newline = self.bytes[self.unseen..].iter().position(|byte| *byte == b'\n');
        let end = newline.map_or(self.bytes.len(), |at| self.unseen + at);
        if end - self.start > bytes_max {
            return Err(format!("a line of more than {bytes_max} bytes as an answer"));
        }
        self.unseen = end;
        if newline.is_none() {
            return Ok(None);
        }
        let answer = self.bytes[self.start..end].to_vec();
        (self.start, self.unseen) = (end + 1, end + 1);
        Ok(Some(answer))
    }

    fn next_counted(&mut self) -> Result<Option<Vec<u8>>, String> {
        let rest = &self.bytes[self.start..];
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length);
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if bytes > DATA_BYTES_MAX {
            return Err(format!(
                "{length} as the length of an answer, {DATA_BYTES_MAX} is allowed; with the \
                 framing \"lengths\" each answer comes after its length as 4 bytes, little-endian"
            ));
        }
        let Some(answer) = rest.get(..bytes) else { return Ok(None) };
        let answer = answer.to_vec();
        self.start += 4 + bytes;
        self.unseen = self.start;
        Ok(Some(answer))
    }
}

/// An answer that says which call it is for.
fn numbered(line: &[u8]) -> Result<Answer, String> {
    let parsed = line.iter().position(|byte| *byte == b' ').and_then(|space| {
        let number = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
        Some(Answer { number: Some(number), data: line[space + 1..].to_vec() })
    });
    parsed.ok_or_else(|| {
        let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES_MAX)]);
        format!(
            "the line {shown:?}; with the framing \"numbered\" each answer begins with the number \
             of its input and a space"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(answers: &mut Answers) -> Result<Vec<Answer>, String> {
        std::iter::from_fn(|| answers.next().transpose()).collect()
    }

    fn framed(framing: Framing, inputs: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let numbers = 7..;
        numbers.zip(inputs).for_each(|(number, input)| framing.write(number, input, &mut bytes));
        bytes
    }

    const ALL: [Framing; 3] = [Framing::Lines, Framing::Numbered, Framing::Lengths];

    #[test]
    fn input_is_written_as_its_framing_says() {
        assert_eq!(framed(Framing::Lines, &[b"ab", b""]), b"ab\n\n");
        assert_eq!(framed(Framing::Numbered, &[b"ab", b""]), b"7 ab\n8 \n");
        assert_eq!(framed(Framing::Lengths, &[b"ab", b""]), b"\x02\0\0\0ab\0\0\0\0");
    }

    #[test]
    fn answers_are_found_however_they_are_cut() {
        let inputs: [&[u8]; 4] = [b"one", b"", b"three and more", b"4"];
        for framing in ALL {
            let is_numbered = framing == Framing::Numbered;
            let expected: Vec<_> = (7..)
                .zip(inputs)
                .map(|(number, input)| Answer {
                    number: is_numbered.then_some(number),
                    data: input.to_vec(),
                })
                .collect();
            let bytes = framed(framing, &inputs);
            for size in 1..=bytes.len() {
                let mut answers = Answers::new(framing);
                let mut found = Vec::new();
                for piece in bytes.chunks(size) {
                    answers.push(piece);
                    found.extend(all(&mut answers).unwrap());
                }
                assert_eq!(found, expected, "{framing:?} in pieces of {size}");
                assert!(!answers.has_rest());
            }
        }
    }

    #[test]
    fn part_of_an_answer_is_a_rest() {
        for framing in ALL {
            let mut answers = Answers::new(framing);
            answers.push(&[1]);
            assert_eq!(answers.next(), Ok(None));
            assert!(answers.has_rest(), "{framing:?}");
        }
    }

    #[test]
    fn input_that_the_framing_cannot_carry_is_refused() {
        let refused = Framing::Lines.check(b"a\nb").unwrap_err();
        assert!(refused.starts_with("data: a newline at byte 1"), "{refused}");
        let refused = Framing::Numbered.check(b"a\nb").unwrap_err();
        assert!(refused.contains("the framing \"numbered\" a newline ends"), "{refused}");
        assert_eq!(Framing::Lengths.check(b"a\nb"), Ok(()));
        let refused = Framing::Lengths.check(&vec![0; DATA_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(refused, "data: 1048577 bytes, 1048576 are allowed");
    }

    #[test]
    fn answer_that_is_too_large_is_an_error() {
        let mut answers = Answers::new(Framing::Lines);
        answers.push(&vec![b'x'; DATA_BYTES_MAX]);
        assert_eq!(answers.next(), Ok(None));
        answers.push(b"\n");
        assert_eq!(answers.next().unwrap().unwrap().data.len(), DATA_BYTES_MAX);
        answers.push(&vec![b'x'; DATA_BYTES_MAX + 1]);
        assert!(answers.next().is_err());
        let mut answers = Answers::new(Framing::Lengths);
        answers.push(b"hello");
        let error = answers.next().unwrap_err();
        assert!(error.starts_with("1819043176 as the length of an answer"), "{error}");
    }
    #[test]
    fn answer_without_its_number_is_an_error() {
        for line in ["", "abc", "7", " 7 a", "-1 a", "18446744073709551616 a"] {
            let mut answers = Answers::new(Framing::Numbered);
            answers.push(format!("{line}\n").as_bytes());
            let error = answers.next().unwrap_err();
            assert!(error.contains("begins with the number of its input"), "{line}: {error}");
        }
        let mut answers = Answers::new(Framing::Numbered);
        answers.push(b"18446744073709551615 a b\n");
        let answer = answers.next().unwrap().unwrap();
        assert_eq!(answer, Answer { number: Some(u64::MAX), data: b"a b".to_vec() });
    }
}
