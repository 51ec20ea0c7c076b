//! Dominant resource fairness: roles by their share of the cluster over their weight, and within a
//! role frameworks by their share. It never knows agents, and never decides what is offered.
//!
//! A share counts what is offered as well as what is used. Both orders are kept sorted, so that
//! the next in turn is found without looking at the others.

use std::collections::{BTreeMap, BTreeSet};

use stoa_model::ids::{FrameworkId, Role};
use stoa_model::resources::Resources;

use crate::amounts::{Amounts, Share};

/// In which row a framework waits for offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has requested what it was not offered yet: it is served first, with that alone.
    Demand,
    /// It takes what comes.
    Ordinary,
}

impl Turn {
    /// In the order in which they are served.
    pub(crate) const ALL: [Self; 2] = [Self::Demand, Self::Ordinary];
}

/// What roles and frameworks hold, and who is next.
///
/// Invariant: a framework is in a row exactly if it has a turn, with its present share.
#[derive(Debug)]
pub(crate) struct Shares {
    weights: BTreeMap<Role, u32>,
    total: Amounts,
    /// The total has changed and with it every share.
    is_stale: bool,
    roles: BTreeMap<Role, RoleShare>,
    demand: Row,
    ordinary: Row,
}

#[derive(Debug, Default)]
struct RoleShare {
    allocated: Amounts,
    share: Share,
    frameworks: BTreeMap<FrameworkId, FrameworkShare>,
}

#[derive(Debug, Default)]
struct FrameworkShare {
    allocated: Amounts,
    share: Share,
    turn: Option<Turn>,
}

/// Invariant: `roles` holds exactly the roles of `frameworks`, none of which is empty.
#[derive(Debug, Default)]
struct Row {
    roles: BTreeSet<(Share, Role)>,
    frameworks: BTreeMap<Role, BTreeSet<(Share, FrameworkId)>>,
}

impl Shares {
    /// Nobody holds anything of nothing.
    pub(crate) fn new(weights: BTreeMap<Role, u32>) -> Self {
        Self {
            weights,
            total: Amounts::default(),
            is_stale: false,
            roles: BTreeMap::new(),
            demand: Row::default(),
            ordinary: Row::default(),
        }
    }

    /// An agent's resources join what shares are measured by.
    pub(crate) fn grow(&mut self, resources: &Resources) {
        self.total.add(resources);
        self.is_stale = true;
    }

    /// An agent's resources leave what shares are measured by.
    pub(crate) fn shrink(&mut self, resources: &Resources) {
        self.total.take(resources);
        self.is_stale = true;
    }

    /// Gives resources to a framework, on account of a role.
    pub(crate) fn charge(&mut self, role: &Role, framework: &FrameworkId, resources: &Resources) {
        self.change(role, framework, |allocated| allocated.add(resources));
    }

    /// Takes back what was given.
    pub(crate) fn release(&mut self, role: &Role, framework: &FrameworkId, resources: &Resources) {
        self.change(role, framework, |allocated| allocated.take(resources));
    }

    /// Puts a framework into the row where it waits for offers to a role, or into none.
    pub(crate) fn set_turn(&mut self, role: &Role, framework: &FrameworkId, turn: Option<Turn>) {
        let role_share = self.roles.entry(role.clone()).or_default();
        let entry = role_share.frameworks.entry(framework.clone()).or_default();
        let before = std::mem::replace(&mut entry.turn, turn);
        let (share, role_share) = (entry.share, role_share.share);
        if let Some(before) = before {
            self.row(before).remove(role, role_share, (share, framework.clone()));
        }
        if let Some(turn) = turn {
            self.row(turn).insert(role, role_share, (share, framework.clone()));
        }
        self.prune(role, framework);
    }

