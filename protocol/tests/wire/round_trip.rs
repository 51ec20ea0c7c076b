//! Every value comes back from the wire as it went there, and the numbers of the enums agree with
//! their names.

use std::fmt::Debug;

use prost::Message;
use stoa_model::operator::{LogChunk, Query};
use stoa_model::status::Reason;
use stoa_model::task::TaskState;
use stoa_protocol::artifacts::{self, Chunk, Fetch, Head};
use stoa_protocol::scheduler::calls::Decoded;
use stoa_protocol::wire::{Stored, decode, encode};
use stoa_protocol::{Wire, agent_link, operator, pb, scheduler};

use crate::fixtures;

/// The message as the other end of a stream gets it.
fn sent<M: Message + Default>(message: M) -> M {
    M::decode(message.encode_to_vec().as_slice()).expect("prost reads what it has written")
}

fn comes_back<T: Stored + Debug + PartialEq>(value: &T) {
    assert_eq!(decode(&encode(value)), Ok(T::from_proto(value.to_proto()).expect("it is legal")));
    assert_eq!(decode::<T>(&encode(value)).as_ref(), Ok(value));
}

#[test]
fn scheduler_calls_come_back() {
    let calls = fixtures::scheduler_calls();
    let decoded = scheduler::calls_from_proto(sent(scheduler::calls_to_proto(&calls)));
    let whole = |call| Decoded { call: Some(call), refused: Vec::new() };
    assert_eq!(decoded, Ok(calls.into_iter().map(whole).collect()));
}

#[test]
fn scheduler_events_come_back() {
    let events = fixtures::scheduler_events();
    let proto = sent(scheduler::events_to_proto(&events));
    assert_eq!(scheduler::events_from_proto(proto), Ok(events));
}

#[test]
fn agent_calls_come_back() {
    let calls = fixtures::agent_calls();
    let proto = sent(agent_link::calls_to_proto(&calls));
    assert_eq!(agent_link::calls_from_proto(proto), Ok(calls));
}

#[test]
fn agent_events_come_back() {
    let events = fixtures::agent_events();
    let proto = sent(agent_link::events_to_proto(&events));
    assert_eq!(agent_link::events_from_proto(proto), Ok(events));
}

#[test]
fn operator_values_come_back() {
    comes_back(&fixtures::cluster_state());
    fixtures::cluster_events().iter().for_each(comes_back);
    comes_back(&LogChunk { data: vec![1], is_end: false });
    for query in fixtures::queries() {
        let back = match &query {
            Query::State | Query::ResetBreaker => continue,
            Query::Kill { task, policy } => {
                operator::kill_from_proto(sent(operator::kill_to_proto(task, policy)))
            }
            Query::SetPaused { task, is_paused } => operator::set_paused_from_proto(sent(
                operator::set_paused_to_proto(task, *is_paused),
            )),
            Query::ReadLog { task, log } => {
                operator::read_log_from_proto(sent(operator::read_log_to_proto(task, log)))
            }
            Query::Agent { agent, order } => {
                operator::order_from_proto(sent(operator::order_to_proto(agent, *order)))
            }
        };
        assert_eq!(back, Ok(query));
    }
    for (record, is_news) in fixtures::records().into_iter().zip([true, false]) {
        let proto = sent(operator::paused_to_proto(&record, is_news));
        assert_eq!(operator::paused_from_proto(proto), Ok((record, is_news)));
    }
    let state = fixtures::cluster_state().agents.remove(0);
    for agent in [Ok(state), Err(fixtures::agent())] {
        let proto = sent(operator::ordered_to_proto(agent.as_ref()));
        assert_eq!(operator::ordered_from_proto(proto), Ok(agent));
    }
}

#[test]
fn stored_values_come_back() {
    comes_back(&fixtures::command_task());
    comes_back(&fixtures::executor_task());
    comes_back(&fixtures::executor_info());
    comes_back(&fixtures::status(TaskState::Killed, Reason::KillRequested));
    comes_back(&fixtures::master_status());
    comes_back(&fixtures::agent_info());
    comes_back(&fixtures::framework_info());
    fixtures::records().iter().for_each(comes_back);
}

