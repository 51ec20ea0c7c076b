//! The streams between the master and everyone else: in order each way, each message with its own
//! delay, until the stream breaks. Then the ends learn of it at different times, and what is under
//! way is lost. It never looks into a message.

use std::collections::{BTreeMap, BTreeSet};

use stoa_agent_core as agent;
use stoa_invariants::{Checked, Life, Name};
use stoa_master_core::{ConnectionId, Input};
use stoa_model::agent_link::Event as ToAgent;
use stoa_model::instant::Instant;
use stoa_scheduler as session;

use crate::print;
use crate::queue::{Call, Event, Happening};
use crate::world::World;

/// One direction of a stream.
#[derive(Debug, Default)]
struct Way {
    /// When what was sent last arrives.
    last_at: Instant,
    /// What would arrive from here on does not.
    lost_from: Option<Instant>,
    /// The receiver knows that nothing follows.
    is_over: bool,
    /// The sender has ended it, and it holds until that arrives.
    is_ordered: bool,
}

impl Way {
    fn loses(&self, now: Instant) -> bool {
        self.is_over || self.lost_from.is_some_and(|from| from <= now)
    }
}

#[derive(Debug)]
struct Stream {
    peer: Name,
    /// Which master it leads to, in which life of it.
    master: (usize, Life),
    up: Way,
    down: Way,
}

impl Stream {
    fn is_whole(&self) -> bool {
        self.up.lost_from.is_none() && self.down.lost_from.is_none()
    }
}

/// What a process is told of its stream.
#[derive(Clone, Copy, Debug)]
enum Told {
    Open,
    Broken,
    Ended,
}

/// All streams there ever were.
#[derive(Debug, Default)]
pub struct Network {
    streams: BTreeMap<ConnectionId, Stream>,
    /// Those who cannot reach each other for a while: a peer, and a master.
    pub(crate) cut_off: BTreeSet<(Name, usize)>,
    /// What goes from the one to the other is held until then.
    clogged: BTreeMap<(Name, Name), Instant>,
}

/// A scheduler's or an agent's end of its stream.
#[derive(Debug, Default)]
pub struct End {
    pub(crate) stream: Option<ConnectionId>,
    /// Counts the times it tried to open one; an older attempt is void.
    pub(crate) tries: u64,
}

impl Network {
    /// The streams that no fault has hit yet.
    pub fn whole(&self) -> impl Iterator<Item = ConnectionId> {
        self.streams.iter().filter(|(_, stream)| stream.is_whole()).map(|(id, _)| *id)
    }

    /// The whole streams of one process.
    pub fn whole_of(&self, name: Name) -> Vec<ConnectionId> {
        let of = |id: &ConnectionId| {
            let stream = &self.streams[id];
            stream.peer == name || Name::Master(stream.master.0) == name
        };
        self.whole().filter(of).collect()
    }

    /// The whole streams between a peer and a master.
    pub fn whole_between(&self, peer: Name, master: usize) -> Vec<ConnectionId> {
        let of = |id: &ConnectionId| {
            self.streams[id].peer == peer && self.streams[id].master.0 == master
        };
        self.whole().filter(of).collect()
    }

    /// Holds what goes from the one to the other until then: nothing is lost, as in TCP.
    pub fn clog(&mut self, from: Name, to: Name, until: Instant) {
        let held = self.clogged.entry((from, to)).or_insert(until);
        *held = until.max(*held);
    }

    /// Lets everything go.
    pub fn release(&mut self) {
        self.clogged.clear();
        self.cut_off.clear();
    }

    fn held_until(&self, from: Name, to: Name) -> Instant {
        self.clogged.get(&(from, to)).copied().unwrap_or_default()
    }

    /// Which master it leads to.
    pub fn master(&self, id: ConnectionId) -> Option<Name> {
        self.streams.get(&id).map(|stream| Name::Master(stream.master.0))
    }

    /// Whose stream it is.
    pub fn peer(&self, id: ConnectionId) -> Option<Name> {
        self.streams.get(&id).map(|stream| stream.peer)
    }
}

impl World {
    /// How long a message takes.
    pub(crate) fn latency_ms(&mut self) -> u64 {
        let (least, most) = self.plan.timing.latency_ms;
        self.chance.between(least, most)
    }

    /// How long it takes to learn that the other end is gone: mostly not much longer than a
    /// message, sometimes as long as nobody speaks.
    fn learns_ms(&mut self) -> u64 {
        let timing = &self.plan.timing;
        let (least, most) = timing.latency_ms;
        let soon_ms = (4 * most + 10).min(timing.learns_ms);
        let most = if self.chance.one_in(4) { timing.learns_ms } else { soon_ms };
        self.chance.between(least, most)
    }

    /// A process begins to open a stream.
    pub(crate) fn connect(&mut self, peer: Name) {
        let life = self.life(peer);
        let at = self.now.plus_ms(self.latency_ms());
        if let Some(end) = self.end_mut(peer) {
            end.tries += 1;
            let tries = end.tries;
            self.queue.push(at, Happening::Opening(peer, life, tries));
        }
    }

