//! Certificate databases for a bed's hosts, made by the programs of either side or by the library.

use crate::bed::Bed;
use crate::conf::CLUSTER;
use crate::host::Host;
use crate::program::Side;
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use libqdevice::certs::{
    self, AUTHORITY_NICKNAME, Authority, CLUSTER_NICKNAME, CertError, CertifiedName, Credential,
    Database, KeyKind, Request, SERVER_NICKNAME, generate_key,
};
use std::fmt;
use std::fs;
use std::path::Path;

/// Where the server's database is on its host.
pub const SERVER_DB: &str = "/etc/corosync/qnetd/nssdb";
/// Where a node's database is.
pub const NODE_DB: &str = "/etc/corosync/qdevice/net/nssdb";

/// Who makes certificates, and of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The certificate programs of a side, with their own choice of keys.
    Programs(Side),
    /// The library behind ours, with these keys.
    Library(KeyKind),
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Programs(Side::Ours) => f.write_str("certificates of our programs"),
            Self::Programs(Side::C) => f.write_str("certificates of the C scripts"),
            Self::Library(KeyKind::P256) => f.write_str("P-256 certificates of ours"),
            Self::Library(KeyKind::Rsa(bits)) => write!(f, "RSA-{bits} certificates of ours"),
        }
    }
}

/// Removes the databases of both sides and makes new ones; node 1 is the one that is enrolled.
pub fn enrol(bed: &Bed, maker: Maker) -> Result<()> {
    match maker {
        Maker::Programs(side) => enrol_by_programs(bed, side),
        Maker::Library(kind) => {
            let papers = Papers::new(kind)?;
            papers.give_server(bed, &papers.server)?;
            papers.give_node(bed, Some(&papers.cluster))
        }
    }
}

/// An authority and what it has signed for a bed.
#[derive(Debug)]
pub struct Papers {
    authority: Authority,
    kind: KeyKind,
    /// The server's certificate.
    pub server: Credential,
    /// The cluster's certificate.
    pub cluster: Credential,
}

impl Papers {
    /// Made now, of an authority that exists for decades.
    pub fn new(kind: KeyKind) -> Result<Self> {
        let authority = Authority::new(generate_key(kind)?, "1990-01-01T00:00:00Z".parse()?)?;
        let server = server(&authority, kind, Utc::now())?;
        let cluster = cluster(&authority, kind, CLUSTER, Utc::now())?;
        Ok(Self {
            authority,
            kind,
            server,
            cluster,
        })
    }

    /// A certificate of the server whose time is over.
    pub fn expired_server(&self) -> Result<Credential> {
        server(&self.authority, self.kind, PAST.parse()?)
    }

    /// A certificate of the cluster whose time is over.
    pub fn expired_cluster(&self) -> Result<Credential> {
        cluster(&self.authority, self.kind, CLUSTER, PAST.parse()?)
    }

    /// The certificate of another cluster.
    pub fn other_cluster(&self) -> Result<Credential> {
        cluster(&self.authority, self.kind, "other", Utc::now())
    }

    /// Makes the server's database.
    pub fn give_server(&self, bed: &Bed, own: &Credential) -> Result<()> {
        let side = certs::Side::Server;
        self.give(bed.qnetd_host(), side, Some((SERVER_NICKNAME, own)))
    }

    /// Makes the database of node 1.
    pub fn give_node(&self, bed: &Bed, own: Option<&Credential>) -> Result<()> {
        let own = own.map(|own| (CLUSTER_NICKNAME, own));
        self.give(bed.node(1)?.host(), certs::Side::Node, own)
    }

    fn give(&self, host: &Host, side: certs::Side, own: Option<(&str, &Credential)>) -> Result<()> {
        let place = match side {
            certs::Side::Server => SERVER_DB,
            certs::Side::Node => NODE_DB,
        };
        let dir = host.outside(place)?;
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        let database = Database::create(&dir)?;
        let authority = self.authority.certificate();
        database.import_certificate(authority, AUTHORITY_NICKNAME)?;
        database.trust_authority(authority, side)?;
        if let Some((nickname, own)) = own {
            database.import_key(&own.key)?;
            database.import_certificate(&own.certificate, nickname)?;
        }
        drop(database);
        fs::write(
            dir.join("pkcs11.txt"),
            Database::module_list(Path::new(place)),
        )?;
        Ok(())
    }
}

fn server(authority: &Authority, kind: KeyKind, at: DateTime<Utc>) -> Result<Credential> {
    let key = generate_key(kind)?;
    let certificate = authority.certify_server(&key, at)?;
    Ok(Credential { certificate, key })
}

fn cluster(
    authority: &Authority,
    kind: KeyKind,
    name: &str,
    at: DateTime<Utc>,
) -> Result<Credential> {
    let key = generate_key(kind)?;
    let name = CertifiedName::parse(name.as_bytes());
    let name = name.map_err(|fault| CertError::Name {
        name: CLUSTER.to_owned(),
        fault,
    })?;
    let request = Request::new(&name, &key)?;
    let certificate = authority.certify_cluster(&request, at)?;
    Ok(Credential { certificate, key })
}

/// A hundred years from here are over.
const PAST: &str = "1920-01-01T00:00:00Z";

/// As an administrator does it, with files that he carries himself.
fn enrol_by_programs(bed: &Bed, side: Side) -> Result<()> {
    let program = |name: &str| match side {
        Side::Ours => bed.programs().ours.join(name).display().to_string(),
        Side::C => name.to_owned(),
    };
    let (server, node) = (bed.qnetd_host(), bed.node(1)?.host());
    for (host, place) in [(server, SERVER_DB), (node, NODE_DB)] {
        let dir = host.outside(place)?;
        let _ = fs::remove_dir_all(&dir);
        let parent = dir.parent().context("a database has a folder")?;
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    let carry = |from: &Host, what: &str, to: &Host| -> Result<String> {
        let name = Path::new(what).file_name().context("a file has a name")?;
        let place = format!("/etc/corosync/{}", name.to_string_lossy());
        fs::copy(from.outside(what)?, to.outside(&place)?).with_context(|| what.to_owned())?;
        Ok(place)
    };
    let (for_server, for_node) = (
        program("corosync-qnetd-certutil"),
        program("corosync-qdevice-net-certutil"),
    );
    server.succeed(&for_server, &["-i"])?;
    let authority = carry(server, &format!("{SERVER_DB}/qnetd-cacert.crt"), node)?;
    node.succeed(&for_node, &["-i", "-c", &authority])?;
    node.succeed(&for_node, &["-r", "-n", CLUSTER])?;
    let request = carry(node, &format!("{NODE_DB}/qdevice-net-node.crq"), server)?;
    server.succeed(&for_server, &["-s", "-c", &request, "-n", CLUSTER])?;
    let signed = carry(server, &format!("{SERVER_DB}/cluster-{CLUSTER}.crt"), node)?;
    node.succeed(&for_node, &["-M", "-c", &signed])?;
    Ok(())
}
