//! Masters of which one leads, behind real ports: those who come to another are sent to the leader,
//! at once, whatever they want.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only their functions")]

use std::time::Duration;

use stoa_machine::Artifacts;
use stoa_master::{Config, Door, Extras, OpenMaster, Role, Settings, serve};
use stoa_model::agent::AgentInfo;
use stoa_model::agent_link::{Call, Event};
use stoa_model::epoch::Epoch;
use stoa_model::masters::Masters;
use stoa_model::resources::Resources;
use stoa_model::scheduler::MasterInfo;
use stoa_protocol::artifact_client::missing;
use stoa_protocol::leader;
use stoa_protocol::link::{AgentPeer, Link, LinkInput, connect};
use stoa_protocol::pb;
use stoa_protocol::pb::operator_client::OperatorClient;
use stoa_protocol::redirect::LEADER_KEY;
use stoa_protocol::search::Search;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Code;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Masters, and what is removed with them.
#[derive(Default)]
struct Cluster {
    parts: JoinSet<()>,
    states: Vec<TempDir>,
}

async fn port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// A port at which nobody listens.
async fn nowhere() -> String {
    port().await.1
}

impl Cluster {
    fn state(&mut self) -> &TempDir {
        self.states.push(tempfile::tempdir().unwrap());
        self.states.last().unwrap()
    }

    fn master(&mut self, epoch_above: Epoch) -> OpenMaster {
        let master = MasterInfo { id: "m1".into(), version: "0".into(), epoch: Epoch::NONE };
        let state = self.state().path().join("master");
        OpenMaster::open(Settings { config: Config::new(master), epoch_above, state }).unwrap()
    }

    /// A master that leads.
    async fn leader(&mut self) -> String {
        let (listener, address) = port().await;
        let master = self.master(Epoch(6));
        self.parts.spawn(async move {
            master.serve(listener, std::future::pending()).await.unwrap();
        });
        address
    }

    /// A master that does not, and what it says of who does.
    async fn follower(&mut self, leader: Option<&str>) -> (String, watch::Sender<Role>) {
        let (listener, address) = port().await;
        let leader = leader.map(str::to_owned);
        let (role, door) = watch::channel(Role::Follower { leader });
        let artifacts = Artifacts::open(self.state().path()).unwrap();
        self.parts.spawn(async move {
            serve(listener, Door::new(door), Extras::default(), artifacts).await.unwrap();
        });
        (address, role)
    }
}

fn masters(addresses: &[&str]) -> Masters {
    addresses.join(",").parse().unwrap()
}

/// An agent that has obeyed this epoch registers.
fn register(epoch: Epoch) -> Call {
    let info = AgentInfo {
        hostname: "here".into(),
        resources: Resources::new(1_000, 1 << 30),
        attributes: Default::default(),
        version: "0".into(),
    };
    Call::Register { info, epoch }
}