#[test]
fn artifact_messages_come_back() {
    let head = Head { digest: fixtures::digest(1), size_bytes: 256 << 20 };
    comes_back(&Chunk::Head(head));
    comes_back(&Chunk::Data(vec![5; 256 << 10].into()));
    comes_back(&Fetch { digest: fixtures::digest(2), offset: 7 });
    let digests = vec![fixtures::digest(1), fixtures::digest(2)];
    assert_eq!(artifacts::has_from_proto(artifacts::has_to_proto(&digests)), Ok(digests.clone()));
    let missing = artifacts::missing_to_proto(&digests);
    assert_eq!(artifacts::missing_from_proto(missing), Ok(digests));
    assert_eq!(artifacts::uploaded_from_proto(artifacts::uploaded_to_proto(&head)), Ok(head));
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let task = pb::TaskInfo {
        limits: None,
        kill_policy: None,
        max_completion_ms: None,
        ..fixtures::command_task().to_proto()
    };
    let task = stoa_model::task::TaskInfo::from_proto(task).expect("nothing required is missing");
    assert_eq!(task.limits, stoa_model::task::Limits::default());
    assert_eq!(task.kill_policy.grace_ms, 0);
    assert_eq!(task.max_completion_ms, None);

    let info = pb::FrameworkInfo::default();
    let info = stoa_model::framework::FrameworkInfo::from_proto(info).expect("all has a default");
    assert_eq!(info.roles, [fixtures::id("default")]);
    assert_eq!(info.failover_timeout_ms, stoa_model::framework::FAILOVER_TIMEOUT_MS_DEFAULT);

    let filters = stoa_model::offer::Filters::from_proto(pb::Filters::default());
    assert_eq!(filters, Ok(stoa_model::offer::Filters::default()));
}

#[test]
fn task_states_have_the_same_names_on_the_wire() {
    for state in TaskState::ALL {
        let proto = pb::TaskState::try_from(state.to_proto()).expect("it is in the enum");
        assert_eq!(proto.as_str_name(), format!("TASK_STATE_{state}"));
        assert_eq!(TaskState::from_proto(state.to_proto()), Ok(state));
    }
    let known = (1..).take_while(|number| pb::TaskState::try_from(*number).is_ok()).count();
    assert_eq!(known, TaskState::ALL.len(), "the wire has a state that the model lacks");
}

#[test]
fn reasons_have_the_same_names_on_the_wire() {
    for reason in Reason::ALL {
        let proto = pb::Reason::try_from(reason.to_proto()).expect("it is in the enum");
        assert_eq!(proto.as_str_name(), format!("REASON_{reason}"));
        assert_eq!(Reason::from_proto(reason.to_proto()), Ok(reason));
    }
    let known = (1..).take_while(|number| pb::Reason::try_from(*number).is_ok()).count();
    assert_eq!(known, Reason::ALL.len(), "the wire has a reason that the model lacks");
}

#[test]
fn small_enums_know_every_number_of_the_wire() {
    fn knows<T: Wire<Proto = i32>>(is_on_wire: fn(i32) -> bool) {
        assert!(T::from_proto(0).is_err(), "0 is unspecified");
        let mut number = 1;
        while is_on_wire(number) {
            let value = T::from_proto(number).expect("the wire has the number");
            assert_eq!(value.to_proto(), number);
            number += 1;
        }
        assert!(number > 1 && T::from_proto(number).is_err() && T::from_proto(-1).is_err());
    }
    knows::<stoa_model::command::Access>(|number| pb::Access::try_from(number).is_ok());
    knows::<stoa_model::operator::LogStream>(|number| pb::LogStream::try_from(number).is_ok());
    knows::<stoa_model::operator::AgentStanding>(|number| {
        pb::AgentStanding::try_from(number).is_ok()
    });
}
