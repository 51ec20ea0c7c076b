//! Where etcd is and under which prefix a cluster keeps its keys, as people write it:
//! `etcd://HOST:PORT,HOST:PORT,…[/PREFIX]`. It never looks whether anybody is there.

use std::fmt;
use std::str::FromStr;

use crate::limits::{ENDPOINTS_MAX, PREFIX_BYTES_MAX};
use crate::version::Warning;

/// The prefix of a cluster that names none.
const PREFIX_DEFAULT: &str = "stoa";
const SCHEME: &str = "etcd://";

/// One member of etcd: a `HOST:PORT`, checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(String);

impl Endpoint {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The members of an etcd and the prefix of all keys there. Parsed, so that there is an endpoint,
/// none twice, and a prefix that begins with no `/` and ends with none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    endpoints: Vec<Endpoint>,
    prefix: String,
}

/// Why a text names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{got}` names no etcd: {why}; allowed is etcd://HOST:PORT,HOST:PORT,…[/PREFIX] with 1 to \
     {ENDPOINTS_MAX} endpoints, hint: etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379/stoa"
)]
pub struct IllegalPlace {
    /// The text.
    pub got: String,
    /// What is wrong with it.
    pub why: Wrong,
}

/// What is wrong with a text that names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Another scheme, or none.
    #[error("it does not begin with etcd://")]
    Scheme,
    /// An endpoint has no port, or no host.
    #[error("`{0}` is no HOST:PORT")]
    Endpoint(String),
    /// One is there twice.
    #[error("the endpoint {0} is there twice")]
    Twice(Endpoint),
    /// More than anybody runs.
    #[error("it has {0} endpoints")]
    TooMany(usize),
    /// The prefix is empty, too long, or has characters that are not allowed.
    #[error(
        "the prefix `{0}` is not made of names of letters, digits, `-`, `_` and `.` with single \
         `/` between them, {PREFIX_BYTES_MAX} bytes at most"
    )]
    Prefix(String),
}

impl Place {
    /// The members, in the order in which they were written.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// What all keys of the cluster begin with, before a `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What is allowed and yet not wise.
    pub fn warnings(&self) -> Vec<Warning> {
        match self.endpoints.len() {
            1 => vec![Warning::OneEndpoint],
            count if count % 2 == 0 => vec![Warning::EvenEndpoints(count)],
            _ => Vec::new(),
        }
    }
}

impl FromStr for Place {
    type Err = IllegalPlace;

    fn from_str(text: &str) -> Result<Self, IllegalPlace> {
        parse(text).map_err(|why| IllegalPlace { got: text.to_owned(), why })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(Endpoint::as_str).collect();
        write!(f, "{SCHEME}{}/{}", endpoints.join(","), self.prefix)
    }
}

