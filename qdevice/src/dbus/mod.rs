//! `org.corosync.Qdevice1` on the system bus. What it offers is described in docs/dbus.md and dbus/.
//!
//! Not here: any decision. What is shown is a copy that follows the events; what is wished goes to the
//! hub.

mod board;
mod heuristics;
mod manager;
mod net;
mod signals;

use crate::outside::Wish;
pub(crate) use board::Facts;

use board::Board;
use libqdevice::events::Record;
use libqdevice::outlets::Records;
use libqdevice::outlets::bus::{self, Exhibit, Shown};
use manager::Manager;
use std::io;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use zbus::Connection;
use zbus::fdo::ObjectManager;
use zbus::object_server::SignalEmitter;

/// The one object.
const ROOT: &str = "/org/corosync/Qdevice1";

/// Starts to show the node on the bus.
///
/// # Errors
///
/// When the system has no thread for it.
pub(crate) fn start(facts: Facts, wishes: mpsc::Sender<Wish>, records: Records) -> io::Result<()> {
    let exhibit = Qdevice {
        board: Arc::new(Board::new(facts)),
        wishes,
    };
    bus::start(exhibit, records)
}

struct Qdevice {
    board: Arc<Board>,
    wishes: mpsc::Sender<Wish>,
}

impl Exhibit for Qdevice {
    const NAME: &'static str = "org.corosync.Qdevice1";

    async fn present(
        &mut self,
        connection: &Connection,
        shown: Shown,
    ) -> zbus::Result<Option<u64>> {
        let (answer, picture) = oneshot::channel();
        if self.wishes.send(Wish::Picture(answer)).await.is_err() {
            return Ok(None);
        }
        let Ok((picture, sequence)) = picture.await else {
            return Ok(None);
        };
        let before = self.board.properties();
        self.board.replace(picture);
        match shown {
            Shown::Nothing => self.show(connection).await?,
            Shown::Earlier => self.tell_changes(connection, before).await?,
        }
        Ok(Some(sequence))
    }

    async fn tell(&mut self, connection: &Connection, record: &Record) -> zbus::Result<()> {
        let before = self.board.properties();
        self.board.apply(&record.event);
        self.tell_changes(connection, before).await?;
        signals::emit(connection, record).await
    }

    async fn missed(&mut self, connection: &Connection, count: u64) -> zbus::Result<()> {
        let emitter = SignalEmitter::new(connection, ROOT)?;
        Manager::events_missed(&emitter, count).await
    }
}

impl Qdevice {
    async fn show(&self, connection: &Connection) -> zbus::Result<()> {
        let board = || Arc::clone(&self.board);
        let server = connection.object_server();
        server.at(ROOT, ObjectManager).await?;
        server.at(ROOT, Manager::new(board())).await?;
        server.at(ROOT, net::Net::new(board())).await?;
        let heuristics = heuristics::Heuristics::new(board(), self.wishes.clone());
        server.at(ROOT, heuristics).await?;
        Ok(())
    }

    async fn tell_changes(
        &self,
        connection: &Connection,
        before: board::AllProperties,
    ) -> zbus::Result<()> {
        let now = self.board.properties();
        let net = net::INTERFACE;
        bus::tell_changes(connection, ROOT, net, before.net, now.net).await?;
        let (old, new) = (before.heuristics, now.heuristics);
        bus::tell_changes(connection, ROOT, heuristics::INTERFACE, old, new).await
    }
}