    /// Which master a peer tries: one after the other, as it stands in its list.
    fn master_tried(&self, tries: u64) -> usize {
        (tries % self.masters.len() as u64) as usize
    }

    pub(crate) fn on_opening(&mut self, peer: Name, tries: u64) -> Checked {
        let at = self.master_tried(tries);
        let way = [(peer, Name::Master(at)), (Name::Master(at), peer)];
        let is_clogged =
            way.iter().any(|(from, to)| self.network.held_until(*from, *to) > self.now);
        let is_possible = self.masters[at].core.is_some()
            && self.awake_at(Name::Master(at)) <= self.now
            && !is_clogged
            && !self.network.cut_off.contains(&(peer, at));
        let id = ConnectionId(self.network.streams.len() as u64 + 1);
        let Some(end) = self.end_mut(peer).filter(|end| end.tries == tries) else {
            return Ok(());
        };
        if !is_possible {
            return self.tell_stream(peer, Told::Broken);
        }
        end.stream = Some(id);
        let master = (at, self.masters[at].life);
        let [up, down] = [Way::default(), Way::default()];
        self.network.streams.insert(id, Stream { peer, master, up, down });
        self.tell_stream(peer, Told::Open)
    }

    /// Tells a process that its stream is open, or is not any more.
    fn tell_stream(&mut self, peer: Name, told: Told) -> Checked {
        match (peer, told) {
            (Name::Agent(at), Told::Open) => self.step_agent(at, agent::Input::Connected),
            (Name::Agent(at), _) => self.step_agent(at, agent::Input::Disconnected),
            (Name::Scheduler(at), Told::Open) => self.step_session(at, session::Input::Connected),
            (Name::Scheduler(at), Told::Broken) => {
                self.step_session(at, session::Input::Disconnected)
            }
            (Name::Scheduler(at), Told::Ended) => self.step_session(at, session::Input::Ended),
            (Name::Master(_), _) => Ok(()),
        }
    }

    /// A process gives its stream up, also one that is being opened.
    pub(crate) fn disconnect(&mut self, peer: Name) {
        let at = self.now.plus_ms(self.latency_ms());
        let Some(end) = self.end_mut(peer) else { return };
        end.tries += 1;
        let Some(id) = end.stream.take() else { return };
        let now = self.now;
        let Some(stream) = self.network.streams.get_mut(&id) else { return };
        stream.down.lost_from.get_or_insert(now);
        if stream.up.lost_from.is_none() {
            stream.up.lost_from = Some(at);
            self.queue.push(at, Happening::UpEnded(id));
        }
    }

    /// The master ends a stream; what it sent before arrives.
    pub(crate) fn close(&mut self, id: ConnectionId) {
        let [up_ms, down_ms] = [self.latency_ms(), self.latency_ms()];
        let now = self.now;
        let Some(stream) = self.network.streams.get_mut(&id).filter(|it| it.is_whole()) else {
            return;
        };
        let up_at = now.plus_ms(up_ms).max(stream.up.last_at);
        let down_at = now.max(stream.down.last_at).plus_ms(down_ms + 1);
        stream.up.lost_from = Some(up_at);
        stream.down.lost_from = Some(down_at);
        stream.down.is_ordered = true;
        self.queue.push(up_at, Happening::UpEnded(id));
        self.queue.push(down_at, Happening::DownEnded(id));
    }

    /// A process has said its last; what it sent before arrives.
    pub(crate) fn finish(&mut self, id: ConnectionId) {
        let up_ms = self.latency_ms();
        let now = self.now;
        let Some(stream) = self.network.streams.get_mut(&id).filter(|it| it.is_whole()) else {
            return;
        };
        let up_at = now.max(stream.up.last_at).plus_ms(up_ms + 1);
        stream.up.lost_from = Some(up_at);
        stream.down.lost_from = Some(now);
        self.queue.push(up_at, Happening::UpEnded(id));
    }

    /// A stream breaks somewhere in between.
    pub(crate) fn cut(&mut self, id: ConnectionId) {
        let master_ms = self.learns_ms();
        self.lose(id, (true, true), master_ms);
    }

    /// A stream breaks, of which the master learns as late as can be.
    pub(crate) fn cut_unheard(&mut self, id: ConnectionId) {
        self.lose(id, (true, true), self.plan.timing.learns_ms);
    }

    /// A stream breaks because a process has ended: that end needs not be told, and what the
    /// other end has sent to it is lost at once.
    pub(crate) fn lose_streams_of(&mut self, name: Name) {
        for id in self.network.whole_of(name) {
            let is_master = matches!(name, Name::Master(_));
            let master_ms = self.learns_ms();
            self.lose(id, (!is_master, is_master), master_ms);
        }
    }

