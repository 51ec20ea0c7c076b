//! The name of bytes by their content. It never computes one: that needs a hash function, which
//! lives where bytes are read.

use std::fmt;
use std::str::FromStr;

/// SHA-256 of an artifact's bytes. Shown as `sha256:` and 64 hexadecimal digits, as OCI does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalDigest {
    /// What was got, cut to a length that can be shown.
    pub got: String,
}

impl fmt::Display for IllegalDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no digest: sha256: and 64 hexadecimal digits are allowed", self.got)
    }
}

impl std::error::Error for IllegalDigest {}

impl Digest {
    /// The 64 hexadecimal digits without the prefix, fit to be a file name.
    pub fn hex(&self) -> String {
        use fmt::Write;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = IllegalDigest;

    fn from_str(text: &str) -> Result<Self, IllegalDigest> {
        let illegal = || IllegalDigest { got: text.chars().take(80).collect() };
        let hex = text.strip_prefix("sha256:").ok_or_else(illegal)?.as_bytes();
        if hex.len() != 64 || !hex.iter().all(u8::is_ascii_hexdigit) {
            return Err(illegal());
        }
        let nibble = |b: u8| (b as char).to_digit(16).map_or(0, |digit| digit as u8);
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_reads_back_as_it_is_shown() {
        let digest = Digest(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("sha256:12".parse::<Digest>().is_err());
        assert!("md5:00".parse::<Digest>().is_err());
    }
}
