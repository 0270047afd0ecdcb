//! Who should have which shards: the same answer at every node that sees the same nodes and shards.
//!
//! Each node has as many shards as any other, or one more. Who has too many gives some back, who has too few takes what
//! nobody has; so a shard moves only where it must.

use std::collections::{BTreeMap, BTreeSet};

use kopeck_metering::placement::ShardNumber;

/// What a node should do now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// These it gives back.
    pub give: Vec<ShardNumber>,
    /// These nobody has, and it may take them.
    pub take: Vec<ShardNumber>,
}

/// What a node should do, where these nodes live and have these shards. A node that is not among the living gives all back.
#[must_use]
pub fn plan<N: Ord>(own: &N, living: &BTreeSet<N>, owners: &BTreeMap<ShardNumber, Option<N>>) -> Plan {
    let mine = owners.iter().filter(|(_, owner)| owner.as_ref() == Some(own));
    let mine: Vec<ShardNumber> = mine.map(|(shard, _)| *shard).collect();
    let Some(rank) = living.iter().position(|node| node == own) else {
        return Plan { give: mine, take: Vec::new() };
    };
    // The first in the order of names have one more where it does not come out even.
    let share = owners.len() / living.len() + usize::from(rank < owners.len() % living.len());
    let free = owners.iter().filter(|(_, owner)| owner.as_ref().is_none_or(|owner| !living.contains(owner)));
    Plan {
        give: mine.iter().skip(share).copied().collect(),
        take: free.map(|(shard, _)| *shard).take(share.saturating_sub(mine.len())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn owners(of: &[Option<u8>]) -> BTreeMap<ShardNumber, Option<u8>> {
        (0..).map(ShardNumber).zip(of.iter().copied()).collect()
    }

    #[test]
    fn a_node_alone_takes_all() {
        let plan = plan(&1_u8, &BTreeSet::from([1]), &owners(&[None, None, None]));
        assert_eq!(plan, Plan { give: vec![], take: vec![ShardNumber(0), ShardNumber(1), ShardNumber(2)] });
    }

    #[test]
    fn a_second_node_is_given_half_and_no_more_moves() {
        let all = owners(&[Some(1); 4]);
        let living = BTreeSet::from([1, 2]);
        assert_eq!(plan(&1, &living, &all).give, [ShardNumber(2), ShardNumber(3)]);
        assert_eq!(plan(&2, &living, &all), Plan::default());
        let half = owners(&[Some(1), Some(1), None, None]);
        assert_eq!(plan(&2, &living, &half).take, [ShardNumber(2), ShardNumber(3)]);
    }

    #[test]
    fn a_node_that_leaves_gives_all_back() {
        let shared = owners(&[Some(1), Some(2)]);
        assert_eq!(plan(&1, &BTreeSet::from([2]), &shared).give, [ShardNumber(0)]);
    }

    proptest! {
        /// Wherever nodes begin, all following their plans in any order, they come to an even share and rest there.
        #[test]
        fn nodes_that_follow_their_plans_come_to_rest_evenly(
            shards in 1_u32..20,
            nodes in 1_u8..6,
            drawn in proptest::collection::vec(0_u8..8, 20),
            order in proptest::collection::vec(0_u8..6, 40),
        ) {
            let living: BTreeSet<u8> = (1..=nodes).collect();
            let first = (0..shards).map(ShardNumber).zip(drawn);
            let mut owners: BTreeMap<_, _> =
                first.map(|(shard, owner)| (shard, (owner > 0).then_some(owner))).collect();
            for own in order.into_iter().chain(1..=nodes).chain(1..=nodes).chain(1..=nodes) {
                let Plan { give, take } = plan(&own, &living, &owners);
                for shard in give {
                    owners.insert(shard, None);
                }
                for shard in take {
                    prop_assert!(owners[&shard].is_none_or(|owner| !living.contains(&owner)));
                    owners.insert(shard, Some(own));
                }
            }
            let counts: Vec<usize> = living
                .iter()
                .map(|node| owners.values().filter(|owner| **owner == Some(*node)).count())
                .collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), shards as usize);
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
            for own in &living {
                prop_assert_eq!(plan(own, &living, &owners), Plan::default());
            }
        }
    }
}
