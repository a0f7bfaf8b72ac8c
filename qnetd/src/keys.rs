use crate::cli::Cli;
use crate::handshakes::Handshakes;
use chrono::Utc;
use libqdevice::base::{Fingerprint, TlsSupport};
use libqdevice::certs::{AnchorsBy, CertError, Identity, Role, Side, read_deny_list};
use libqdevice::io::log::tell;
use libqdevice::report::Certificate;
use libqdevice::tls::{Acceptor, ClientCertificate, Lifetime, Loaded};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// What TLS needs, as the database and the list beside it say it.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) acceptor: Acceptor,
    pub(crate) revoked: BTreeSet<Fingerprint>,
    /// What they depend on.
    pub(crate) certificates: Vec<Certificate>,
}

/// Where keys come from.
#[derive(Debug, Clone)]
pub(crate) struct KeySource {
    pub(crate) dir: PathBuf,
    nickname: String,
    ask: ClientCertificate,
}

impl KeySource {
    /// None when there is to be no TLS.
    pub(crate) fn of(cli: &Cli) -> Option<Self> {
        let ask = if cli.client_cert_required {
            ClientCertificate::Required
        } else {
            ClientCertificate::NotAsked
        };
        (cli.tls != TlsSupport::Unsupported).then(|| Self {
            dir: cli.settings.nss_db_dir.clone().into(),
            nickname: cli.settings.cert_nickname.clone(),
            ask,
        })
    }

    /// Reads the database; blocks for a moment.
    pub(crate) fn load(&self) -> Result<Loaded<Keys>, CertError> {
        let identity = Identity::load(&self.dir, &self.nickname, Side::Server, Utc::now())?;
        let denied = read_deny_list(&self.dir)?;
        let own = identity.own?;
        if identity.anchors_by == AnchorsBy::Nickname {
            tell(
                libqdevice::base::Level::Warning,
                &format_args!(
                    "The database in {} does not say which authority is trusted: the one called \
                     QNet CA is taken",
                    self.dir.display()
                ),
            );
        }
        let anchors = identity.anchors.iter();
        let anchors = anchors.map(|anchor| Lifetime::of(anchor, Role::Authority, Side::Server));
        let lifetime = Lifetime::of(&own.certificate, Role::Server, Side::Server);
        let lifetimes: Vec<_> = anchors.chain([lifetime]).collect();
        let certificates = lifetimes.iter().filter_map(Lifetime::report).collect();
        let revoked = denied.fingerprints().clone();
        let acceptor = Acceptor::new(&own, &identity.anchors, denied, self.ask)?;
        Ok(Loaded {
            value: Keys {
                acceptor,
                revoked,
                certificates,
            },
            lifetimes,
        })
    }
}

/// What the hub has for TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    /// As loaded last.
    pub(crate) keys: Keys,
    /// Those loaded later.
    pub(crate) renewed: mpsc::Receiver<Keys>,
    /// Where handshakes are done.
    pub(crate) handshakes: Handshakes,
}

impl Tls {
    /// The next keys; waits for ever where there is no TLS.
    pub(crate) async fn renewed(tls: &mut Option<Self>) -> Option<Keys> {
        match tls {
            Some(tls) => tls.renewed.recv().await,
            None => std::future::pending().await,
        }
    }
}
