//! A scheduler whose cluster has several masters, on real ports: its client finds the one that
//! leads, follows it, and believes no former one.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only their functions")]

use std::pin::Pin;
use std::time::Duration;

use stoa_model::epoch::Epoch;
use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{FrameworkId, Role};
use stoa_model::masters::Masters;
use stoa_model::scheduler::{Event, MasterInfo};
use stoa_protocol::pb::scheduler::scheduler_server::{Scheduler, SchedulerServer};
use stoa_protocol::pb::scheduler::{SchedulerCalls, SchedulerEvents};
use stoa_protocol::redirect::not_leading;
use stoa_protocol::scheduler::events_to_proto;
use stoa_scheduler::{Client, Config};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a double of a master does with those who come.
#[derive(Clone, Debug)]
enum Double {
    /// It greets them, under this epoch, whatever they say.
    Greets(Epoch),
    /// It sends them elsewhere.
    Follows(Option<String>),
}

struct Door(watch::Receiver<Double>);

type Events = Pin<Box<dyn Stream<Item = Result<SchedulerEvents, Status>> + Send>>;

#[tonic::async_trait]
impl Scheduler for Door {
    type ConnectStream = Events;

    async fn connect(
        &self,
        request: Request<Streaming<SchedulerCalls>>,
    ) -> Result<Response<Events>, Status> {
        let mut changed = self.0.clone();
        let epoch = match &*changed.borrow_and_update() {
            Double::Greets(epoch) => *epoch,
            Double::Follows(leader) => return Err(not_leading(leader.as_deref())),
        };
        // Each call is answered by a greeting, until the double is another.
        let calls = request.into_inner();
        let greetings = calls.map(move |_| Ok(events_to_proto(&[greeting(epoch)])));
        let end = async move {
            let _ = changed.changed().await;
            Err(Status::unavailable("this master leads no more"))
        };
        let end = futures_util::stream::once(end);
        Ok(Response::new(Box::pin(futures_util::stream::select(greetings, end))))
    }
}

/// The greeting of a master that has always known the framework.
fn greeting(epoch: Epoch) -> Event {
    let master = MasterInfo { id: "m".into(), version: "0".into(), epoch };
    Event::Reregistered { framework: framework(), master, heartbeat_ms: 15_000 }
}

fn framework() -> FrameworkId {
    FrameworkId::new("f1").unwrap()
}

#[derive(Default)]
struct Doubles(JoinSet<()>);

impl Doubles {
    async fn start(&mut self, double: Double) -> (String, watch::Sender<Double>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, receiver) = watch::channel(double);
        let server = Server::builder().add_service(SchedulerServer::new(Door(receiver)));
        self.0.spawn(async move {
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        (address, sender)
    }
}

fn client(masters: &[&str]) -> Client {
    let info = FrameworkInfo {
        name: "test".into(),
        user: "test".into(),
        roles: vec![Role::new("default").unwrap()],
        failover_timeout_ms: 60_000,
        labels: Vec::new(),
        ends_alone: false,
    };
    let masters: Masters = masters.join(",").parse().unwrap();
    Client::start(masters, Config { info, framework: Some(framework()), epoch: Epoch(3) })
}

/// The epoch of the next master that the client believes.
async fn believed(client: &mut Client) -> Epoch {
    let event = tokio::time::timeout(PATIENCE, client.event()).await.unwrap();
    match event {
        Some(Event::Reregistered { master, .. }) => master.epoch,
        other => panic!("told {other:?}"),
    }
}

#[tokio::test]
async fn client_follows_the_leader_from_one_master_to_the_next() {
    let mut doubles = Doubles::default();
    let (leader, first) = doubles.start(Double::Greets(Epoch(5))).await;
    let (follower, second) = doubles.start(Double::Follows(Some(leader.clone()))).await;
    // The leader is in no list: the follower names it.
    let mut client = client(&[&follower]);
    assert_eq!(believed(&mut client).await, Epoch(5));
    second.send(Double::Greets(Epoch(6))).unwrap();
    first.send(Double::Follows(Some(follower))).unwrap();
    assert_eq!(believed(&mut client).await, Epoch(6));
}

#[tokio::test]
async fn client_waits_until_one_of_them_leads() {
    let mut doubles = Doubles::default();
    let (first, _first) = doubles.start(Double::Follows(None)).await;
    let (second, later) = doubles.start(Double::Follows(Some(first.clone()))).await;
    let mut client = client(&[&first, &second]);
    let early = tokio::time::timeout(Duration::from_millis(100), client.event()).await;
    assert!(early.is_err(), "nobody leads yet");
    later.send(Double::Greets(Epoch(4))).unwrap();
    assert_eq!(believed(&mut client).await, Epoch(4));
}

#[tokio::test]
async fn former_leader_is_not_believed_and_the_client_looks_further() {
    let mut doubles = Doubles::default();
    let (former, change) = doubles.start(Double::Greets(Epoch(2))).await;
    let mut client = client(&[&former]);
    let early = tokio::time::timeout(Duration::from_millis(200), client.event()).await;
    assert!(early.is_err(), "epoch 3 is known");
    change.send(Double::Greets(Epoch(3))).unwrap();
    assert_eq!(believed(&mut client).await, Epoch(3));
}
