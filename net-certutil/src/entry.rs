use chrono::{DateTime, Utc};
use libqdevice::base::Fingerprint;
use libqdevice::certs::{CertError, Description, Phase, Role, certified_names, fingerprint};
use openssl::x509::{X509, X509Ref};

/// A certificate, where it was found and how it stands.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) role: Role,
    pub(crate) place: Place,
    /// The names of the cluster it is for, if it is a cluster's.
    pub(crate) clusters: Vec<String>,
    pub(crate) description: Description,
    pub(crate) fingerprint: Fingerprint,
    /// Whether its private key is in the database; unknown for a certificate in a file.
    pub(crate) has_key: Option<bool>,
    /// Whether it is what the daemon of this host shows.
    pub(crate) in_use: bool,
    pub(crate) standing: Standing,
    pub(crate) certificate: X509,
}

/// Where a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the database, under a nickname.
    Database(String),
    /// In a file beside it.
    File(String),
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Within its lifetime, or about to leave it, or outside.
    Dated(Phase),
    /// On the list of those that are turned away.
    Revoked,
}

impl Entry {
    /// A certificate found at a place.
    pub(crate) fn of(
        role: Role,
        place: Place,
        certificate: &X509Ref,
        now: DateTime<Utc>,
    ) -> Result<Self, CertError> {
        let description = Description::of(certificate)?;
        let clusters = match role {
            Role::Cluster => names(certificate),
            Role::Authority | Role::Server => Vec::new(),
        };
        Ok(Self {
            role,
            place,
            clusters,
            standing: Standing::Dated(description.phase(now)),
            description,
            fingerprint: fingerprint(certificate)?,
            has_key: None,
            in_use: false,
            certificate: certificate.to_owned(),
        })
    }

    /// Whether it was put aside when another one took its place.
    pub(crate) fn is_replaced(&self) -> bool {
        matches!(&self.place, Place::File(file) if file.starts_with(REPLACED))
    }

    /// What it is called in a sentence.
    pub(crate) fn called(&self) -> String {
        match self.role {
            Role::Authority => "the authority's certificate".to_owned(),
            Role::Server => "the server's certificate".to_owned(),
            Role::Cluster => format!("the certificate of cluster {}", self.cluster()),
        }
    }

    /// The cluster, for people.
    pub(crate) fn cluster(&self) -> String {
        format!("\"{}\"", self.clusters.join("\", \""))
    }

    /// What is to be said about its dates, if anything.
    pub(crate) fn dates(&self) -> Option<String> {
        let Standing::Dated(phase) = self.standing else {
            return None;
        };
        let Description { begin, end, .. } = &self.description;
        match phase {
            Phase::Good => None,
            Phase::Early => Some(format!("begins on {} only", date(*begin))),
            Phase::Ending(0) => Some(format!("ends within a day, on {}", date(*end))),
            Phase::Ending(days) => Some(format!("ends in {days} days, on {}", date(*end))),
            Phase::Ended => Some(format!("has ended on {}", date(*end))),
        }
    }
}

/// A moment as we write it.
pub(crate) fn date(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The names a certificate is for, for people.
pub(crate) fn names(certificate: &X509Ref) -> Vec<String> {
    let names = certified_names(certificate).into_iter();
    names
        .map(|name| String::from_utf8_lossy(&name).escape_debug().to_string())
        .collect()
}

/// How the files begin in which replaced certificates are kept.
pub(crate) const REPLACED: &str = "replaced-";
