//! A status as part of a line. It never leaves out what tells two Updates apart.

use stoa_model::ids::UpdateId;
use stoa_model::status::TaskStatus;

/// A status: the task, the Update if an agent made it, the state, why, and the message.
pub fn status(status: &TaskStatus) -> String {
    let mut text = format!("{} {} {}", status.task, status.state, status.reason);
    if let Some(code) = status.exit_code {
        text.push_str(&format!(" exit={code}"));
    }
    text.push_str(&format!(" {}", update(status.update)));
    if !status.message.is_empty() {
        text.push_str(&format!(" {:?}", status.message));
    }
    text
}

/// An Update as the incarnation of its agent and its number there.
pub fn update(id: Option<UpdateId>) -> String {
    id.map_or("by the master".to_owned(), |id| {
        format!("{}.{}", id.0 >> 64, id.0 & u128::from(u64::MAX))
    })
}
