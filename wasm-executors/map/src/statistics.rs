//! What the executor has done so far, as a scheduler reads it. It never changes anything.

use serde::Serialize;

use crate::instance::{Instance, Stage};

/// What became of the calls so far.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) killed: u64,
    pub(crate) refused: u64,
}

/// The answer to a Message.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics<'a> {
    #[serde(flatten)]
    counts: &'a Counts,
    waiting: usize,
    in_flight: usize,
    instances: Vec<OfInstance<'a>>,
}

#[derive(Debug, Serialize)]
struct OfInstance<'a> {
    stage: &'static str,
    in_flight: usize,
    /// Since it started last.
    answered: u64,
    starts: u64,
    /// The last end that nobody asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    death: Option<&'a str>,
}

impl<'a> Statistics<'a> {
    pub(crate) fn of(counts: &'a Counts, waiting: usize, instances: &'a [Instance]) -> Self {
        let of_instance = |instance: &'a Instance| OfInstance {
            stage: match instance.stage {
                Stage::Running(_) => "running",
                Stage::Ending(_) => "ending",
                Stage::Resting(_) if instance.is_given_up() => "given up",
                Stage::Resting(_) => "resting",
            },
            in_flight: instance.calls.len(),
            answered: instance.answered,
            starts: instance.starts,
            death: instance.death.as_ref().map(|death| death.text.as_str()),
        };
        Self {
            counts,
            waiting,
            in_flight: instances.iter().map(|instance| instance.calls.len()).sum(),
            instances: instances.iter().map(of_instance).collect(),
        }
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names and numbers can be written")
    }
}
