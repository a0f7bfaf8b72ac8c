//! What TLS needs, from the node's NSS database.

use chrono::Utc;
use libqdevice::base::{ClusterName, Level, TlsSupport};
use libqdevice::certs::{AnchorsBy, CertError, Credential, Identity, Role, Side, certified_names};
use libqdevice::client::{ClientConfig, QdeviceSettings};
use libqdevice::events::Event;
use libqdevice::io::log::tell;
use libqdevice::report::Certificate;
use libqdevice::tls::{Connector, Follower, Lifetime, Loaded, with_remedy};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The keys of this node and those that come later; none when there is to be no TLS.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    coming: Option<mpsc::Receiver<NodeKeys>>,
    /// What those that were loaded last depend on.
    pub(crate) certificates: Vec<Certificate>,
}

/// Keys as they were loaded.
#[derive(Debug)]
pub(crate) struct NodeKeys {
    pub(crate) connector: Connector,
    certificates: Vec<Certificate>,
}

/// Where keys come from.
#[derive(Debug, Clone)]
pub(crate) struct KeySource {
    dir: PathBuf,
    nickname: String,
    server_name: String,
    cluster: ClusterName,
}

impl KeySource {
    /// None when there is to be no TLS.
    pub(crate) fn of(config: &ClientConfig, settings: &QdeviceSettings) -> Option<Self> {
        (config.tls != TlsSupport::Unsupported).then(|| Self {
            dir: settings.net_nss_db_dir.clone().into(),
            nickname: settings.net_nss_client_cert_nickname.clone(),
            server_name: settings.net_nss_qnetd_cn.clone(),
            cluster: config.cluster_name.clone(),
        })
    }

    /// Reads the database; blocks for a moment.
    fn load(&self) -> Result<Loaded<NodeKeys>, CertError> {
        let identity = Identity::load(&self.dir, &self.nickname, Side::Node, Utc::now())?;
        if identity.anchors_by == AnchorsBy::Nickname {
            tell(
                Level::Warning,
                &format_args!(
                    "The database in {} does not say which authority is trusted: the one called \
                     QNet CA is taken",
                    self.dir.display()
                ),
            );
        }
        let own = match identity.own {
            Ok(own) => {
                self.check_cluster(&own);
                Some(own)
            }
            // As upstream: a server may do without.
            Err(error) => {
                tell(
                    Level::Warning,
                    &format_args!(
                        "A server that asks for a certificate will refuse this node: {}",
                        with_remedy(&error, Side::Node)
                    ),
                );
                None
            }
        };
        let anchors = identity.anchors.iter();
        let anchors = anchors.map(|anchor| Lifetime::of(anchor, Role::Authority, Side::Node));
        let certificate = own.as_ref().map(|own| &own.certificate);
        let lifetime = certificate.map(|own| Lifetime::of(own, Role::Cluster, Side::Node));
        let lifetimes: Vec<_> = anchors.chain(lifetime).collect();
        let value = NodeKeys {
            connector: Connector::new(own.as_ref(), &identity.anchors, &self.server_name)?,
            certificates: lifetimes.iter().filter_map(Lifetime::report).collect(),
        };
        Ok(Loaded { value, lifetimes })
    }

    /// Reads the database for the first time.
    pub(crate) fn begin(self) -> Result<(NodeKeys, Follower<NodeKeys>), CertError> {
        let dir = self.dir.clone();
        let load = Arc::new(move || self.load());
        Follower::begin(dir, Side::Node, load)
    }

    /// The server closes the connection without a word when the names differ.
    fn check_cluster(&self, own: &Credential) {
        let names = certified_names(&own.certificate);
        if names.iter().all(|name| name != self.cluster.as_bytes()) {
            let names = names.into_iter().map(ClusterName::new);
            let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
            tell(
                Level::Warning,
                &format_args!(
                    "The certificate \"{}\" in {} is for the cluster {} and not for \"{}\": the server \
                     will close the connection. Enrol this cluster: corosync-qdevice-net-certutil -Q",
                    self.nickname,
                    self.dir.display(),
                    names.join(", "),
                    self.cluster
                ),
            );
        }
    }
}

impl Keys {
    /// Follows changes of the database, and tells the news of certificates. Needs a runtime.
    pub(crate) fn of(
        first: &NodeKeys,
        follower: Follower<NodeKeys>,
        news: mpsc::Sender<Event>,
    ) -> io::Result<Self> {
        Ok(Self {
            coming: Some(follower.follow(news)?),
            certificates: first.certificates.clone(),
        })
    }

    /// The next keys; waits for ever when there are none. May be dropped and called again.
    pub(crate) async fn renewed(&mut self) -> Connector {
        if let Some(receiver) = &mut self.coming {
            if let Some(keys) = receiver.recv().await {
                self.certificates = keys.certificates;
                return keys.connector;
            }
            self.coming = None;
        }
        std::future::pending().await
    }
}
