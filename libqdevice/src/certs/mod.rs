//! Certificates: who may call itself what, and the NSS database that keeps it.
//!
//! Not here: TLS, and any choice of when to enrol. The rules ([`CertifiedName`], [`Profile`]) are pure;
//! [`Authority`], [`Request`] and [`Bundle`] are X.509 by OpenSSL, without files. [`Database`] is an NSS
//! database as `certutil` and the C programs know it, reached through NSS's own softoken, which is
//! loaded when it is needed and unloaded again. [`Folder`] changes such a database so that a reader
//! and the next writer find it whole at any moment. [`Identity`] is what a daemon takes from it.

mod authority;
mod bundle;
mod certificate;
mod chain;
mod custody;
mod deny_file;
mod deny_list;
mod description;
mod error;
mod folder;
mod identity;
mod key;
mod names;
mod nss;
mod profile;
mod renewal;
mod request;
#[cfg(test)]
mod scratch;
mod staging;

pub use authority::Authority;
pub use bundle::Bundle;
pub use certificate::{
    certificate_der, certified_names, fingerprint, issued_by, parse_certificate, text_and_pem,
};
pub use chain::chain_fault;
pub use custody::Custody;
pub use deny_file::read_deny_list;
pub use deny_list::{DenyFault, DenyList};
pub use description::{Description, Phase, shown_name};
pub use error::CertError;
pub use folder::Folder;
pub use identity::{AnchorsBy, Credential, Identity};
pub use key::{Key, generate_key, kind_of, random};
pub use names::{
    AUTHORITY_NAME, AUTHORITY_NICKNAME, CLUSTER_NICKNAME, CertifiedName, NameFault, SERVER_NAME,
    SERVER_NICKNAME, Side,
};
pub use nss::{Access, Database, Stored, Trust};
pub use profile::{KeyKind, Profile, Usage, is_strong};
pub use renewal::{Role, renewal_command, shell_word};
pub use request::Request;
pub use staging::Staging;
