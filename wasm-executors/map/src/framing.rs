//! How inputs and answers are told apart in a stream of bytes. It never knows whose they are.

use serde::Deserialize;

use crate::limits::DATA_BYTES_MAX;

/// How inputs and answers are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Framing {
    /// Each ends with a newline.
    #[default]
    Lines,
    /// Each comes after its length: 4 bytes, little-endian.
    Lengths,
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
            Self::Lines => input.iter().position(|byte| *byte == b'\n'),
            Self::Lengths => None,
        };
        match newline {
            None => Ok(()),
            Some(at) => Err(format!(
                "data: a newline at byte {at}, but with the framing \"lines\" a newline ends the \
                 input; the framing \"lengths\" allows every byte"
            )),
        }
    }

    /// Appends one input as the function reads it.
    pub(crate) fn write(self, input: &[u8], to: &mut Vec<u8>) {
        match self {
            Self::Lines => {
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
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        match self.framing {
            Framing::Lines => self.next_line(),
            Framing::Lengths => self.next_counted(),
        }
    }

    /// Whether something is there that is no whole answer.
    pub(crate) fn has_rest(&self) -> bool {
        self.start < self.bytes.len()
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        let newline = self.bytes[self.unseen..].iter().position(|byte| *byte == b'\n');
        let end = newline.map_or(self.bytes.len(), |at| self.unseen + at);
        if end - self.start > DATA_BYTES_MAX {
            return Err(format!("a line of more than {DATA_BYTES_MAX} bytes as an answer"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn all(answers: &mut Answers) -> Result<Vec<Vec<u8>>, String> {
        std::iter::from_fn(|| answers.next().transpose()).collect()
    }

    fn framed(framing: Framing, inputs: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        inputs.iter().for_each(|input| framing.write(input, &mut bytes));
        bytes
    }

    #[test]
    fn input_is_written_as_its_framing_says() {
        assert_eq!(framed(Framing::Lines, &[b"ab", b""]), b"ab\n\n");
        assert_eq!(framed(Framing::Lengths, &[b"ab", b""]), b"\x02\0\0\0ab\0\0\0\0");
    }

    #[test]
    fn answers_are_found_however_they_are_cut() {
        let inputs: [&[u8]; 4] = [b"one", b"", b"three and more", b"4"];
        for framing in [Framing::Lines, Framing::Lengths] {
            let bytes = framed(framing, &inputs);
            for size in 1..=bytes.len() {
                let mut answers = Answers::new(framing);
                let mut found = Vec::new();
                for piece in bytes.chunks(size) {
                    answers.push(piece);
                    found.extend(all(&mut answers).unwrap());
                }
                assert_eq!(found, inputs, "{framing:?} in pieces of {size}");
                assert!(!answers.has_rest());
            }
        }
    }

    #[test]
    fn part_of_an_answer_is_a_rest() {
        for framing in [Framing::Lines, Framing::Lengths] {
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
        assert_eq!(answers.next().unwrap().unwrap().len(), DATA_BYTES_MAX);
        answers.push(&vec![b'x'; DATA_BYTES_MAX + 1]);
        assert!(answers.next().is_err());
        let mut answers = Answers::new(Framing::Lengths);
        answers.push(b"hello");
        let error = answers.next().unwrap_err();
        assert!(error.starts_with("1819043176 as the length of an answer"), "{error}");
    }
}
