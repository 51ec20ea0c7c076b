//! Which versions of etcd can be relied on, and whether the members that answer are one cluster:
//! pure judgements of what they say of themselves. It never asks them.

use std::cmp::Ordering;
use std::fmt;

use crate::place::Endpoint;

/// A version of etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// The version of these numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// The version in a text such as `3.5.28` or `3.6.0-rc.1`; what comes after the numbers does
    /// not matter here.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers = text.split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(|part| {
            let is_number = !part.is_empty() && part.chars().all(|digit| digit.is_ascii_digit());
            part.parse().ok().filter(|_| is_number)
        });
        let version = Self::new(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The oldest version whose API is spoken here.
const OLDEST: Version = Version::new(3, 4, 0);
/// These lose data without saying so. Source: etcd, issue 13766.
const CORRUPTING: [Version; 2] = [Version::new(3, 5, 0), Version::new(3, 5, 2)];
/// The first of each line without stale reads and known holes. Source: etcd, issue 20418,
/// CVE-2026-33413 and CVE-2026-33343.
const SOUND: [Version; 3] = [Version::new(3, 4, 42), Version::new(3, 5, 28), Version::new(3, 6, 9)];

/// What is allowed and yet not wise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// One member that fails takes the cluster's masters with it.
    #[error(
        "only one endpoint of etcd is named: without it no master leads; hint: name all members, \
         three or five"
    )]
    OneEndpoint,
    /// As many may fail as with one member less.
    #[error(
        "{0} endpoints of etcd are named: an even number bears no more failures than one less; \
         hint: three or five"
    )]
    EvenEndpoints(usize),
    /// Bugs that are mended since.
    #[error(
        "etcd at {endpoint} is of version {version}, which may answer reads with old values \
         (issue 20418) and has known holes (CVE-2026-33413, CVE-2026-33343); hint: 3.6.9, 3.5.28 \
         or later"
    )]
    OldVersion {
        /// Which member.
        endpoint: Endpoint,
        /// Its version.
        version: Version,
    },
    /// A member of several does not answer.
    #[error("{0}; the other members of etcd go on without it")]
    Away(String),
}

/// Why an etcd is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It says no version that could be judged.
    #[error("etcd at {endpoint} says that its version is `{got}`; hint: is it an etcd?")]
    NoVersion {
        /// Which member.
        endpoint: Endpoint,
        /// What it says.
        got: String,
    },
    /// It does not know what is asked of it.
    #[error(
        "etcd at {endpoint} is of version {version}, and {OLDEST} or later is needed; hint: 3.6.9, \
         3.5.28 or later"
    )]
    TooOld {
        /// Which member.
        endpoint: Endpoint,
        /// Its version.
        version: Version,
    },
    /// It loses data.
    #[error(
        "etcd at {endpoint} is of version {version}, and 3.5.0 to 3.5.2 can lose data (issue \
         13766); hint: upgrade it to 3.5.28 or later"
    )]
    Corrupting {
        /// Which member.
        endpoint: Endpoint,
        /// Its version.
        version: Version,
    },
    /// What one of them keeps the other does not know.
    #[error(
        "etcd at {one} and etcd at {other} are of two clusters ({one_cluster:x} and \
         {other_cluster:x}); hint: name the members of one"
    )]
    TwoClusters {
        /// One of them.
        one: Endpoint,
        /// Its cluster.
        one_cluster: u64,
        /// Another.
        other: Endpoint,
        /// Its cluster.
        other_cluster: u64,
    },
}

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its version, as it says it.
    pub version: String,
    /// The cluster it belongs to.
    pub cluster_id: u64,
}

/// Judges the version of one member.
///
/// # Errors
/// [`Unfit`] if it is not to be relied on at all.
pub fn judge(endpoint: &Endpoint, said: &str) -> Result<Option<Warning>, Unfit> {
    let endpoint = || endpoint.clone();
    let Some(version) = Version::parse(said) else {
        return Err(Unfit::NoVersion { endpoint: endpoint(), got: said.to_owned() });
    };
    if version < OLDEST {
        return Err(Unfit::TooOld { endpoint: endpoint(), version });
    }
    if (CORRUPTING[0]..=CORRUPTING[1]).contains(&version) {
        return Err(Unfit::Corrupting { endpoint: endpoint(), version });
    }
    let line = |sound: &Version| (sound.major, sound.minor).cmp(&(version.major, version.minor));
    // A line that is newer than all that are known here was made when the bugs were mended.
    let is_old = SOUND.iter().any(|sound| line(sound) == Ordering::Equal && version < *sound);
    Ok(is_old.then(|| Warning::OldVersion { endpoint: endpoint(), version }))
}