    /// Measures every share by the present total, if that has changed.
    pub(crate) fn refresh(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        self.demand = Row::default();
        self.ordinary = Row::default();
        for (role, role_share) in &mut self.roles {
            let weight = self.weights.get(role).copied().unwrap_or(1);
            role_share.share = role_share.allocated.dominant_share(&self.total, weight);
            for (framework, entry) in &mut role_share.frameworks {
                entry.share = entry.allocated.dominant_share(&self.total, 1);
                let row = match entry.turn {
                    Some(Turn::Demand) => &mut self.demand,
                    Some(Turn::Ordinary) => &mut self.ordinary,
                    None => continue,
                };
                row.insert(role, role_share.share, (entry.share, framework.clone()));
            }
        }
    }

    /// The roles and frameworks of a row, the smallest share first; equal shares by name.
    ///
    /// Only after [`Shares::refresh`] is this the order by the present total.
    pub(crate) fn in_order(&self, turn: Turn) -> impl Iterator<Item = (&Role, &FrameworkId)> {
        let row = match turn {
            Turn::Demand => &self.demand,
            Turn::Ordinary => &self.ordinary,
        };
        row.roles.iter().flat_map(|(_, role)| {
            row.frameworks[role].iter().map(move |(_, framework)| (role, framework))
        })
    }

    /// In which row a framework waits for offers to a role, if it does.
    pub(crate) fn turn(&self, role: &Role, framework: &FrameworkId) -> Option<Turn> {
        self.roles.get(role)?.frameworks.get(framework)?.turn
    }

    /// What a framework holds on account of all its roles.
    pub(crate) fn allocated(
        &self,
        framework: &FrameworkId,
    ) -> impl Iterator<Item = (&Role, &Amounts)> {
        self.roles
            .iter()
            .filter_map(move |(role, of)| Some((role, &of.frameworks.get(framework)?.allocated)))
    }

    /// Everyone who holds something or waits for it, with both.
    pub(crate) fn all(
        &self,
    ) -> impl Iterator<Item = (&Role, &FrameworkId, &Amounts, Option<Turn>)> {
        self.roles.iter().flat_map(|(role, of)| {
            of.frameworks.iter().map(move |(id, entry)| (role, id, &entry.allocated, entry.turn))
        })
    }

    /// What all agents together have.
    pub(crate) fn total(&self) -> &Amounts {
        &self.total
    }

    fn row(&mut self, turn: Turn) -> &mut Row {
        match turn {
            Turn::Demand => &mut self.demand,
            Turn::Ordinary => &mut self.ordinary,
        }
    }

    fn change(&mut self, role: &Role, framework: &FrameworkId, change: impl Fn(&mut Amounts)) {
        let weight = self.weights.get(role).copied().unwrap_or(1);
        let role_share = self.roles.entry(role.clone()).or_default();
        change(&mut role_share.allocated);
        let role_before = role_share.share;
        role_share.share = role_share.allocated.dominant_share(&self.total, weight);
        let role_after = role_share.share;

        let entry = role_share.frameworks.entry(framework.clone()).or_default();
        change(&mut entry.allocated);
        let before = entry.share;
        entry.share = entry.allocated.dominant_share(&self.total, 1);
        let (after, turn) = (entry.share, entry.turn);

        for turn in Turn::ALL {
            self.row(turn).move_role(role, role_before, role_after);
        }
        if let Some(turn) = turn {
            self.row(turn).move_framework(role, framework, (before, after));
        }
        self.prune(role, framework);
    }

    /// Forgets who holds nothing and waits for nothing.
    fn prune(&mut self, role: &Role, framework: &FrameworkId) {
        let Some(role_share) = self.roles.get_mut(role) else {
            return;
        };
        let is_idle = |entry: &FrameworkShare| entry.turn.is_none() && entry.allocated.is_empty();
        if role_share.frameworks.get(framework).is_some_and(is_idle) {
            role_share.frameworks.remove(framework);
        }
        if role_share.frameworks.is_empty() {
            self.roles.remove(role);
        }
    }
}

impl Row {
    fn insert(&mut self, role: &Role, role_share: Share, framework: (Share, FrameworkId)) {
        self.roles.insert((role_share, role.clone()));
        self.frameworks.entry(role.clone()).or_default().insert(framework);
    }

