use crate::base::{NodeList, Vote};
use crate::vote::{StrategyFault, VoteFacts};

/// Whether votequorum counts in the way the algorithm needs: every node and the device have one vote.
/// [C: qdevice-net-algo-ffsplit.c, `check_vqinfo_validity`]
///
/// A node that votequorum does not know has not joined yet and is not checked.
pub(in crate::vote) fn check_votes(
    nodes: &NodeList,
    facts: &VoteFacts,
) -> Result<(), StrategyFault> {
    for node in nodes.ids() {
        let Some(answer) = facts.of(node) else {
            continue;
        };
        let votes = answer.as_ref().map_err(|error| StrategyFault::NoVotes {
            node,
            error: error.clone(),
        })?;
        if votes.node_votes != 1 {
            return Err(StrategyFault::NodeVotes {
                node,
                votes: votes.node_votes,
            });
        }
        if votes.qdevice_votes != 1 {
            return Err(StrategyFault::DeviceVotes {
                node,
                votes: votes.qdevice_votes,
            });
        }
    }
    Ok(())
}

/// Whether `quorum.device.votes` is 1. [C: `check_cmap_validity`]
pub(in crate::vote) const fn check_configuration(
    device_votes: Option<u32>,
) -> Result<(), StrategyFault> {
    match device_votes {
        Some(1) => Ok(()),
        Some(_) | None => Err(StrategyFault::ConfiguredVotes),
    }
}

/// What is cast without a server: never for the own partition. The other half may get the vote as soon
/// as the server misses this node.
pub(in crate::vote) const fn vote_when_disconnected() -> Vote {
    Vote::Nack
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;
    use crate::vote::NodeVotes;

    fn facts(facts: &[(u32, u32, u32)]) -> VoteFacts {
        facts
            .iter()
            .map(|&(id, node_votes, qdevice_votes)| {
                (
                    NodeId(id),
                    Ok(NodeVotes {
                        node_votes,
                        qdevice_votes,
                    }),
                )
            })
            .collect()
    }

    #[test]
    fn one_vote_for_each_node_and_the_device_is_accepted() {
        let nodes = NodeList::of_ids([1, 2]);
        assert_eq!(check_votes(&nodes, &facts(&[(1, 1, 1), (2, 1, 1)])), Ok(()));
    }

    #[test]
    fn a_node_votequorum_does_not_know_is_not_checked() {
        assert_eq!(
            check_votes(&NodeList::of_ids([1, 2]), &facts(&[(1, 1, 1)])),
            Ok(())
        );
        assert_eq!(
            check_votes(&NodeList::of_ids([1]), &facts(&[(1, 1, 1), (2, 5, 5)])),
            Ok(())
        );
    }

    #[test]
    fn other_numbers_of_votes_are_refused_with_the_texts_of_the_c_program() {
        let text = |node_votes, device_votes| {
            check_votes(
                &NodeList::of_ids([1, 2]),
                &facts(&[(1, 1, 1), (2, node_votes, device_votes)]),
            )
            .unwrap_err()
            .to_string()
        };
        assert_eq!(
            text(3, 1),
            "50:50 split algorithm works only if all nodes have exactly 1 vote. Node 2 has 3 votes!"
        );
        assert_eq!(
            text(1, 0),
            "50:50 split algorithm works only if qdevice has exactly 1 vote. Node 2 has 0 votes!"
        );
    }

    #[test]
    fn a_node_votequorum_cannot_tell_about_is_refused() {
        let facts = VoteFacts::from_iter([(NodeId(1), Err("CS_ERR_LIBRARY".to_owned()))]);
        assert_eq!(
            check_votes(&NodeList::of_ids([1]), &facts)
                .unwrap_err()
                .to_string(),
            "Can't get votequorum information for node 1. Error CS_ERR_LIBRARY"
        );
    }

    #[test]
    fn the_device_must_be_configured_with_one_vote() {
        assert_eq!(check_configuration(Some(1)), Ok(()));
        for wrong in [None, Some(0), Some(2)] {
            assert_eq!(
                check_configuration(wrong),
                Err(StrategyFault::ConfiguredVotes)
            );
        }
    }
}
