//! One framework as the master sees it, and how its scheduler is told things. It never reads a
//! call.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::framework::FrameworkInfo;
use stoa_model::ids::{FrameworkId, OfferId, Role, TaskId};
use stoa_model::instant::Instant;
use stoa_model::scheduler::Event;

use crate::demand::Demand;
use crate::filters::Filters;
use crate::input::ConnectionId;
use crate::master::Master;
use crate::shares::Turn;
use crate::step::Step;
use crate::tasks::Task;

/// How a scheduler is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// By this stream.
    Connected(ConnectionId),
    /// Not; the framework is removed at the deadline. It has neither offers, filters nor demand.
    Disconnected { until: Instant },
}

/// A framework and all that is its own.
#[derive(Debug)]
pub(crate) struct Framework {
    pub(crate) info: FrameworkInfo,
    pub(crate) link: Link,
    /// Roles for which it wants no offers.
    pub(crate) suppressed: BTreeSet<Role>,
    pub(crate) demand: Demand,
    pub(crate) filters: Filters,
    pub(crate) offers: BTreeSet<OfferId>,
    pub(crate) tasks: BTreeMap<TaskId, Task>,
}

impl Framework {
    pub(crate) fn new(info: FrameworkInfo, link: Link) -> Self {
        Self {
            info,
            link,
            suppressed: BTreeSet::new(),
            demand: Demand::default(),
            filters: Filters::default(),
            offers: BTreeSet::new(),
            tasks: BTreeMap::new(),
        }
    }

    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match self.link {
            Link::Connected(connection) => Some(connection),
            Link::Disconnected { .. } => None,
        }
    }

    /// In which row it waits for offers to `role`, if it does.
    pub(crate) fn turn(&self, role: &Role) -> Option<Turn> {
        if self.connection().is_none()
            || self.suppressed.contains(role)
            || !self.info.roles.contains(role)
        {
            return None;
        }
        Some(if self.demand.is_empty() { Turn::Ordinary } else { Turn::Demand })
    }

    /// Its roles, or those of them that are named.
    ///
    /// # Errors
    /// The first that is named and not its own.
    pub(crate) fn roles_named(&self, named: Vec<Role>) -> Result<Vec<Role>, Role> {
        if named.is_empty() {
            return Ok(self.info.roles.clone());
        }
        match named.iter().find(|role| !self.info.roles.contains(role)) {
            Some(foreign) => Err(foreign.clone()),
            None => Ok(named),
        }
    }
}

impl Master {
    /// A framework that an index of the master names.
    pub(crate) fn framework_mut(&mut self, id: &FrameworkId) -> &mut Framework {
        self.frameworks.get_mut(id).expect("a framework that is referred to is known")
    }

    /// Tells a framework's scheduler, if it is connected.
    pub(crate) fn tell(&self, step: &mut Step, id: &FrameworkId, event: Event) {
        if let Some(connection) = self.frameworks.get(id).and_then(Framework::connection) {
            step.send_scheduler(connection, event);
        }
    }

    /// Puts a framework into the rows where it now belongs, for its own roles and `former` ones.
    /// Where it comes to wait, it may take what others left lying.
    pub(crate) fn refresh_turns(&mut self, id: &FrameworkId, former: &[Role]) {
        let framework = self.frameworks.get(id).expect("a framework that is referred to is known");
        let roles: BTreeSet<&Role> = framework.info.roles.iter().chain(former).collect();
        for role in roles {
            self.allocator.shares.set_turn(role, id, framework.turn(role));
        }
        self.allocator.wake();
    }
}
