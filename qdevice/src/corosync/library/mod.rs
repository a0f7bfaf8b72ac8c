//! The corosync that runs on this machine.
//!
//! Two threads: one owns the connection to votequorum, the other that to cmap. cmap does not answer
//! while the cluster synchronises, and the synchronisation waits for our vote; so the two never wait for
//! each other.

mod cmap;
mod thread;
mod votequorum;

use super::ffi::ConnectFault;
use super::{
    Corosync, CsError, Event, FollowFault, LeaveFault, MasterWins, OpenFault, Poll, RegisterFault,
    Service,
};
use cmap::Config;
use libqdevice::base::NodeId;
use libqdevice::client::{CmapSnapshot, VoteFacts};
use std::ffi::CString;
use std::time::Duration;
use thread::{Answer, Owner};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use votequorum::Device;

/// The local corosync, reached through its libraries.
#[derive(Debug)]
pub struct Library {
    device: Owner<Device>,
    config: Owner<Config>,
    events: UnboundedReceiver<Event>,
    retries: u32,
    /// The answer to what was cast once more.
    again: Option<Answer<Result<(), CsError>>>,
}

impl Library {
    /// Connects to cmap; votequorum follows with [`Corosync::register`].
    ///
    /// Only a corosync that says "try again" is asked again, once a second, `retries` times; one that
    /// does not run is an error at once.
    pub async fn open(retries: u32) -> Result<Self, OpenFault> {
        let (sender, events) = unbounded_channel();
        let failed =
            |service| move |error: std::io::Error| OpenFault::Thread(service, error.to_string());
        let this = Self {
            device: Owner::start("votequorum", Device::new(sender.clone()))
                .map_err(failed(Service::Votequorum))?,
            config: Owner::start("cmap", Config::new(sender)).map_err(failed(Service::Cmap))?,
            events,
            retries,
            again: None,
        };
        let connected = patiently(
            retries,
            async || this.config.run(Config::connect).await?,
            is_busy,
        )
        .await;
        match connected {
            Ok(()) => Ok(this),
            Err(ConnectFault::Load(fault)) => Err(OpenFault::Missing(fault)),
            Err(ConnectFault::Refused(error)) => Err(OpenFault::Refused(error)),
        }
    }
}

impl Corosync for Library {
    async fn snapshot(&mut self) -> Result<CmapSnapshot, CsError> {
        self.config.run(Config::snapshot).await?
    }

    async fn follow_config(&mut self) -> Result<(), FollowFault> {
        let followed = self.config.run(Config::follow).await;
        followed.map_err(|error| FollowFault {
            key: "nodelist",
            error,
        })?
    }

    async fn register(&mut self, name: &str) -> Result<u32, RegisterFault> {
        patiently(
            self.retries,
            async || self.device.run(Device::connect).await?,
            is_busy,
        )
        .await?;
        let name =
            CString::new(name).map_err(|_| RegisterFault::Register(CsError::INVALID_PARAM))?;
        // corosync says "try again" while a registration of another node is in flight.
        let register = async || {
            let name = name.clone();
            self.device.run(|device| device.register(name)).await?
        };
        patiently(self.retries, register, |error| *error == CsError::TRY_AGAIN)
            .await
            .map_err(RegisterFault::Register)?;
        self.device
            .run(Device::begin)
            .await
            .map_err(RegisterFault::Info)?
    }

    async fn set_master_wins(&mut self, master_wins: MasterWins) -> Result<(), CsError> {
        self.device
            .run(move |device| device.set_master_wins(master_wins))
            .await?
    }

    async fn vote_facts(&mut self, nodes: Vec<NodeId>) -> VoteFacts {
        let asked = nodes.clone();
        match self
            .device
            .run(move |device| device.vote_facts(&asked))
            .await
        {
            Ok(facts) => facts,
            Err(error) => nodes
                .into_iter()
                .map(|node| (node, Err(error.to_string())))
                .collect(),
        }
    }

    /// A busy corosync is asked again at once: what follows a vote that is withdrawn, the end of the
    /// connection to the server, must not come before it.
    async fn cast(&mut self, poll: Poll) -> Result<(), CsError> {
        // What this one says of corosync is newer.
        self.again = None;
        for _ in 0..CAST_RETRIES {
            match self.device.run(move |device| device.poll(poll)).await? {
                Err(CsError::TRY_AGAIN) => tokio::time::sleep(CAST_PAUSE).await,
                result => return result,
            }
        }
        self.device.run(move |device| device.poll(poll)).await?
    }

    fn cast_again(&mut self, poll: Poll) {
        self.again = Some(self.device.begin(move |device| device.poll(poll)));
    }

    async fn settle(&mut self) -> Result<(), CsError> {
        match self.again.take() {
            Some(answer) => answer.get().await?,
            None => Ok(()),
        }
    }

    async fn next_event(&mut self) -> Event {
        // Both threads are gone only when both connections are.
        self.events
            .recv()
            .await
            .unwrap_or(Event::Lost(Service::Votequorum))
    }

    async fn leave(&mut self) -> Vec<LeaveFault> {
        let left = self.device.run(Device::leave).await;
        left.unwrap_or_else(|error| vec![LeaveFault::Finalize(error)])
    }
}

/// How often, and how long apart, a busy corosync is asked to take a vote before the client hears of it.
const CAST_RETRIES: u32 = 5;
const CAST_PAUSE: Duration = Duration::from_millis(10);

/// Calls until the answer is not "try again", at most `retries` times more, a second apart.
async fn patiently<T, E>(
    retries: u32,
    mut call: impl AsyncFnMut() -> Result<T, E>,
    is_busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    for _ in 0..retries {
        match call().await {
            Err(error) if is_busy(&error) => tokio::time::sleep(Duration::from_secs(1)).await,
            result => return result,
        }
    }
    call().await
}

fn is_busy(fault: &ConnectFault) -> bool {
    *fault == ConnectFault::Refused(CsError::TRY_AGAIN)
}
