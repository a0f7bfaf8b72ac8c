//! The message bus: a thread of its own that owns a name, shows objects and emits signals.
//!
//! Not here: which objects and signals; each daemon has its [`Exhibit`]. No bus, a slow one and one that is
//! started again cost a line of the log and what is missed meanwhile, never a vote.

mod access;
mod instance;
pub mod path;
mod properties;

pub use access::{ask, authorize, reload_certificates};
pub use instance::instance_id;
pub use properties::{Properties, details, micros, numbers, tell_changes};

use super::Records;
use crate::base::Level;
use crate::events::Record;
use crate::io::give_way;
use crate::io::log::tell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::mem::discriminant;
use std::path::Path;
use std::pin::Pin;
use std::thread;
use std::time::Duration;
use tokio::time::sleep;
use zbus::export::futures_core::Stream as _;
use zbus::fdo::{RequestNameFlags, RequestNameReply};
use zbus::{Connection, MessageStream, connection};

/// What a daemon shows on the bus.
pub trait Exhibit: Send + 'static {
    /// The well-known name.
    const NAME: &'static str;

    /// Shows everything there is; the number of the last event that is in it. `None` when the daemon is
    /// ending.
    fn present(
        &mut self,
        connection: &Connection,
        shown: Shown,
    ) -> impl Future<Output = zbus::Result<Option<u64>>> + Send;

    /// Emits the signals of an event and brings the objects up to date.
    fn tell(
        &mut self,
        connection: &Connection,
        record: &Record,
    ) -> impl Future<Output = zbus::Result<()>> + Send;

    /// Says that so many events were missed.
    fn missed(
        &mut self,
        connection: &Connection,
        count: u64,
    ) -> impl Future<Output = zbus::Result<()>> + Send;
}

/// What a connection shows before everything is shown.
///
/// Its name does not tell: a bus that is started anew begins with the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It is new.
    Nothing,
    /// What was presented on it before, with the events told since.
    Earlier,
}

/// Starts the thread; it ends when there are no records any more.
///
/// # Errors
///
/// When the system has no thread for it.
pub fn start<E: Exhibit>(exhibit: E, records: Records) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("dbus".to_owned())
        .spawn(move || {
            give_way();
            runtime.block_on(keep(exhibit, records));
        })?;
    Ok(())
}

/// Why a connection is over.
enum Fault {
    /// The bus cannot be had, or is lost.
    Bus(zbus::Error),
    /// Somebody else has the name.
    NameTaken,
}

impl From<zbus::Error> for Fault {
    fn from(error: zbus::Error) -> Self {
        Self::Bus(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => error.fmt(f),
            Self::NameTaken => f.write_str("another process has the name"),
        }
    }
}

async fn keep<E: Exhibit>(mut exhibit: E, mut records: Records) {
    let mut pause = SHORTEST_PAUSE;
    // One line for each way in which it can fail: what a bus that ends answers is another text every time.
    let mut told = None;
    loop {
        let mut was_up = false;
        let Err(fault) = show(&mut exhibit, &mut records, &mut was_up).await else {
            return;
        };
        if was_up {
            (pause, told) = (SHORTEST_PAUSE, None);
        }
        let kind = discriminant(&fault);
        if told != Some(kind) {
            complain(E::NAME, &fault, was_up);
            told = Some(kind);
        }
        if wait(&mut records, pause).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn complain(name: &str, fault: &Fault, was_up: bool) {
    let is_absent =
        std::env::var_os("DBUS_SYSTEM_BUS_ADDRESS").is_none() && !Path::new(SOCKET).exists();
    // A container or a small machine may have none for good.
    let level = if is_absent && !was_up {
        Level::Debug
    } else {
        Level::Warning
    };
    tell(
        level,
        &format_args!(
            "D-Bus: {name} is not on the system bus, which is tried again: {fault}. Votes do not \
             depend on it; -S dbus=off switches it off"
        ),
    );
}

/// Shows everything until the connection fails; returns when there is nothing to show any more.
async fn show<E: Exhibit>(
    exhibit: &mut E,
    records: &mut Records,
    was_up: &mut bool,
) -> Result<(), Fault> {
    let builder = connection::Builder::system()?.method_timeout(METHOD_TIMEOUT);
    let connection = builder.build().await?;
    let lost = watch(&connection);
    tokio::pin!(lost);
    records.skip();
    let Some(mut known) = exhibit.present(&connection, Shown::Nothing).await? else {
        return Ok(());
    };
    let flags = RequestNameFlags::DoNotQueue.into();
    match connection.request_name_with_flags(E::NAME, flags).await {
        Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => {}
        Ok(RequestNameReply::Exists | RequestNameReply::InQueue) | Err(zbus::Error::NameTaken) => {
            return Err(Fault::NameTaken);
        }
        Err(error) => return Err(error.into()),
    }
    *was_up = true;
    tell(
        Level::Info,
        &format_args!("D-Bus: {} is on the system bus", E::NAME),
    );
    loop {
        let next = tokio::select! {
            record = records.next() => record,
            error = &mut lost => return Err(error.into()),
        };
        match next {
            None => return Ok(()),
            // What is known already was under way.
            Some(Ok(record)) if record.sequence <= known => {}
            Some(Ok(record)) => exhibit.tell(&connection, &record).await?,
            Some(Err(missed)) => {
                exhibit.missed(&connection, missed.0).await?;
                records.skip();
                match exhibit.present(&connection, Shown::Earlier).await? {
                    Some(sequence) => known = sequence,
                    None => return Ok(()),
                }
            }
        }
    }
}

/// Tells how the connection ends. Takes in what comes on a task of its own, so that an answer never waits
/// behind it.
fn watch(connection: &Connection) -> impl Future<Output = zbus::Error> + use<> {
    let mut incoming = MessageStream::from(connection);
    let watching = tokio::spawn(async move {
        loop {
            match poll_fn(|context| Pin::new(&mut incoming).poll_next(context)).await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error,
                None => return closed(),
            }
        }
    });
    async { watching.await.unwrap_or_else(|_| closed()) }
}

fn closed() -> zbus::Error {
    zbus::Error::InputOutput(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

/// Lets time pass; `None` when there are no records any more.
async fn wait(records: &mut Records, pause: Duration) -> Option<()> {
    let ends = async { while records.next().await.is_some() {} };
    tokio::select! {
        () = sleep(pause) => Some(()),
        () = ends => None,
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Longest wait for an answer of the bus; whoever types a password for polkit has it too.
const METHOD_TIMEOUT: Duration = Duration::from_secs(120);

/// Where the system bus is, unless the environment names another.
const SOCKET: &str = "/run/dbus/system_bus_socket";
