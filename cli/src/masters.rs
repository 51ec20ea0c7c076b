//! `stoa master status` and `step-down`: which of several masters leads, and that another one is to
//! lead. It never runs one; `daemon.rs` does.

use serde::Serialize;
use serde_json::json;
use stoa_model::masters::Masters;
use stoa_protocol::leader;
use stoa_protocol::search::Refused;

use crate::cluster::Cluster;
use crate::config::{At, MASTER_DEFAULT, Output};
use crate::failure::{Failure, code};
use crate::lists::unprinted;
use crate::table::{Row, print, print_json};

/// What one master is, as it says itself.
#[derive(Debug, Serialize)]
struct Seen {
    address: String,
    role: &'static str,
    /// Whom it follows, or why it does not answer.
    says: String,
    /// The epoch under which it leads.
    epoch: Option<u64>,
}

/// Asks each of the masters that are named, and prints what it is.
///
/// # Errors
/// [`Failure`] if what is named are no masters, or none of them leads.
pub async fn status(at: At, output: Output) -> Result<(), Failure> {
    let named = at.master.as_deref().unwrap_or(MASTER_DEFAULT);
    let masters: Masters = named.parse().map_err(|error| {
        Failure::new(code::USAGE, format!("{error}")).hint("--master HOST:PORT,HOST:PORT")
    })?;
    let mut seen = Vec::new();
    for address in masters.addresses() {
        seen.push(look(address).await);
    }
    print(&seen, output).map_err(unprinted)?;
    match seen.iter().any(|master| master.role == "leader") {
        true => Ok(()),
        false => Err(Failure::new(code::FAILURE, "none of these masters leads".to_owned())
            .hint("name all masters of the cluster: --master HOST:PORT,HOST:PORT")),
    }
}

async fn look(address: &str) -> Seen {
    let seen = |role, says: String, epoch| Seen { address: address.to_owned(), role, says, epoch };
    match leader::ask(address).await {
        Ok(_) => match Cluster::connect(address).await {
            Ok(cluster) => match cluster.state().await {
                Ok(state) => seen("leader", String::new(), Some(state.master.epoch.0)),
                Err(failure) => seen("leader", failure.message, None),
            },
            Err(error) => seen("leader", error.to_string(), None),
        },
        Err(Refused::DoesNotLead { leader: Some(leader) }) => {
            seen("follower", format!("follows {leader}"), None)
        }
        Err(Refused::DoesNotLead { leader: None }) => {
            seen("follower", "knows of no leader".to_owned(), None)
        }
        Err(Refused::Unreachable(why) | Refused::Refuses(why)) => seen("away", why, None),
    }
}

impl Row for Seen {
    const HEADINGS: &'static [&'static str] = &["MASTER", "ROLE", "EPOCH", "SAYS"];

    fn cells(&self) -> Vec<String> {
        let epoch = self.epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
        let says = if self.says.is_empty() { "-" } else { &self.says };
        vec![self.address.clone(), self.role.to_owned(), epoch, says.to_owned()]
    }
}

/// Has the leader step down, so that another one leads.
///
/// # Errors
/// [`Failure`] if none leads, or the one that does has no others.
pub async fn step_down(at: At, output: Output) -> Result<(), Failure> {
    let cluster = Cluster::find(at.master.as_deref()).await?;
    let epoch = cluster.state().await?.master.epoch.0;
    cluster.step_down().await?;
    let printed = match output {
        Output::Json => print_json(&json!({ "stepped_down": epoch })),
        Output::Table => {
            println!("the leader of epoch {epoch} steps down");
            Ok(())
        }
    };
    printed.map_err(unprinted)
}
