//! Amounts as people write them: `512MiB`, `1.5` cpus. It never rounds silently: what does not
//! fit the smallest unit is refused.

use std::fmt;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalAmount {
    /// What was got.
    pub got: String,
    /// What is allowed, with an example.
    pub allowed: &'static str,
}

impl fmt::Display for IllegalAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}", self.got, self.allowed)
    }
}

impl std::error::Error for IllegalAmount {}

const BYTES_ALLOWED: &str = "size: a number with B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, such as \
                             512MiB, is allowed";
const CPUS_ALLOWED: &str = "count of cpus: a number with at most three decimals, such as 1.5, is \
                            allowed";

const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Reads a number of bytes, such as `512MiB`, `1.5GB` or `4096`; case and spaces do not matter.
///
/// # Errors
/// [`IllegalAmount`] for anything else, for fractions of a byte and for what exceeds 64 bits.
pub fn parse_bytes(text: &str) -> Result<u64, IllegalAmount> {
    let illegal = || IllegalAmount { got: text.to_owned(), allowed: BYTES_ALLOWED };
    let trimmed = text.trim();
    let digits = trimmed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &trimmed[digits.len()..];
    let factor = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, factor)| *factor)
        .ok_or_else(illegal)?;
    parse_decimal(digits.trim_end(), factor).ok_or_else(illegal)
}

/// Reads a number of cpus with at most three decimals into thousandths.
///
/// # Errors
/// [`IllegalAmount`] for anything else.
pub fn parse_cpus_milli(text: &str) -> Result<u64, IllegalAmount> {
    parse_decimal(text.trim(), 1_000)
        .ok_or_else(|| IllegalAmount { got: text.to_owned(), allowed: CPUS_ALLOWED })
}

/// `text` times `factor`, exactly, or nothing.
fn parse_decimal(text: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || text.ends_with('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let mut numerator = u128::from(whole.parse::<u64>().ok()?).checked_mul(scale)?;
    if !fraction.is_empty() {
        numerator = numerator.checked_add(fraction.parse::<u128>().ok()?)?;
    }
    let product = numerator.checked_mul(u128::from(factor))?;
    if product % scale != 0 {
        return None;
    }
    u64::try_from(product / scale).ok()
}

/// Shows bytes in the largest binary unit that divides them without more than one decimal lost.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, factor) =
            UNITS[2..6].iter().rev().find(|(_, factor)| self.0 >= *factor).unwrap_or(&UNITS[1]);
        if self.0.is_multiple_of(*factor) {
            return write!(f, "{}{name}", self.0 / factor);
        }
        let tenths = u128::from(self.0) * 10 / u128::from(*factor);
        write!(f, "{}.{}{name}", tenths / 10, tenths % 10)
    }
}

/// Shows thousandths of a cpu as a decimal without trailing zeros.
#[derive(Clone, Copy, Debug)]
pub struct CpusMilli(pub u64);

impl fmt::Display for CpusMilli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:03}", self.0 % 1_000);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}", self.0 / 1_000),
            digits => write!(f, "{}.{digits}", self.0 / 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4_096),
            ("512MiB", 512 << 20),
            ("1.5 gib", 3 << 29),
            ("2GB", 2_000_000_000),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "-1", "1e3", "1.5", "0.1B", "1XB", "1..2", "99999999TiB", "1 2"] {
            assert!(parse_bytes(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn cpus_have_three_decimals_at_most() {
        assert_eq!(parse_cpus_milli("1.5"), Ok(1_500));
        assert_eq!(parse_cpus_milli("0.001"), Ok(1));
        assert!(parse_cpus_milli("0.0001").is_err());
        assert!(parse_cpus_milli("nan").is_err());
    }

    #[test]
    fn amounts_show_in_their_largest_unit() {
        assert_eq!(Bytes(8 << 30).to_string(), "8GiB");
        assert_eq!(Bytes(1_500).to_string(), "1.4KiB");
        assert_eq!(Bytes(0).to_string(), "0B");
        assert_eq!(CpusMilli(1_500).to_string(), "1.5");
        assert_eq!(CpusMilli(2_000).to_string(), "2");
    }
}
