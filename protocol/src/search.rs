//! The search for the master that leads, decided: whom to try next, and what to say when nobody
//! leads. It never opens a connection, and never waits.
//!
//! A round tries the one that led last, then each of the list once. A master that does not lead and
//! knows who does is believed at once, so many times in a round; then the list goes on.

use std::fmt;

use stoa_model::masters::Masters;

use crate::limits::HOPS_MAX;

/// What came of an attempt that did not find the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is a master, and does not lead.
    DoesNotLead {
        /// Where the leader is, as far as it knows.
        leader: Option<String>,
    },
    /// Nobody answers there, for this reason.
    Unreachable(String),
    /// It answers something else: this.
    Refuses(String),
}

/// Nobody led in a round: what each said who was tried, in order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NoLeader(Vec<(String, Refused)>);

impl NoLeader {
    /// Whether waiting may help: a master answered, so that one of them will lead.
    pub fn may_pass(&self) -> bool {
        self.0.iter().any(|(_, what)| matches!(what, Refused::DoesNotLead { .. }))
    }
}

impl fmt::Display for NoLeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [(address, Refused::Unreachable(why))] => {
                write!(f, "cannot connect to the master at {address}: {why}")
            }
            [(_, Refused::Refuses(message))] => f.write_str(message),
            [(address, what)] => write!(f, "the master at {address} {what}"),
            said => {
                f.write_str("no master leads")?;
                for (at, (address, what)) in said.iter().enumerate() {
                    write!(f, "{} {address} {what}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotLead { leader: Some(leader) } => {
                write!(f, "does not lead, and names {leader}")
            }
            Self::DoesNotLead { leader: None } => f.write_str("does not lead, and knows no leader"),
            Self::Unreachable(why) => write!(f, "cannot be reached ({why})"),
            Self::Refuses(message) => write!(f, "refuses ({message})"),
        }
    }
}

/// A search, and what it remembers from one to the next.
#[derive(Clone, Debug)]
pub struct Search {
    masters: Masters,
    /// The one that led last, of the list or not.
    led: Option<String>,
    /// Those that were tried in this round.
    said: Vec<(String, Refused)>,
    /// The one that was named as leader by the one that was tried last.
    named: Option<String>,
    hops: usize,
}

impl Search {
    /// A search that knows of nobody who led.
    pub fn new(masters: Masters) -> Self {
        Self { masters, led: None, said: Vec::new(), named: None, hops: 0 }
    }

    /// The masters, as they were named.
    pub fn masters(&self) -> &Masters {
        &self.masters
    }

    /// The one that led last.
    pub fn led(&self) -> Option<&str> {
        self.led.as_deref()
    }

    /// Whom to try next; nobody if the round is over.
    pub fn next(&self) -> Option<&str> {
        let first = self.named.as_deref().into_iter().chain(self.led.as_deref());
        let mut all = first.chain(self.masters.addresses());
        all.find(|address| self.said.iter().all(|(tried, _)| tried != address))
    }

    /// It does not lead, or is not there.
    pub fn on_refused(&mut self, address: &str, what: Refused) {
        self.named = match &what {
            Refused::DoesNotLead { leader: Some(leader) } if self.hops < HOPS_MAX => {
                self.hops += 1;
                Some(leader.clone())
            }
            _ => None,
        };
        self.said.push((address.to_owned(), what));
    }

    /// It leads: the next search begins with it.
    pub fn on_found(&mut self, address: &str) {
        self.led = Some(address.to_owned());
        self.end_round();
    }

    /// The round is over; another begins.
    pub fn end_round(&mut self) -> NoLeader {
        (self.named, self.hops) = (None, 0);
        NoLeader(std::mem::take(&mut self.said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        Search::new("m1:1,m2:1,m3:1".parse().unwrap())
    }

    fn follows(leader: Option<&str>) -> Refused {
        Refused::DoesNotLead { leader: leader.map(str::to_owned) }
    }

    /// Tries the one that is next, which must be this one.
    fn refuse(search: &mut Search, address: &str, what: Refused) {
        assert_eq!(search.next(), Some(address));
        search.on_refused(address, what);
    }

    #[test]
    fn each_is_tried_once_and_says_why_it_is_none() {
        let mut search = search();
        refuse(&mut search, "m1:1", Refused::Unreachable("connection refused".to_owned()));
        refuse(&mut search, "m2:1", follows(None));
        refuse(&mut search, "m3:1", Refused::Refuses("it is ending".to_owned()));
        assert_eq!(search.next(), None);
        let nobody = search.end_round();
        assert!(nobody.may_pass());
        assert_eq!(
            nobody.to_string(),
            "no master leads: m1:1 cannot be reached (connection refused); m2:1 does not lead, and \
             knows no leader; m3:1 refuses (it is ending)"
        );
        assert_eq!(search.next(), Some("m1:1"), "another round");
    }

    #[test]
    fn named_leader_is_tried_at_once_also_one_that_is_not_listed() {
        let mut search = search();
        refuse(&mut search, "m1:1", follows(Some("m9:1")));
        assert_eq!(search.next(), Some("m9:1"));
        search.on_found("m9:1");
        refuse(&mut search, "m9:1", Refused::Unreachable("gone".to_owned()));
        refuse(&mut search, "m1:1", follows(Some("m9:1")));
        refuse(&mut search, "m2:1", follows(Some("m3:1")));
        search.on_found("m3:1");
        assert_eq!(search.next(), Some("m3:1"), "it led last");
    }

    #[test]
    fn names_that_lead_from_one_to_the_next_are_followed_for_a_while() {
        let mut search = Search::new("m0:1,last:1".parse().unwrap());
        for hop in 0..HOPS_MAX {
            let named = format!("m{}:1", hop + 1);
            refuse(&mut search, &format!("m{hop}:1"), follows(Some(&named)));
        }
        refuse(&mut search, &format!("m{HOPS_MAX}:1"), follows(Some("far:1")));
        refuse(&mut search, "last:1", follows(Some("m0:1")));
        assert_eq!(search.next(), None);
    }

    #[test]
    fn one_master_alone_says_what_it_says() {
        let mut search = Search::new("m1:1".parse().unwrap());
        refuse(&mut search, "m1:1", Refused::Unreachable("connection refused".to_owned()));
        let nobody = search.end_round();
        assert!(!nobody.may_pass());
        let message = "cannot connect to the master at m1:1: connection refused";
        assert_eq!(nobody.to_string(), message);
    }
}
