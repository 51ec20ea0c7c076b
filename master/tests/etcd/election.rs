//! Elections of the master's core by the leases of a real etcd.

use std::time::Duration;

use stoa_etcd::Client;
use stoa_harness::Etcd;
use stoa_machine::Clock;
use stoa_master::{EtcdStoreError, LeaseKeeper};
use stoa_master_core::election::{Action, Config, Election, Input};
use stoa_model::epoch::Epoch;
use tokio::sync::mpsc;

use crate::records::{admitted, sum};
use crate::scene::{hasty_client, keys, open};

/// The longest that anything may take here.
const LIMIT: Duration = Duration::from_secs(30);

/// A master that stands for election, and does nothing else.
struct Candidate {
    election: Election,
    keeper: LeaseKeeper,
    inputs: mpsc::Receiver<Input>,
    clock: Clock,
    /// What its election wanted that was no question.
    done: Vec<Action>,
}

impl Candidate {
    fn new(client: &Client, address: &str, clock: Clock) -> Self {
        let config = Config {
            lease_ms: 3_000,
            margin_ms: 1_000,
            keep_alive_ms: 500,
            rest_ms: 3_000,
            ..Config::new(address.to_owned(), address.len() as u64)
        };
        assert_eq!(config.check(), Ok(()));
        let (to_election, inputs) = mpsc::channel(64);
        let keeper = LeaseKeeper::start(client.clone(), keys(), address.to_owned(), to_election);
        let election = Election::new(config, clock.now());
        Self { election, keeper, inputs, clock, done: Vec::new() }
    }

    fn step(&mut self, input: Input) {
        let mut actions = Vec::new();
        self.election.step(self.clock.now(), input, &mut actions);
        self.done.extend(actions.into_iter().filter_map(|action| self.keeper.ask(action)));
    }

    fn go_on(&mut self) {
        while let Ok(input) = self.inputs.try_recv() {
            self.step(input);
        }
        if self.clock.now() >= self.election.next_deadline() {
            self.step(Input::Tick);
        }
    }

    fn leads(&self) -> Option<Epoch> {
        self.election.acts_as(self.clock.now())
    }

    fn has_stopped(&self) -> bool {
        self.done.iter().any(|action| matches!(action, Action::Stop(_)))
    }
}

/// Lets the masters go on until something holds. Those that are not named stand still.
async fn until<const N: usize>(
    what: &str,
    mut masters: [&mut Candidate; N],
    holds: impl Fn(&[&mut Candidate; N]) -> bool,
) {
    let going_on = async {
        loop {
            masters.iter_mut().for_each(|master| master.go_on());
            let leaders = masters.iter().filter(|master| master.leads().is_some()).count();
            assert!(leaders <= 1, "with clocks that agree only one believes that it leads");
            if holds(&masters) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, going_on).await;
    in_time.unwrap_or_else(|_| panic!("waited {LIMIT:?} in vain until {what}"));
}

#[tokio::test]
async fn master_that_stands_still_is_followed_by_another_and_commits_nothing_more() {
    let etcd = Etcd::start(1);
    let (client, clock) = (hasty_client(&etcd), Clock::start());
    let mut one = Candidate::new(&client, "one:1", clock);
    until("it leads", [&mut one], |[one]| one.leads().is_some()).await;
    let first = one.leads().unwrap();
    assert_eq!(
        one.done.iter().find(|action| matches!(action, Action::Lead(_))),
        Some(&Action::Lead(first))
    );
    let (mut store, _) = open(&client, first).await.unwrap();
    store.commit(vec![admitted(1)]).await.unwrap();

    let mut other = Candidate::new(&client, "other:1", clock);
    until("it knows who leads", [&mut one, &mut other], |[_, other]| {
        other.election.leader().is_some_and(|leader| leader.epoch == first)
    })
    .await;
    assert_eq!(other.election.leader().unwrap().address, "one:1");
    // Keep-alives hold the lease for longer than it is.
    let long = clock.now().plus_ms(4_000);
    until("time passes", [&mut one, &mut other], |_| clock.now() >= long).await;
    assert_eq!((one.leads(), other.leads()), (Some(first), None));

    until("another leads", [&mut other], |[other]| other.leads().is_some()).await;
    let second = other.leads().unwrap();
    assert!(second > first);
    assert_eq!(one.leads(), None, "by its own clock alone");
    let refused = store.commit(vec![admitted(2)]).await;
    assert!(matches!(refused, Err(EtcdStoreError::NotLeader { .. })), "{refused:?}");
    until("it knows better", [&mut one, &mut other], |[one, _]| {
        one.has_stopped() && one.election.leader().is_some_and(|leader| leader.epoch == second)
    })
    .await;
    let (_, found) = open(&client, second).await.unwrap();
    assert_eq!(found, sum(&[admitted(1)]));
}

#[tokio::test]
async fn master_that_steps_down_is_followed_at_once() {
    let etcd = Etcd::start(1);
    let (client, clock) = (hasty_client(&etcd), Clock::start());
    let mut one = Candidate::new(&client, "one:1", clock);
    until("it leads", [&mut one], |[one]| one.leads().is_some()).await;
    let first = one.leads().unwrap();
    let mut other = Candidate::new(&client, "other:1", clock);
    one.step(Input::StepDown);
    assert_eq!(one.leads(), None);
    until("the other leads", [&mut one, &mut other], |[_, other]| other.leads().is_some()).await;
    assert!(other.leads().unwrap() > first);
}

#[tokio::test]
async fn lease_that_etcd_has_ended_ends_the_leadership() {
    let etcd = Etcd::start(1);
    let (client, clock) = (hasty_client(&etcd), Clock::start());
    let mut one = Candidate::new(&client, "one:1", clock);
    until("it leads", [&mut one], |[one]| one.leads().is_some()).await;
    let range = stoa_etcd::Range::key(keys().leader());
    let (_, page) = client.range(&range).await.unwrap();
    client.revoke(page.entries[0].lease.unwrap()).await.unwrap();
    until("it has heard of it", [&mut one], |[one]| one.has_stopped()).await;
    until("it leads again", [&mut one], |[one]| one.leads().is_some()).await;
    assert!(one.leads().unwrap().0 > page.entries[0].create_revision);
}

#[tokio::test]
async fn etcd_without_a_majority_has_no_leader_and_one_with_it_has() {
    let mut etcd = Etcd::start(3);
    let (client, clock) = (hasty_client(&etcd), Clock::start());
    let mut one = Candidate::new(&client, "one:1", clock);
    let mut other = Candidate::new(&client, "other:1", clock);
    let someone =
        |[one, other]: &[&mut Candidate; 2]| one.leads().is_some() || other.leads().is_some();
    until("somebody leads", [&mut one, &mut other], someone).await;
    let first = one.leads().or(other.leads()).unwrap();
    etcd.kill(0);
    etcd.kill(1);
    until("nobody leads", [&mut one, &mut other], |masters| !someone(masters)).await;
    etcd.restart_all(&[0, 1]);
    until("somebody leads", [&mut one, &mut other], someone).await;
    let second = one.leads().or(other.leads()).unwrap();
    assert!(second > first, "{second} after {first}");
}
