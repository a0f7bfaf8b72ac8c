//! The process that watches votequorum of the node it runs on and writes one line per change.

use crate::clock::Moment;
use crate::interrupt;
use crate::node::NONE;
use crate::standing::Standing;
use anyhow::{Context as _, Result};
use corosync_qdevice::corosync::CsError;
use corosync_qdevice::corosync::ffi::{ConnectFault, Notification, Votequorum};
use libqdevice::base::NodeId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Write as _;
use std::time::Duration;

/// Writes to standard output until that is closed.
pub fn watch() -> Result<()> {
    let mut said = Said::default();
    loop {
        said.tell(None)?;
        match Votequorum::connect() {
            Ok(votequorum) => follow(votequorum, &mut said)?,
            Err(ConnectFault::Refused(_)) => {}
            Err(fault @ ConnectFault::Load(_)) => return Err(fault.into()),
        }
        interrupt::pause(PERIOD)?;
    }
}

/// Flags change without a notification, so they are asked for this often.
const PERIOD: Duration = Duration::from_millis(20);

/// Until corosync goes, which is no error: it may come back.
fn follow(mut votequorum: Votequorum, said: &mut Said) -> Result<()> {
    let mut standing = Standing::default();
    let mut answer = votequorum.track();
    while answer.is_ok() {
        answer = look(&mut votequorum, &mut standing);
        if answer.is_ok() {
            said.tell(Some(&standing))?;
        }
    }
    Ok(())
}

fn look(votequorum: &mut Votequorum, standing: &mut Standing) -> Result<(), CsError> {
    wait(votequorum)?;
    for notification in votequorum.dispatch()? {
        match notification {
            Notification::Nodes { ring, nodes } => {
                standing.ring = ring.to_string();
                standing.members = nodes.ids().collect();
                standing.syncing = true;
            }
            Notification::Quorum { .. } => standing.syncing = false,
            Notification::ExpectedVotes(_) => {}
        }
    }
    let info = votequorum.info(NodeId(0))?;
    standing.expected = info.highest_expected;
    standing.total = info.total_votes;
    standing.quorum = info.quorum;
    standing.flags = info.flags;
    Ok(())
}

/// Until there is a notification, but not longer than [`PERIOD`].
fn wait(votequorum: &Votequorum) -> Result<(), CsError> {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: PERIOD.subsec_nanos().into(),
    };
    let fd = votequorum.fd()?;
    // An interrupted wait is a short one.
    let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout));
    Ok(())
}

/// What was written last, so that only changes are.
#[derive(Debug, Default)]
struct Said(Option<String>);

impl Said {
    fn tell(&mut self, standing: Option<&Standing>) -> Result<()> {
        let text = standing.map_or(NONE.to_owned(), ToString::to_string);
        if self.0.as_ref() != Some(&text) {
            writeln!(std::io::stdout(), "{} {text}", Moment::now()).context("nobody listens")?;
            self.0 = Some(text);
        }
        Ok(())
    }
}