/// What an agent is told first by the master that its link finds.
async fn greeted(link: &mut Link<AgentPeer>) -> Event {
    link.open();
    let greeting = async {
        loop {
            match link.next(true).await {
                LinkInput::Opened => link.send(register(Epoch::NONE)),
                LinkInput::Events(events) => return events.into_iter().next().unwrap(),
                LinkInput::Ended => panic!("the master has ended the stream"),
                LinkInput::Closed(why) => panic!("no stream: {why}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, greeting).await.unwrap()
}

#[tokio::test]
async fn agent_is_sent_to_the_leader_and_goes_to_it_first_from_then_on() {
    let mut cluster = Cluster::default();
    let leader = cluster.leader().await;
    let (follower, _role) = cluster.follower(Some(&leader)).await;
    let dead = nowhere().await;
    let mut link = Link::new(masters(&[&dead, &follower]));
    let Event::Registered(welcome) = greeted(&mut link).await else {
        panic!("the leader registers who registers")
    };
    assert_eq!(welcome.epoch, Epoch(7), "above the epoch that was said to be there");
    assert_eq!(link.search().led(), Some(leader.as_str()));
    assert_eq!(link.search().next(), Some(leader.as_str()));
    greeted(&mut link).await;
}

#[tokio::test]
async fn everything_that_is_asked_of_a_follower_is_refused_with_who_leads() {
    let mut cluster = Cluster::default();
    let (address, _role) = cluster.follower(Some("127.0.0.1:7")).await;
    let channel = connect(&address).await.unwrap();
    let mut operator = OperatorClient::new(channel.clone());
    let state = operator.state(pb::StateRequest {}).await.err();
    let watch = operator.watch(pb::WatchRequest {}).await.err();
    let breaker = operator.reset_breaker(pb::ResetBreakerRequest {}).await.err();
    let leads = operator.leader(pb::LeaderRequest {}).await.err();
    for status in [state, watch, breaker, leads] {
        let status = status.expect("it does not lead");
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(status.metadata().get(LEADER_KEY).unwrap(), "127.0.0.1:7");
    }
    let artifacts = missing(channel, &[]).await.err().unwrap();
    assert_eq!(artifacts.reason, "NOT_LEADING");
}

#[tokio::test]
async fn each_master_is_named_with_what_it_said_when_nobody_leads() {
    let mut cluster = Cluster::default();
    let (first, _first) = cluster.follower(None).await;
    let (second, _second) = cluster.follower(Some(&first)).await;
    let dead = nowhere().await;
    let mut search = Search::new(masters(&[&second, &dead]));
    let nobody = leader::find(&mut search, Duration::from_millis(500)).await.err().unwrap();
    assert!(nobody.may_pass());
    let message = nobody.to_string();
    for part in [
        format!("no master leads: {second} does not lead, and names {first}"),
        format!("; {first} does not lead, and knows no leader"),
        format!("; {dead} cannot be reached ("),
    ] {
        assert!(message.contains(&part), "{message}");
    }
}

#[tokio::test]
async fn master_that_nobody_answers_for_is_not_waited_for() {
    let dead = nowhere().await;
    let mut search = Search::new(masters(&[&dead]));
    let found = leader::find(&mut search, Duration::from_secs(3_600));
    let found = tokio::time::timeout(PATIENCE, found).await;
    let nobody = found.unwrap().err().unwrap();
    assert!(nobody.to_string().starts_with(&format!("cannot connect to the master at {dead}: ")));
}

#[tokio::test]
async fn leader_that_is_elected_meanwhile_is_found() {
    let mut cluster = Cluster::default();
    let leader = cluster.leader().await;
    let (follower, role) = cluster.follower(None).await;
    let mut search = Search::new(masters(&[&follower]));
    let mut found = Box::pin(leader::find(&mut search, PATIENCE));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut found).await;
    assert!(early.is_err(), "nobody leads yet");
    role.send(Role::Follower { leader: Some(leader.clone()) }).unwrap();
    found.await.unwrap();
    assert_eq!(search.led(), Some(leader.as_str()));
}

#[tokio::test]
async fn stream_ends_with_the_leadership_and_its_peer_finds_the_next_leader() {
    let mut cluster = Cluster::default();
    let (first, role) = cluster.follower(None).await;
    let next = cluster.leader().await;
    // A loop that takes what comes and never answers: it leads for as long as it is there.
    let (to_loop, mut from_door) = tokio::sync::mpsc::channel(16);
    role.send(Role::Leader(to_loop)).unwrap();
    let mut link: Link<AgentPeer> = Link::new(masters(&[&first]));
    link.open();
    let opened = tokio::time::timeout(PATIENCE, link.next(true)).await.unwrap();
    assert!(matches!(opened, LinkInput::Opened));
    let came = tokio::time::timeout(PATIENCE, from_door.recv()).await.unwrap();
    assert!(came.is_some(), "the stream has come to the loop");
    role.send(Role::Follower { leader: Some(next.clone()) }).unwrap();
    drop((came, from_door));
    let ended = tokio::time::timeout(PATIENCE, link.next(true)).await.unwrap();
    assert!(matches!(ended, LinkInput::Ended | LinkInput::Closed(_)), "{ended:?}");
    greeted(&mut link).await;
    assert_eq!(link.search().led(), Some(next.as_str()));
}

#[tokio::test]
async fn agent_that_has_obeyed_a_later_leader_ends_this_one() {
    let mut cluster = Cluster::default();
    let (listener, address) = port().await;
    let served = cluster.master(Epoch::NONE).serve(listener, std::future::pending());
    let mut link: Link<AgentPeer> = Link::new(masters(&[&address]));
    link.open();
    let talking = async {
        while let LinkInput::Opened | LinkInput::Events(_) = link.next(true).await {
            link.send(register(Epoch(9)));
        }
        std::future::pending::<()>().await
    };
    let ended = async {
        tokio::select! {
            ended = served => ended,
            () = talking => unreachable!("it never ends"),
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    let message = ended.err().unwrap().to_string();
    assert!(message.contains("epoch 9") && message.contains("epoch 1"), "{message}");
}
