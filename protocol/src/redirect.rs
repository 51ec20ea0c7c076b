//! What a master says that does not lead: who does, if it knows. It never decides who leads.

use stoa_model::masters::is_address;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Status};

use crate::RichError;
use crate::search::Refused;

/// The metadata of a refusal that names the leader, a `HOST:PORT`.
pub const LEADER_KEY: &str = "stoa-leader";

/// What such a refusal is to programs.
pub const NOT_LEADING: &str = "NOT_LEADING";

/// The refusal of a master that does not lead, with where the leader is if that is known.
pub fn not_leading(leader: Option<&str>) -> Status {
    let who = leader.unwrap_or("nobody");
    let message = format!("this master does not lead: {who} does, as far as it knows");
    let error = RichError::new(Code::Unavailable, NOT_LEADING, message)
        .with_hint("name all masters of the cluster: --master HOST:PORT,HOST:PORT");
    let mut status = error.to_status();
    if let Some(leader) = leader.and_then(|leader| AsciiMetadataValue::try_from(leader).ok()) {
        status.metadata_mut().insert(LEADER_KEY, leader);
    }
    status
}

/// What a refusal means to who looks for the leader. An address that is none is passed over.
pub fn refused(status: &Status) -> Refused {
    let leader = status.metadata().get(LEADER_KEY).and_then(|value| value.to_str().ok());
    let leader = leader.filter(|leader| is_address(leader)).map(str::to_owned);
    let is_ours = status.code() == Code::Unavailable;
    if is_ours && (leader.is_some() || RichError::from_status(status).reason == NOT_LEADING) {
        return Refused::DoesNotLead { leader };
    }
    Refused::Refuses(status.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_says_who_leads_and_is_read_back() {
        for leader in [None, Some("m2:5050")] {
            let leader_read = leader.map(str::to_owned);
            assert_eq!(refused(&not_leading(leader)), Refused::DoesNotLead { leader: leader_read });
        }
    }

    #[test]
    fn address_that_is_none_and_other_refusals_are_not_followed() {
        let status = not_leading(Some("http://evil/"));
        assert_eq!(refused(&status), Refused::DoesNotLead { leader: None });
        let ending = Status::unavailable("this master is ending");
        assert_eq!(refused(&ending), Refused::Refuses("this master is ending".to_owned()));
    }
}
