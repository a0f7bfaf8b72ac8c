//! What votequorum itself says, as `corosync-quorumtool -s` shows it. For the tool, not for the daemon.

use crate::corosync::CsError;
use crate::corosync::ffi::{ConnectFault, Info, Notification, Votequorum};
use libqdevice::base::{NodeId, NodeList};
use libqdevice::report::{Heading, QuorumView, VoterReport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Asks votequorum; may take as long as corosync takes to answer.
///
/// # Errors
///
/// A line that says why not.
pub fn quorum_view(heading: Heading) -> Result<QuorumView, String> {
    let mut votequorum = Votequorum::connect().map_err(|fault| match fault {
        ConnectFault::Load(fault) => fault.to_string(),
        ConnectFault::Refused(error) => {
            format!("Can't ask votequorum. Error {error}. Is corosync running, and are you root?")
        }
    })?;
    let said = |error: CsError| format!("Can't ask votequorum. Error {error}");
    let nodes = known_nodes(&mut votequorum)?;
    let own = votequorum.info(NodeId(0)).map_err(said)?;
    let mut voters = Vec::new();
    // The device stands among them with the id 0.
    for node in nodes.ids().filter(|node| node.0 != 0) {
        match votequorum.info(node) {
            Ok(info) => voters.extend(voter(&info)),
            Err(CsError::NOT_EXIST) => {}
            Err(error) => return Err(said(error)),
        }
    }
    Ok(QuorumView {
        heading,
        node: own.node,
        quorate: own.flags & QUORATE != 0,
        expected_votes: own.expected_votes,
        highest_expected: own.highest_expected,
        total_votes: own.total_votes,
        quorum: own.quorum,
        flags: names(own.flags, &CLUSTER_FLAGS),
        nodes: voters,
        device_votes: own.qdevice_votes,
    })
}

/// The nodes votequorum tells of when it is asked to tell of changes.
fn known_nodes(votequorum: &mut Votequorum) -> Result<NodeList, String> {
    let said = |error: CsError| format!("Can't track votequorum. Error {error}");
    votequorum.track().map_err(said)?;
    loop {
        {
            let fd = votequorum.fd().map_err(said)?;
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            let ready = poll(&mut fds, Some(&PATIENCE));
            if ready.map_err(|error| error.to_string())? == 0 {
                return Err("votequorum says nothing".to_owned());
            }
        }
        for notification in votequorum.dispatch().map_err(said)? {
            if let Notification::Quorum { nodes, .. } = notification {
                return Ok(nodes);
            }
        }
    }
}

/// One whose state is none of those known is left out.
fn voter(info: &Info) -> Option<VoterReport> {
    Some(VoterReport {
        id: info.node,
        state: info.state?,
        votes: info.node_votes,
        device: names(info.flags, &DEVICE_FLAGS),
    })
}

fn names(flags: u32, of: &[(u32, &str)]) -> Vec<String> {
    let set = of.iter().filter(|(flag, _)| flags & flag != 0);
    set.map(|(_, name)| (*name).to_owned()).collect()
}

const QUORATE: u32 = 2;

/// Flags of a cluster. [C: votequorum.h, `VOTEQUORUM_INFO_*`]
const CLUSTER_FLAGS: [(u32, &str); 7] = [
    (1, "two-node"),
    (QUORATE, "quorate"),
    (4, "wait-for-all"),
    (8, "last-man-standing"),
    (16, "auto-tie-breaker"),
    (32, "allow-downscale"),
    (64, "qdevice"),
];

/// Flags of a node's device.
const DEVICE_FLAGS: [(u32, &str); 4] = [
    (64, "registered"),
    (128, "alive"),
    (256, "cast-vote"),
    (512, "master-wins"),
];

/// How long a notification may take that is already on its way.
const PATIENCE: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_the_names_of_their_numbers() {
        assert_eq!(names(0, &CLUSTER_FLAGS), [""; 0]);
        assert_eq!(
            names(2 | 4 | 64 | 128, &CLUSTER_FLAGS),
            ["quorate", "wait-for-all", "qdevice"]
        );
        assert_eq!(
            names(64 | 128 | 256, &DEVICE_FLAGS),
            ["registered", "alive", "cast-vote"]
        );
    }
}
