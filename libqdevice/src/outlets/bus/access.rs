//! Who may change something.

use rustix::process::{Signal, geteuid, getpid, kill_process};
use std::collections::BTreeMap;
use std::io;
use tokio::sync::{mpsc, oneshot};
use zbus::fdo::{self, DBusProxy};
use zbus::message::{Flags, Header};
use zbus::names::BusName;
use zbus::zvariant::Value;
use zbus::{Connection, fdo::Error};

/// Lets root, the daemon's own user and those pass whom polkit allows the action.
///
/// # Errors
///
/// The caller may not do it, or nobody is there to say that it may.
pub async fn authorize(
    connection: &Connection,
    header: &Header<'_>,
    action: &str,
) -> fdo::Result<()> {
    let denied = |why: &str| Error::AccessDenied(format!("{action}: {why}"));
    let sender = header.sender().ok_or_else(|| denied("nobody asks"))?;
    let bus = DBusProxy::new(connection).await?;
    let name = BusName::from(sender.clone());
    let user = bus.get_connection_unix_user(name).await?;
    if user == 0 || user == geteuid().as_raw() {
        return Ok(());
    }
    let interactive = header
        .primary()
        .flags()
        .contains(Flags::AllowInteractiveAuth);
    match ask_polkit(connection, sender.as_str(), action, interactive).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(denied("not authorized by polkit")),
        Err(error) => Err(denied(&format!("polkit does not answer: {error}"))),
    }
}

/// Has the daemon's loop do or say what `wish` asks for; its answer.
///
/// # Errors
///
/// The daemon is ending.
pub async fn ask<W, A>(
    wishes: &mpsc::Sender<W>,
    wish: impl FnOnce(oneshot::Sender<A>) -> W,
) -> fdo::Result<A> {
    let (answer, done) = oneshot::channel();
    let ending = || Error::Failed("the daemon is ending".to_owned());
    wishes.send(wish(answer)).await.map_err(|_| ending())?;
    done.await.map_err(|_| ending())
}

/// Has this process load its certificates again, by the way an administrator has for it.
///
/// # Errors
///
/// Never, in practice: a process may send a signal to itself.
pub fn reload_certificates() -> io::Result<()> {
    Ok(kill_process(getpid(), Signal::HUP)?)
}

/// [polkit: `org.freedesktop.PolicyKit1.Authority.CheckAuthorization`]
async fn ask_polkit(
    connection: &Connection,
    sender: &str,
    action: &str,
    interactive: bool,
) -> zbus::Result<bool> {
    let subject = (
        "system-bus-name",
        BTreeMap::from([("name", Value::from(sender))]),
    );
    let details: BTreeMap<&str, &str> = BTreeMap::new();
    let flags = u32::from(interactive);
    let reply = connection
        .call_method(
            Some(POLKIT),
            "/org/freedesktop/PolicyKit1/Authority",
            Some("org.freedesktop.PolicyKit1.Authority"),
            "CheckAuthorization",
            &(subject, action, details, flags, ""),
        )
        .await?;
    let body = reply.body();
    let ((allowed, _, _),): ((bool, bool, BTreeMap<String, String>),) = body.deserialize()?;
    Ok(allowed)
}

const POLKIT: &str = "org.freedesktop.PolicyKit1";
