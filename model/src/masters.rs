//! Where the masters of a cluster are. It never says which of them leads.

use std::fmt;
use std::str::FromStr;

use crate::limits::MASTERS_MAX;

/// The addresses of a cluster's masters, in the order in which they are tried.
///
/// Invariant: 1 to [`MASTERS_MAX`], each a `HOST:PORT`, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masters(Vec<String>);

/// Why a text names no masters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IllegalMasters {
    /// Not the address of a master; cut to a length that can be shown.
    Address(String),
    /// One address stands there twice.
    Twice(String),
    /// So many are too many.
    Count(usize),
}

impl fmt::Display for IllegalMasters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(got) => write!(
                f,
                "{got:?} is no address of a master: HOST:PORT, such as 127.0.0.1:5050, is allowed"
            ),
            Self::Twice(address) => {
                write!(f, "{address} is named twice; each master once is allowed")
            }
            Self::Count(got) => {
                write!(f, "{got} masters are named; 1 to {MASTERS_MAX} are allowed")
            }
        }
    }
}

impl std::error::Error for IllegalMasters {}

/// Whether this is the address of a master, a `HOST:PORT`.
pub fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b'/');
    is_plain && parts.is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

impl Masters {
    /// The addresses, in order.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromStr for Masters {
    type Err = IllegalMasters;

    /// Reads `HOST:PORT,HOST:PORT,…`.
    fn from_str(text: &str) -> Result<Self, IllegalMasters> {
        let addresses: Vec<&str> = text.split(',').map(str::trim).collect();
        if addresses.len() > MASTERS_MAX {
            return Err(IllegalMasters::Count(addresses.len()));
        }
        for (at, address) in addresses.iter().enumerate() {
            if !is_address(address) {
                return Err(IllegalMasters::Address(address.chars().take(64).collect()));
            }
            if addresses[..at].contains(address) {
                return Err(IllegalMasters::Twice((*address).to_owned()));
            }
        }
        Ok(Self(addresses.into_iter().map(str::to_owned).collect()))
    }
}

impl fmt::Display for Masters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_read_in_order_and_written_as_it_was() {
        let masters: Masters = "m1:5050, [::1]:5051,10.0.0.1:5".parse().unwrap();
        let addresses: Vec<_> = masters.addresses().collect();
        assert_eq!(addresses, ["m1:5050", "[::1]:5051", "10.0.0.1:5"]);
        assert_eq!(masters.to_string().parse(), Ok(masters));
    }

    #[test]
    fn what_names_no_masters_is_refused() {
        for text in ["", "m1", ":5050", "m1:x", "m1:70000", "m1:1,", "m 1:5", "http://m1:5", "é:1"]
        {
            assert!(matches!(text.parse::<Masters>(), Err(IllegalMasters::Address(_))), "{text:?}");
        }
        let twice = "m1:1,m2:1,m1:1".parse::<Masters>();
        assert_eq!(twice, Err(IllegalMasters::Twice("m1:1".to_owned())));
        let many: Vec<_> = (0..=MASTERS_MAX).map(|port| format!("m:{port}")).collect();
        let many = many.join(",").parse::<Masters>();
        assert_eq!(many, Err(IllegalMasters::Count(MASTERS_MAX + 1)));
    }
}