/// Judges all members that have answered.
///
/// # Errors
/// [`Unfit`] if one is not to be relied on, or they are not of one cluster.
pub fn judge_members(members: &[Member]) -> Result<Vec<Warning>, Unfit> {
    let mut warnings = Vec::new();
    for member in members {
        warnings.extend(judge(&member.endpoint, &member.version)?);
    }
    let Some(first) = members.first() else { return Ok(warnings) };
    match members.iter().find(|member| member.cluster_id != first.cluster_id) {
        None => Ok(warnings),
        Some(other) => Err(Unfit::TwoClusters {
            one: first.endpoint.clone(),
            one_cluster: first.cluster_id,
            other: other.endpoint.clone(),
            other_cluster: other.cluster_id,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    fn endpoint(text: &str) -> Endpoint {
        format!("etcd://{text}").parse::<Place>().unwrap().endpoints()[0].clone()
    }

    #[derive(Debug, PartialEq)]
    enum Verdict {
        Sound,
        Warned,
        NoVersion,
        TooOld,
        Corrupting,
    }
    use Verdict::{Corrupting, NoVersion, Sound, TooOld, Warned};

    fn verdict(said: &str) -> Verdict {
        match judge(&endpoint("a:1"), said) {
            Ok(None) => Sound,
            Ok(Some(Warning::OldVersion { .. })) => Warned,
            Err(Unfit::NoVersion { .. }) => NoVersion,
            Err(Unfit::TooOld { .. }) => TooOld,
            Err(Unfit::Corrupting { .. }) => Corrupting,
            other => panic!("{other:?} is no judgement of a version"),
        }
    }

    #[test]
    fn versions_are_judged_by_the_table() {
        let cases = [
            ("2.3.8", TooOld),
            ("3.3.27", TooOld),
            ("3.4.0", Warned),
            ("3.4.23", Warned),
            ("3.4.41", Warned),
            ("3.4.42", Sound),
            ("3.5.0", Corrupting),
            ("3.5.0-rc.1", Corrupting),
            ("3.5.1", Corrupting),
            ("3.5.2", Corrupting),
            ("3.5.3", Warned),
            ("3.5.27", Warned),
            ("3.5.28", Sound),
            ("3.6.0", Warned),
            ("3.6.8+build", Warned),
            ("3.6.9", Sound),
            ("3.7.0", Sound),
            ("4.0.0", Sound),
            ("", NoVersion),
            ("3", NoVersion),
            ("3.5", NoVersion),
            ("3.5.x", NoVersion),
            ("3.5.+3", NoVersion),
            ("3.5.28.1", NoVersion),
            ("99999999999.1.1", NoVersion),
        ];
        for (said, expected) in cases {
            assert_eq!(verdict(said), expected, "{said}");
        }
    }

    #[test]
    fn judgements_say_where_and_what_to_do() {
        for said in ["", "3.3.0", "3.5.1"] {
            let text = judge(&endpoint("a:1"), said).unwrap_err().to_string();
            assert!(text.contains("a:1") && text.contains("hint: "), "{text}");
        }
        let warning = judge(&endpoint("a:1"), "3.4.23").unwrap().unwrap().to_string();
        assert!(warning.contains("a:1") && warning.contains("3.4.23"), "{warning}");
    }

    #[test]
    fn members_of_two_clusters_are_refused() {
        let member = |at: &str, cluster_id| Member {
            endpoint: endpoint(at),
            version: "3.6.9".to_owned(),
            cluster_id,
        };
        assert_eq!(judge_members(&[]), Ok(Vec::new()));
        assert_eq!(judge_members(&[member("a:1", 7), member("b:1", 7)]), Ok(Vec::new()));
        let two = judge_members(&[member("a:1", 7), member("b:1", 7), member("c:1", 8)]);
        assert!(matches!(two, Err(Unfit::TwoClusters { other_cluster: 8, .. })), "{two:?}");
    }
}