fn parse(text: &str) -> Result<Place, Wrong> {
    let rest = text.strip_prefix(SCHEME).ok_or(Wrong::Scheme)?;
    let (hosts, prefix) = match rest.split_once('/') {
        Some((hosts, "")) => (hosts, PREFIX_DEFAULT),
        Some((hosts, prefix)) => (hosts, prefix),
        None => (rest, PREFIX_DEFAULT),
    };
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for host in hosts.split(',') {
        let endpoint = parse_endpoint(host)?;
        if endpoints.contains(&endpoint) {
            return Err(Wrong::Twice(endpoint));
        }
        endpoints.push(endpoint);
    }
    if endpoints.len() > ENDPOINTS_MAX {
        return Err(Wrong::TooMany(endpoints.len()));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = |name: &str| !name.is_empty() && name.chars().all(is_plain);
    if prefix.len() > PREFIX_BYTES_MAX || !prefix.split('/').all(is_name) {
        return Err(Wrong::Prefix(prefix.to_owned()));
    }
    Ok(Place { endpoints, prefix: prefix.to_owned() })
}

/// A name or an IPv4 address with a port, or an IPv6 address in brackets with one.
fn parse_endpoint(text: &str) -> Result<Endpoint, Wrong> {
    let wrong = || Wrong::Endpoint(text.to_owned());
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0)
        && port.chars().all(|digit| digit.is_ascii_digit());
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(is_name),
    };
    if is_port && is_host { Ok(Endpoint(text.to_owned())) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let cases = [
            ("etcd://a:1", vec!["a:1"], "stoa"),
            ("etcd://a:1/", vec!["a:1"], "stoa"),
            ("etcd://a:1,b.c-d_e:65535", vec!["a:1", "b.c-d_e:65535"], "stoa"),
            ("etcd://10.0.0.1:2379/x", vec!["10.0.0.1:2379"], "x"),
            (
                "etcd://[::1]:2379,[fe80::2]:2379/x/y.z",
                vec!["[::1]:2379", "[fe80::2]:2379"],
                "x/y.z",
            ),
        ];
        for (text, endpoints, prefix) in cases {
            let place: Place = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let read: Vec<_> = place.endpoints().iter().map(Endpoint::as_str).collect();
            assert_eq!((read, place.prefix()), (endpoints, prefix), "{text}");
            assert_eq!(place.to_string().parse(), Ok(place), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_is_wrong() {
        let endpoint = |text: &str| Wrong::Endpoint(text.to_owned());
        let prefix = |text: &str| Wrong::Prefix(text.to_owned());
        let long = "p".repeat(PREFIX_BYTES_MAX + 1);
        let many: Vec<_> = (1..=ENDPOINTS_MAX + 1).map(|port| format!("a:{port}")).collect();
        let cases = [
            (String::new(), Wrong::Scheme),
            ("http://a:1".to_owned(), Wrong::Scheme),
            ("etcd:a:1".to_owned(), Wrong::Scheme),
            ("etcd://".to_owned(), endpoint("")),
            ("etcd:///x".to_owned(), endpoint("")),
            ("etcd://a".to_owned(), endpoint("a")),
            ("etcd://a:0".to_owned(), endpoint("a:0")),
            ("etcd://a:+1".to_owned(), endpoint("a:+1")),
            ("etcd://a:65536".to_owned(), endpoint("a:65536")),
            ("etcd://:1".to_owned(), endpoint(":1")),
            ("etcd://a:1,".to_owned(), endpoint("")),
            ("etcd://a:1, b:1".to_owned(), endpoint(" b:1")),
            ("etcd://u@a:1".to_owned(), endpoint("u@a:1")),
            ("etcd://::1:1".to_owned(), endpoint("::1:1")),
            ("etcd://[a]:1".to_owned(), endpoint("[a]:1")),
            ("etcd://a:1,b:1,a:1".to_owned(), Wrong::Twice(Endpoint("a:1".to_owned()))),
            (format!("etcd://{}", many.join(",")), Wrong::TooMany(ENDPOINTS_MAX + 1)),
            ("etcd://a:1//".to_owned(), prefix("/")),
            ("etcd://a:1/x/".to_owned(), prefix("x/")),
            ("etcd://a:1/x//y".to_owned(), prefix("x//y")),
            ("etcd://a:1/x y".to_owned(), prefix("x y")),
            (format!("etcd://a:1/{long}"), prefix(&long)),
        ];
        for (got, why) in cases {
            let error = IllegalPlace { got: got.clone(), why };
            assert_eq!(got.parse::<Place>(), Err(error.clone()), "{got}");
            let said = error.to_string();
            assert!(said.contains(&got) && said.contains("etcd://HOST:PORT"), "{said}");
        }
    }

    #[test]
    fn one_and_an_even_number_of_endpoints_are_warned_of() {
        let warnings = |text: &str| text.parse::<Place>().unwrap().warnings();
        assert_eq!(warnings("etcd://a:1"), [Warning::OneEndpoint]);
        assert_eq!(warnings("etcd://a:1,b:1"), [Warning::EvenEndpoints(2)]);
        assert_eq!(warnings("etcd://a:1,b:1,c:1"), []);
        assert_eq!(warnings("etcd://a:1,b:1,c:1,d:1"), [Warning::EvenEndpoints(4)]);
        assert!(Warning::EvenEndpoints(4).to_string().contains("hint: "));
    }
}
