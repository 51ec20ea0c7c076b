//! Makes ids that were never used before: each begins with a part of the master's own id, which is
//! made anew at each start. It never remembers what it made.

use stoa_model::ids::{AgentId, FrameworkId, OfferId, SessionId};

use crate::recovered::Recovered;

/// Bytes of the master's id that its ids begin with, as long as nobody known has them already.
const PREFIX_BYTES: usize = 8;

/// Counts what it makes.
#[derive(Debug)]
pub(crate) struct Mint {
    prefix: String,
    frameworks: u64,
    agents: u64,
    offers: u64,
    sessions: u64,
}

impl Mint {
    /// A mint whose ids differ from all that the store knows.
    pub(crate) fn new(master: &str, recovered: &Recovered) -> Self {
        let short = master.get(..PREFIX_BYTES).unwrap_or(master);
        let known = (recovered.agents.keys().map(AgentId::as_str))
            .chain(recovered.gone.iter().map(AgentId::as_str))
            .chain(recovered.frameworks.keys().map(FrameworkId::as_str))
            .chain(recovered.removed.iter().map(FrameworkId::as_str));
        let is_taken = |id: &str| {
            id.strip_prefix(short)
                .is_some_and(|rest| rest.starts_with("-A") || rest.starts_with("-F"))
        };
        let prefix = if known.into_iter().any(is_taken) { master } else { short };
        Self { prefix: prefix.to_owned(), frameworks: 0, agents: 0, offers: 0, sessions: 0 }
    }

    /// The next id that is not known: a report may have named it before it was made.
    pub(crate) fn framework(&mut self, is_known: impl Fn(&FrameworkId) -> bool) -> FrameworkId {
        loop {
            self.frameworks += 1;
            let text = format!("{}-F{}", self.prefix, self.frameworks);
            let id = FrameworkId::new(&text).expect(LEGAL);
            if !is_known(&id) {
                return id;
            }
        }
    }

    /// The next id that is not known: an agent may have come under it before it was made.
    pub(crate) fn agent(&mut self, is_known: impl Fn(&AgentId) -> bool) -> AgentId {
        loop {
            self.agents += 1;
            let id = AgentId::new(&format!("{}-A{}", self.prefix, self.agents)).expect(LEGAL);
            if !is_known(&id) {
                return id;
            }
        }
    }

    pub(crate) fn offer(&mut self) -> OfferId {
        self.offers += 1;
        OfferId::new(&format!("{}-O{}", self.prefix, self.offers)).expect(LEGAL)
    }

    pub(crate) fn session(&mut self) -> SessionId {
        self.sessions += 1;
        SessionId::new(&format!("{}-S{}", self.prefix, self.sessions)).expect(LEGAL)
    }
}

const LEGAL: &str = "Config::check admits only master ids that begin legal ids";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn ids_differ_from_those_in_the_store_though_masters_begin_alike() {
        let mut recovered = Recovered::default();
        let agent = |recovered: &Recovered| {
            let id = Mint::new("12345678-9", recovered).agent(|_| false);
            id.as_str().to_owned()
        };
        assert_eq!(agent(&recovered), "12345678-A1");
        let id = FrameworkId::new("12345678-F1").unwrap();
        recovered.apply(Record::FrameworkRemoved { id });
        assert_eq!(agent(&recovered), "12345678-9-A1");
    }

    #[test]
    fn id_that_somebody_else_has_brought_is_passed_over() {
        let mut mint = Mint::new("m", &Recovered::default());
        let brought = FrameworkId::new("m-F1").unwrap();
        assert_eq!(mint.framework(|id| *id == brought).as_str(), "m-F2");
    }
}