    fn lose(&mut self, id: ConnectionId, (master_lives, peer_lives): (bool, bool), master_ms: u64) {
        let delays = [self.latency_ms(), self.latency_ms(), self.learns_ms()];
        let now = self.now;
        let Some(stream) = self.network.streams.get_mut(&id).filter(|it| it.is_whole()) else {
            return;
        };
        let up_ms = if master_lives { delays[0] } else { 0 };
        let down_ms = if peer_lives { delays[1] } else { 0 };
        stream.up.lost_from = Some(now.plus_ms(up_ms));
        stream.down.lost_from = Some(now.plus_ms(down_ms));
        if master_lives {
            self.queue.push(now.plus_ms(up_ms + master_ms), Happening::UpEnded(id));
        }
        if peer_lives {
            self.queue.push(now.plus_ms(down_ms + delays[2]), Happening::DownEnded(id));
        }
    }

    /// A process says something on its stream, if it has one.
    pub(crate) fn send_up(&mut self, peer: Name, call: Call) {
        let sent_at = self.now.plus_ms(self.latency_ms());
        let stream = self.end_mut(peer).and_then(|end| end.stream);
        let Some(id) = stream else { return };
        if let Some((master, _)) = self.network.streams.get(&id).map(|stream| stream.master)
            && let held = self.network.held_until(peer, Name::Master(master))
            && let Some(stream) = self.network.streams.get_mut(&id)
        {
            let at = sent_at.max(stream.up.last_at).max(held);
            stream.up.last_at = at;
            self.queue.push(at, Happening::Up(id, Box::new(call)));
        }
    }

    /// The master says something on a stream.
    pub(crate) fn send_down(&mut self, id: ConnectionId, event: Event) {
        let sent_at = self.now.plus_ms(self.latency_ms());
        let ends = self.network.streams.get(&id).map(|stream| (stream.peer, stream.master.0));
        if let Some((peer, master)) = ends
            && let held = self.network.held_until(Name::Master(master), peer)
            && let Some(stream) = self.network.streams.get_mut(&id)
        {
            let at = sent_at.max(stream.down.last_at).max(held);
            stream.down.last_at = at;
            self.queue.push(at, Happening::Down(id, Box::new(event)));
        }
    }

    pub(crate) fn on_up(&mut self, id: ConnectionId, call: Call) -> Checked {
        let Some(stream) = self.network.streams.get(&id) else { return Ok(()) };
        let (peer, (at, life)) = (stream.peer, stream.master);
        let is_lost = stream.up.loses(self.now)
            || self.masters[at].core.is_none()
            || life != self.masters[at].life;
        self.note_message(is_lost, print::call(peer, Name::Master(at), &call));
        if is_lost {
            return Ok(());
        }
        self.step_master(
            at,
            match call {
                Call::Scheduler(call) => Input::SchedulerCall(id, call),
                Call::Agent(call) => Input::AgentCall(id, call),
            },
        )
    }

    pub(crate) fn on_down(&mut self, id: ConnectionId, event: Event) -> Checked {
        let Some(stream) = self.network.streams.get(&id) else { return Ok(()) };
        let (peer, is_cut) = (stream.peer, stream.down.loses(self.now));
        let master = Name::Master(stream.master.0);
        let is_lost = is_cut || self.end_mut(peer).is_none_or(|end| end.stream != Some(id));
        self.note_message(is_lost, print::event(peer, master, &event));
        match (peer, event) {
            _ if is_lost => Ok(()),
            (Name::Agent(at), Event::Agent(event)) => {
                if let ToAgent::Registered(it) | ToAgent::Reregistered(it) = &event {
                    self.agents[at].greeted_as = Some(it.epoch);
                }
                self.step_agent(at, agent::Input::Master(event))
            }
            (Name::Scheduler(at), Event::Scheduler(event)) => {
                self.step_session(at, session::Input::Event(event))
            }
            _ => Ok(()),
        }
    }

    /// The master learns that a stream is over, once.
    pub(crate) fn on_up_ended(&mut self, id: ConnectionId) -> Checked {
        let Some(stream) = self.network.streams.get_mut(&id) else { return Ok(()) };
        let (at, life) = stream.master;
        if life != self.masters[at].life || std::mem::replace(&mut stream.up.is_over, true) {
            return Ok(());
        }
        let peer = stream.peer;
        self.note(format!("{:>6}    {peer} is gone", Name::Master(at)));
        self.step_master(
            at,
            match peer {
                Name::Scheduler(_) => Input::SchedulerGone(id),
                _ => Input::AgentGone(id),
            },
        )
    }

    /// A process learns that its stream is over, once.
    pub(crate) fn on_down_ended(&mut self, id: ConnectionId) -> Checked {
        let Some(stream) = self.network.streams.get_mut(&id) else { return Ok(()) };
        let (peer, master) = (stream.peer, Name::Master(stream.master.0));
        let told = if stream.down.is_ordered { Told::Ended } else { Told::Broken };
        if std::mem::replace(&mut stream.down.is_over, true) {
            return Ok(());
        }
        let Some(end) = self.end_mut(peer).filter(|end| end.stream == Some(id)) else {
            return Ok(());
        };
        end.stream = None;
        self.note(format!("{peer:>6}    {master} is gone"));
        self.tell_stream(peer, told)
    }
}