    fn remove(&mut self, role: &Role, role_share: Share, framework: (Share, FrameworkId)) {
        let Some(frameworks) = self.frameworks.get_mut(role) else {
            return;
        };
        frameworks.remove(&framework);
        if frameworks.is_empty() {
            self.frameworks.remove(role);
            self.roles.remove(&(role_share, role.clone()));
        }
    }

    fn move_role(&mut self, role: &Role, before: Share, after: Share) {
        if before != after && self.roles.remove(&(before, role.clone())) {
            self.roles.insert((after, role.clone()));
        }
    }

    fn move_framework(&mut self, role: &Role, framework: &FrameworkId, share: (Share, Share)) {
        let (before, after) = share;
        if before != after
            && let Some(frameworks) = self.frameworks.get_mut(role)
        {
            frameworks.remove(&(before, framework.clone()));
            frameworks.insert((after, framework.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Role {
        Role::new(name).unwrap()
    }

    fn framework(name: &str) -> FrameworkId {
        FrameworkId::new(name).unwrap()
    }

    fn resources(text: &str) -> Resources {
        text.parse().unwrap()
    }

    fn shares(waiting: &[(&str, &str)]) -> Shares {
        let mut shares = Shares::new(BTreeMap::from([(role("heavy"), 3)]));
        shares.grow(&resources("cpus=12 memory=12GiB"));
        for (of_role, name) in waiting {
            shares.set_turn(&role(of_role), &framework(name), Some(Turn::Ordinary));
        }
        shares.refresh();
        shares
    }

    fn order(shares: &Shares) -> Vec<&str> {
        shares.in_order(Turn::Ordinary).map(|(_, framework)| framework.as_str()).collect()
    }

    #[test]
    fn smallest_share_of_a_role_is_first_and_ties_go_by_name() {
        let mut shares = shares(&[("web", "B"), ("web", "A"), ("web", "C")]);
        assert_eq!(order(&shares), ["A", "B", "C"]);
        shares.charge(&role("web"), &framework("A"), &resources("cpus=3"));
        shares.charge(&role("web"), &framework("B"), &resources("memory=1GiB"));
        assert_eq!(order(&shares), ["C", "B", "A"]);
        shares.release(&role("web"), &framework("A"), &resources("cpus=3"));
        assert_eq!(order(&shares), ["A", "C", "B"]);
    }

    #[test]
    fn role_of_weight_three_may_hold_three_times_as_much() {
        let mut shares = shares(&[("heavy", "H"), ("light", "L")]);
        shares.charge(&role("heavy"), &framework("H"), &resources("cpus=6"));
        shares.charge(&role("light"), &framework("L"), &resources("cpus=3"));
        assert_eq!(order(&shares), ["H", "L"]);
        shares.charge(&role("heavy"), &framework("H"), &resources("cpus=3"));
        assert_eq!(order(&shares), ["H", "L"], "9 of weight 3 is as much as 3 of weight 1");
        shares.charge(&role("heavy"), &framework("H"), &resources("cpus=1"));
        assert_eq!(order(&shares), ["L", "H"]);
    }

    #[test]
    fn shares_are_measured_by_the_total_of_the_moment() {
        let mut shares = shares(&[("web", "A"), ("web", "B")]);
        shares.charge(&role("web"), &framework("A"), &resources("cpus=4"));
        shares.charge(&role("web"), &framework("B"), &resources("memory=3GiB"));
        assert_eq!(order(&shares), ["B", "A"]);
        shares.grow(&resources("cpus=12"));
        shares.refresh();
        assert_eq!(order(&shares), ["A", "B"]);
    }

    #[test]
    fn who_leaves_and_holds_nothing_is_forgotten() {
        let mut shares = shares(&[("web", "A")]);
        shares.charge(&role("web"), &framework("A"), &resources("cpus=4"));
        shares.set_turn(&role("web"), &framework("A"), None);
        assert!(order(&shares).is_empty());
        assert_eq!(shares.allocated(&framework("A")).count(), 1);
        shares.release(&role("web"), &framework("A"), &resources("cpus=4"));
        assert!(shares.roles.is_empty());
    }
}
