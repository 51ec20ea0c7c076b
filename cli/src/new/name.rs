//! What a new project may be called, so that every builder takes the name as it is. It never looks
//! at the disk.

use std::fmt;
use std::str::FromStr;

/// Bytes of a name: what npm, the strictest here, and file systems take with room to spare.
const NAME_BYTES_MAX: usize = 64;

/// What cargo refuses as the name of a library or takes for one of its own, and the SDK's crate.
/// Keywords are those of the edition 2024.
const RESERVED: &str = "
    abstract alloc as async await become box break build const continue core crate deps do dyn else
    enum examples extern false final fn for gen if impl in incremental let loop macro match mod move
    mut override priv proc-macro pub ref return self static std stoa-executor struct super test
    trait true try type typeof unsafe unsized use virtual where while wit-bindgen yield
";

/// A name for a project: at most 64 lower-case letters, digits and `-`, the first a letter and the
/// last no `-`, and no word that a builder keeps for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

/// Why a text is no name for a project.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalName {
    /// Something is wrong with its letters.
    #[error(
        "it must have 1 to {NAME_BYTES_MAX} lower-case letters, digits and `-`, begin with a \
         letter and not end with `-`, such as `map-reduce`"
    )]
    Letters,
    /// It means something else.
    #[error("`{0}` means something else to the builders; `my-{0}` would do")]
    Reserved(String),
}

impl ProjectName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as Rust writes it where `-` is not allowed.
    pub fn with_underscores(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl FromStr for ProjectName {
    type Err = IllegalName;

    fn from_str(text: &str) -> Result<Self, IllegalName> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let legal = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
            && !text.ends_with('-')
            && text.len() <= NAME_BYTES_MAX;
        if !legal {
            return Err(IllegalName::Letters);
        }
        if RESERVED.split_whitespace().any(|reserved| reserved == text) {
            return Err(IllegalName::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_every_builder_takes_are_legal() {
        for legal in ["a", "map-reduce", "x9", "stoa", "a--b", &"a".repeat(NAME_BYTES_MAX)] {
            assert_eq!(legal.parse::<ProjectName>().unwrap().as_str(), legal);
        }
        assert_eq!("a-b-c".parse::<ProjectName>().unwrap().with_underscores(), "a_b_c");
    }

    #[test]
    fn other_names_are_refused() {
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for illegal in ["", "-a", "a-", "9a", "A", "a_b", "a b", "a/b", "..", "ä", &long] {
            assert_eq!(illegal.parse::<ProjectName>(), Err(IllegalName::Letters), "{illegal}");
        }
        for reserved in ["test", "std", "fn", "stoa-executor"] {
            let refused = Err(IllegalName::Reserved(reserved.to_owned()));
            assert_eq!(reserved.parse::<ProjectName>(), refused);
        }
    }
}
