use super::thread::Connection;
use crate::corosync::ffi::{ConnectFault, Notification, Votequorum};
use crate::corosync::{CsError, Event, LeaveFault, MasterWins, Poll, RegisterFault, Service};
use libqdevice::base::NodeId;
use libqdevice::client::{NodeVotes, VoteFacts};
use std::ffi::CString;
use std::os::fd::BorrowedFd;
use tokio::sync::mpsc::UnboundedSender;

/// What the votequorum thread owns.
#[derive(Debug)]
pub(super) struct Device {
    connection: Option<Votequorum>,
    /// The name under which votequorum knows us, once it does.
    name: CString,
    /// Unbounded: a queue that is full would have to drop a membership, and corosync is slower than us.
    events: UnboundedSender<Event>,
}

impl Connection for Device {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.connection.as_ref()?.fd().ok()
    }

    fn dispatch(&mut self) {
        if let Ok(news) = self.connected().and_then(Votequorum::dispatch) {
            for notification in news {
                self.report(notification.into());
            }
        } else {
            self.connection = None;
            self.report(Event::Lost(Service::Votequorum));
        }
    }
}

impl Device {
    pub(super) fn new(events: UnboundedSender<Event>) -> Self {
        Self {
            connection: None,
            name: CString::default(),
            events,
        }
    }

    /// Connects; done when the connection stands already.
    pub(super) fn connect(&mut self) -> Result<(), ConnectFault> {
        if self.connection.is_none() {
            self.connection = Some(Votequorum::connect()?);
        }
        Ok(())
    }

    pub(super) fn register(&mut self, name: CString) -> Result<(), CsError> {
        self.connected()?.register(&name)?;
        self.name = name;
        Ok(())
    }

    /// Begins to report; returns the votes this node expects.
    pub(super) fn begin(&mut self) -> Result<u32, RegisterFault> {
        let connection = self.connected().map_err(RegisterFault::Info)?;
        let info = connection.info(NodeId(0)).map_err(RegisterFault::Info)?;
        connection.track().map_err(RegisterFault::Track)?;
        Ok(info.expected_votes)
    }

    pub(super) fn set_master_wins(&mut self, master_wins: MasterWins) -> Result<(), CsError> {
        let allow = match master_wins {
            MasterWins::Forbidden => 0,
            MasterWins::Allowed => 1,
        };
        let name = self.name.clone();
        self.connected()?.master_wins(&name, allow)
    }

    pub(super) fn vote_facts(&mut self, nodes: &[NodeId]) -> VoteFacts {
        nodes
            .iter()
            .filter_map(
                |node| match self.connected().and_then(|it| it.info(*node)) {
                    Ok(info) => {
                        let (node_votes, qdevice_votes) = (info.node_votes, info.qdevice_votes);
                        Some((
                            *node,
                            Ok(NodeVotes {
                                node_votes,
                                qdevice_votes,
                            }),
                        ))
                    }
                    Err(CsError::NOT_EXIST) => None,
                    Err(error) => Some((*node, Err(error.to_string()))),
                },
            )
            .collect()
    }

    pub(super) fn poll(&mut self, poll: Poll) -> Result<(), CsError> {
        let name = self.name.clone();
        self.connected()?.poll(&name, poll.vote.into(), poll.ring)
    }

    /// Withdraws the device and closes the connection.
    pub(super) fn leave(&mut self) -> Vec<LeaveFault> {
        let Some(mut connection) = self.connection.take() else {
            return Vec::new();
        };
        let untracked = connection.untrack().map_err(LeaveFault::Untrack);
        let unregistered = connection
            .unregister(&self.name)
            .map_err(LeaveFault::Unregister);
        let finalized = connection.finalize().map_err(LeaveFault::Finalize);
        [untracked, unregistered, finalized]
            .into_iter()
            .filter_map(Result::err)
            .collect()
    }

    fn connected(&mut self) -> Result<&mut Votequorum, CsError> {
        self.connection.as_mut().ok_or(CsError::LIBRARY)
    }

    fn report(&self, event: Event) {
        // Nobody listens any more when the daemon is ending.
        let _ = self.events.send(event);
    }
}

impl From<Notification> for Event {
    fn from(notification: Notification) -> Self {
        match notification {
            Notification::Nodes { ring, nodes } => Self::Membership { ring, nodes },
            Notification::Quorum { quorate, nodes } => Self::Quorum { quorate, nodes },
            Notification::ExpectedVotes(votes) => Self::ExpectedVotes(votes),
        }
    }
}
