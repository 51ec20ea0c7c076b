//! Patterns of `*`, `?` and `[…]`, as in the names of files, `case` and `${NAME#…}`. It reads no
//! directory.

/// A pattern, piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Character(char),
    Any,
    Many,
    /// Ranges of which one must hold the character, or none if it is negated.
    Set(bool, Vec<(char, char)>),
}

impl Pattern {
    /// A pattern from its text and whether each character of it stands for itself only.
    pub fn new(text: &[(char, bool)]) -> Self {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(&(character, is_literal)) = text.get(at) {
            at += 1;
            pieces.push(match character {
                _ if is_literal => Piece::Character(character),
                '*' => Piece::Many,
                '?' => Piece::Any,
                '[' => match set(&text[at..]) {
                    Some((piece, taken)) => {
                        at += taken;
                        piece
                    }
                    None => Piece::Character('['),
                },
                _ => Piece::Character(character),
            });
        }
        Self(pieces)
    }

    /// Whether it can fit more than one text.
    pub fn is_open(&self) -> bool {
        self.0.iter().any(|piece| !matches!(piece, Piece::Character(_)))
    }

    /// Whether it starts with this character itself.
    pub fn starts_with(&self, character: char) -> bool {
        self.0.first() == Some(&Piece::Character(character))
    }

    /// Whether it fits the whole text. It takes time of the product of both lengths at most.
    pub fn fits(&self, text: &[char]) -> bool {
        let (mut piece, mut at) = (0, 0);
        // Where to go on if what follows the last `*` does not fit.
        let mut retry = None;
        loop {
            match (self.0.get(piece), text.get(at)) {
                (None, None) => return true,
                (Some(Piece::Many), _) => {
                    retry = Some((piece, at));
                    piece += 1;
                    continue;
                }
                (Some(one), Some(character)) if one.fits(*character) => {
                    (piece, at) = (piece + 1, at + 1);
                    continue;
                }
                _ => {}
            }
            let Some((many, from)) = retry.filter(|(_, from)| *from < text.len()) else {
                return false;
            };
            retry = Some((many, from + 1));
            (piece, at) = (many + 1, from + 1);
        }
    }
}

impl Piece {
    fn fits(&self, character: char) -> bool {
        match self {
            Self::Character(own) => *own == character,
            Self::Any => true,
            Self::Many => false,
            Self::Set(negated, ranges) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

/// A set after its `[`, and how many characters it took; none if it is never closed.
fn set(text: &[(char, bool)]) -> Option<(Piece, usize)> {
    let negated = text.first().is_some_and(|(c, _)| "!^".contains(*c));
    let mut at = usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        let (character, _) = *text.get(at)?;
        if character == ']' && !ranges.is_empty() {
            return Some((Piece::Set(negated, ranges), at + 1));
        }
        match (text.get(at + 1), text.get(at + 2)) {
            (Some(('-', _)), Some((high, _))) if *high != ']' => {
                ranges.push((character, *high));
                at += 3;
            }
            _ => {
                ranges.push((character, character));
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        let pattern: Vec<_> = pattern.chars().map(|c| (c, false)).collect();
        Pattern::new(&pattern).fits(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn patterns_fit_as_in_other_shells() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*.txt", "a.txt"),
            ("a?c", "abc"),
            ("a*b*c", "aXbXbXc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]", "]"),
            ("[", "["),
            ("[a-]", "-"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "a"), ("*.txt", "a.tx"), ("a?c", "ac"), ("[a-c]x", "dx"), ("a*b", "aXbX")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn quoted_characters_stand_for_themselves() {
        let pattern = Pattern::new(&[('*', true), ('*', false)]);
        assert!(pattern.fits(&['*', 'a']) && !pattern.fits(&['a']));
        assert!(pattern.is_open() && !Pattern::new(&[('*', true)]).is_open());
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!fits(&"*a".repeat(100), &"a".repeat(99)));
    }
}
