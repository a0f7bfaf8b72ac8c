use std::fmt;
use std::path::Path;
use thiserror::Error;

/// Nickname of the authority's certificate, on the server and on every node.
pub const AUTHORITY_NICKNAME: &str = "QNet CA";
/// Nickname of the server's certificate in the server's database (setting `cert_nickname`).
pub const SERVER_NICKNAME: &str = "QNetd Cert";
/// Nickname of the cluster's certificate in a node's database (setting `net_nss_client_cert_nickname`).
pub const CLUSTER_NICKNAME: &str = "Cluster Cert";
/// Common name of the authority.
pub const AUTHORITY_NAME: &str = "QNet CA";
/// Common name of the server, which every node compares (setting `net_nss_qnetd_cn`).
pub const SERVER_NAME: &str = "Qnetd Server";

/// The two places that hold a certificate database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The host of `corosync-qnetd`: has the authority and its key.
    Server,
    /// A node of a cluster: has the authority's certificate, the cluster's certificate and its key.
    Node,
}

impl Side {
    /// Where the database is, unless a setting says otherwise.
    #[must_use]
    pub fn default_dir(self) -> &'static Path {
        Path::new(match self {
            Self::Server => "/etc/corosync/qnetd/nssdb",
            Self::Node => "/etc/corosync/qdevice/net/nssdb",
        })
    }

    /// The command that makes a database here.
    #[must_use]
    pub const fn init_command(self) -> &'static str {
        match self {
            Self::Server => "corosync-qnetd-certutil -i",
            Self::Node => "corosync-qdevice-net-certutil -i -c qnetd-cacert.crt",
        }
    }
}

/// The name of a cluster that can stand in a certificate, in a file name and in a line of output.
///
/// Narrower than [`crate::base::ClusterName`], which is whatever bytes a peer sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertifiedName(String);

impl CertifiedName {
    /// The name, if these bytes are one.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameFault> {
        let name = std::str::from_utf8(bytes).map_err(|_| NameFault::NotText)?;
        let fault = if name.is_empty() {
            Some(NameFault::Empty)
        } else if name.len() > Self::LONGEST {
            Some(NameFault::Long)
        } else if name.contains('/') {
            Some(NameFault::Slash)
        } else if name.chars().any(char::is_control) {
            Some(NameFault::Control)
        } else if name.contains('*') {
            Some(NameFault::Wildcard)
        } else if [SERVER_NAME, AUTHORITY_NAME]
            .iter()
            .any(|taken| taken.eq_ignore_ascii_case(name))
        {
            Some(NameFault::Taken)
        } else {
            None
        };
        fault.map_or_else(|| Ok(Self(name.to_owned())), Err)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Longest name in bytes: `cluster-NAME.crt` must be a file name.
    pub const LONGEST: usize = 243;
}

impl fmt::Display for CertifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a cluster name cannot be certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameFault {
    /// No byte at all.
    #[error("it is empty")]
    Empty,
    /// More bytes than a file name has room for.
    #[error("it is longer than {} bytes", CertifiedName::LONGEST)]
    Long,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// It would name a file elsewhere.
    #[error("it contains a slash")]
    Slash,
    /// It would break a line of output.
    #[error("it contains a control character")]
    Control,
    /// Some programs would take the certificate for one of other clusters too.
    #[error("it contains an asterisk")]
    Wildcard,
    /// A cluster with this certificate could pass itself off as the server.
    #[error("it is the name of the server or of its authority")]
    Taken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_corosync_takes_is_certified_as_it_is() {
        for name in [
            "hacluster",
            "my cluster",
            "a,b=c",
            "über",
            "..",
            "-n",
            "a.b'c\"d$e",
        ] {
            let parsed = CertifiedName::parse(name.as_bytes());
            assert_eq!(parsed.map(|n| n.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn a_name_that_reaches_beyond_its_cluster_is_refused() {
        let fault = |name: &[u8]| CertifiedName::parse(name).unwrap_err();
        assert_eq!(fault(b"../x"), NameFault::Slash);
        assert_eq!(fault(b"a\nb"), NameFault::Control);
        assert_eq!(fault(b"a\0b"), NameFault::Control);
        assert_eq!(fault(b"*.site"), NameFault::Wildcard);
        assert_eq!(fault(b"qnetd server"), NameFault::Taken);
        assert_eq!(fault(b"QNet CA"), NameFault::Taken);
        assert_eq!(fault(b"\xff"), NameFault::NotText);
        assert_eq!(fault(b""), NameFault::Empty);
    }

    #[test]
    fn the_longest_name_still_makes_a_file_name() {
        let longest = "n".repeat(CertifiedName::LONGEST);
        assert_eq!(format!("cluster-{longest}.crt").len(), 255);
        assert!(CertifiedName::parse(longest.as_bytes()).is_ok());
        let longer = longest + "n";
        assert_eq!(
            CertifiedName::parse(longer.as_bytes()),
            Err(NameFault::Long)
        );
    }
}
