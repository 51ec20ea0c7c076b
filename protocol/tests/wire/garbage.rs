//! Whatever bytes come, the doors answer: never a panic, and what they let in is legal enough to
//! travel again unchanged.

use std::fmt::Debug;

use prost::Message;
use stoa_model::operator::{ClusterEvent, ClusterState};
use stoa_model::status::TaskStatus;
use stoa_model::task::TaskInfo;
use stoa_protocol::wire::{Stored, decode, encode};
use stoa_protocol::{RichError, agent_link, operator, pb, scheduler};

use crate::fixtures;

const SEED: u64 = 0x5704;
const ROUNDS: usize = 20_000;

/// The bytes of legal messages, for the garbage to be made of.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for call in fixtures::scheduler_calls() {
        seeds.push(scheduler::calls_to_proto(&[call]).encode_to_vec());
    }
    for event in fixtures::scheduler_events() {
        seeds.push(scheduler::events_to_proto(&[event]).encode_to_vec());
    }
    for call in fixtures::agent_calls() {
        seeds.push(agent_link::calls_to_proto(&[call]).encode_to_vec());
    }
    for event in fixtures::agent_events() {
        seeds.push(agent_link::events_to_proto(&[event]).encode_to_vec());
    }
    seeds.extend(fixtures::cluster_events().iter().map(encode));
    seeds.push(encode(&fixtures::cluster_state()));
    seeds.push(encode(&fixtures::executor_task()));
    seeds
}

/// Random bytes, or legal ones that are damaged a little.
fn garbage(random: &mut fastrand::Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    if random.u8(..8) == 0 {
        let length = random.usize(..200);
        return std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    }
    let mut bytes = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(..bytes.len());
        match random.u8(..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 => drop(bytes.remove(at)),
            3 => bytes[at] = random.u8(..),
            _ => bytes[at] ^= 1 << random.u8(..8),
        }
    }
    bytes
}

/// What is let in must come back the same. Answers whether it was let in.
fn stored<T: Stored + Debug + PartialEq>(bytes: &[u8]) -> bool {
    let value = decode::<T>(bytes);
    if let Ok(value) = &value {
        assert_eq!(decode::<T>(&encode(value)).as_ref(), Ok(value));
    }
    value.is_ok()
}

fn scheduler_link(bytes: &[u8]) -> bool {
    if let Ok(batch) = pb::scheduler::SchedulerEvents::decode(bytes)
        && let Ok(events) = scheduler::events_from_proto(batch)
    {
        let again = scheduler::events_from_proto(scheduler::events_to_proto(&events));
        assert_eq!(again, Ok(events));
    }
    let Ok(batch) = pb::scheduler::SchedulerCalls::decode(bytes) else {
        return false;
    };
    let decoded = scheduler::calls_from_proto(batch).expect("the batch is small");
    for one in &decoded {
        assert!(one.call.is_some() || !one.refused.is_empty(), "a call ended in silence");
        for refused in one.refused.clone() {
            let answer = scheduler::events_to_proto(&[refused.answer(1)]);
            assert!(scheduler::events_from_proto(answer).is_ok(), "an answer must travel");
        }
        if let Some(call) = one.call.clone() {
            let proto = scheduler::calls_to_proto(std::slice::from_ref(&call));
            let again = scheduler::calls_from_proto(proto).expect("the batch is small");
            assert_eq!(again[0].call, Some(call));
            assert_eq!(again[0].refused, []);
        }
    }
    decoded.iter().any(|one| one.call.is_some())
}

fn agent_link(bytes: &[u8]) -> bool {
    if let Ok(batch) = pb::agent::AgentEvents::decode(bytes)
        && let Ok(events) = agent_link::events_from_proto(batch)
    {
        let again = agent_link::events_from_proto(agent_link::events_to_proto(&events));
        assert_eq!(again, Ok(events));
    }
    let Ok(batch) = pb::agent::AgentCalls::decode(bytes) else {
        return false;
    };
    let Ok(calls) = agent_link::calls_from_proto(batch) else {
        return false;
    };
    let again = agent_link::calls_from_proto(agent_link::calls_to_proto(&calls));
    assert_eq!(again.as_ref(), Ok(&calls));
    !calls.is_empty()
}

fn requests(bytes: &[u8]) {
    if let Ok(proto) = pb::SetPausedTask::decode(bytes) {
        let _ = operator::set_paused_from_proto(proto);
    }
    if let Ok(proto) = pb::KillTask::decode(bytes) {
        let _ = operator::kill_from_proto(proto);
    }
    if let Ok(proto) = pb::ReadLogRequest::decode(bytes) {
        let _ = operator::read_log_from_proto(proto);
    }
    let details = bytes.to_vec().into();
    let status = tonic::Status::with_details(tonic::Code::Internal, "broken", details);
    assert_eq!(RichError::from_status(&status).message, "broken");
}

#[test]
fn garbage_is_answered_and_never_panics() {
    let mut random = fastrand::Rng::with_seed(SEED);
    let seeds = seeds();
    let (mut calls_let_in, mut others_let_in) = (0, 0);
    for _ in 0..ROUNDS {
        let bytes = garbage(&mut random, &seeds);
        calls_let_in += usize::from(scheduler_link(&bytes));
        others_let_in += usize::from(agent_link(&bytes));
        others_let_in += usize::from(stored::<TaskInfo>(&bytes));
        others_let_in += usize::from(stored::<TaskStatus>(&bytes));
        others_let_in += usize::from(stored::<ClusterEvent>(&bytes));
        others_let_in += usize::from(stored::<ClusterState>(&bytes));
        requests(&bytes);
    }
    assert!(calls_let_in > 300 && others_let_in > 300, "{calls_let_in} {others_let_in}");
}
