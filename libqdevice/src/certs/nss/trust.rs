use super::attributes::{CLASS, as_number, number, raw};
use super::database::Database;
use super::objects::{der, issue};
use crate::certs::{CertError, Side};
use cryptoki::object::{Attribute, AttributeType};
use md5::{Digest as _, Md5};
use openssl::x509::X509Ref;
use std::ffi::c_ulong;

/// What the database says about a certificate as an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It may sign certificates of peers.
    Anchor,
    /// It must not.
    Distrusted,
    /// Nothing.
    Unstated,
}

impl Database {
    /// Whether a certificate may sign the certificates of peers on that side.
    ///
    /// NSS has two kinds of trust objects: versions before 3.114 know the first only, later ones read
    /// both and write the second.
    pub fn trust(&self, certificate: &X509Ref, peers: Side) -> Result<Trust, CertError> {
        let [issuer, serial] = issue(certificate)?;
        let (old, new) = match peers {
            Side::Server => (TRUST_SERVER_AUTH, PKCS_TRUST_SERVER_AUTH),
            Side::Node => (TRUST_CLIENT_AUTH, PKCS_TRUST_CLIENT_AUTH),
        };
        let template = [number(CLASS, NSS_TRUST), issuer.clone(), serial.clone()];
        for object in self.find(&template)? {
            for attribute in self.read(object, &[AttributeType::VendorDefined(old)])? {
                let Attribute::VendorDefined((_, value)) = attribute else {
                    continue;
                };
                match as_number(&value) {
                    Some(TRUSTED_DELEGATOR) => return Ok(Trust::Anchor),
                    Some(NOT_TRUSTED) => return Ok(Trust::Distrusted),
                    _ => {}
                }
            }
        }
        let template = [number(CLASS, PKCS_TRUST), issuer, serial];
        // Before the database has such an object, NSS takes a search for its attributes for an error.
        if self.find(&template)?.is_empty() {
            return Ok(Trust::Unstated);
        }
        for (value, trust) in [(3u8, Trust::Distrusted), (2, Trust::Anchor)] {
            // The crate cannot read these attributes, so they are searched by value: as a number, and as
            // the four bytes that a version of NSS sees which does not know that it is one.
            for wanted in [number(new, value.into()), raw(new, vec![0, 0, 0, value])] {
                let mut template = template.to_vec();
                template.push(wanted);
                if !self.find(&template)?.is_empty() {
                    return Ok(trust);
                }
            }
        }
        Ok(Trust::Unstated)
    }

    /// Trusts a certificate as the authority, with the flags of the C scripts: `CT,,` on the server,
    /// `CT,c,c` on a node. In the form that every version of NSS reads.
    pub fn trust_authority(&self, certificate: &X509Ref, side: Side) -> Result<(), CertError> {
        let other = match side {
            Side::Server => MUST_VERIFY,
            Side::Node => VALID_DELEGATOR,
        };
        let flags = Flags {
            server: TRUSTED_DELEGATOR,
            client: TRUSTED_DELEGATOR,
            other,
        };
        self.create_object(&statement(certificate, flags)?, "trusting the authority")
    }
}

/// How far an authority is trusted for the certificates of servers, of clients, and for the rest.
#[derive(Debug, Clone, Copy)]
struct Flags {
    server: c_ulong,
    client: c_ulong,
    other: c_ulong,
}

/// The object that states it.
fn statement(certificate: &X509Ref, flags: Flags) -> Result<[Attribute; 11], CertError> {
    let [issuer, serial] = issue(certificate)?;
    let bytes = der(certificate.to_der())?;
    Ok([
        number(CLASS, NSS_TRUST),
        Attribute::Token(true),
        issuer,
        serial,
        raw(CERT_SHA1_HASH, openssl::sha::sha1(&bytes).to_vec()),
        raw(CERT_MD5_HASH, Md5::digest(&bytes).to_vec()),
        number(TRUST_SERVER_AUTH, flags.server),
        number(TRUST_CLIENT_AUTH, flags.client),
        number(TRUST_EMAIL, flags.other),
        number(TRUST_CODE_SIGNING, flags.other),
        raw(TRUST_STEP_UP, vec![0]),
    ])
}

// [NSS lib/util/pkcs11n.h]
const NSS_TRUST: c_ulong = 0xCE53_4353;
const TRUST_SERVER_AUTH: c_ulong = 0xCE53_6358;
const TRUST_CLIENT_AUTH: c_ulong = 0xCE53_6359;
const TRUST_CODE_SIGNING: c_ulong = 0xCE53_635A;
const TRUST_EMAIL: c_ulong = 0xCE53_635B;
const TRUST_STEP_UP: c_ulong = 0xCE53_6360;
const CERT_SHA1_HASH: c_ulong = 0xCE53_63B4;
const CERT_MD5_HASH: c_ulong = 0xCE53_63B5;
const TRUSTED_DELEGATOR: c_ulong = 0xCE53_4352;
const MUST_VERIFY: c_ulong = 0xCE53_4353;
const NOT_TRUSTED: c_ulong = 0xCE53_435A;
const VALID_DELEGATOR: c_ulong = 0xCE53_435B;

// [PKCS#11 3.2; values 2 anchor, 3 not trusted, 4 must verify]
const PKCS_TRUST: c_ulong = 0x0B;
const PKCS_TRUST_SERVER_AUTH: c_ulong = 0x62C;
const PKCS_TRUST_CLIENT_AUTH: c_ulong = 0x62D;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::scratch::Scratch;
    use crate::certs::{Access, Authority, KeyKind, generate_key};

    fn authority() -> Authority {
        Authority::new(
            generate_key(KeyKind::P256).unwrap(),
            chrono::DateTime::UNIX_EPOCH,
        )
        .unwrap()
    }

    #[test]
    fn an_authority_is_trusted_for_both_sides_once_it_is_marked() {
        for side in [Side::Server, Side::Node] {
            let Some(dir) = Scratch::with_database() else {
                return;
            };
            let (ours, other) = (authority(), authority());
            let database = Database::open(&dir, Access::Write).unwrap();
            for (authority, nickname) in [(&ours, "ours"), (&other, "other")] {
                database
                    .import_certificate(authority.certificate(), nickname)
                    .unwrap();
            }
            database.trust_authority(ours.certificate(), side).unwrap();
            for peers in [Side::Server, Side::Node] {
                let trust = |authority: &Authority| database.trust(authority.certificate(), peers);
                assert_eq!(trust(&ours), Ok(Trust::Anchor));
                assert_eq!(trust(&other), Ok(Trust::Unstated));
            }
        }
    }

    #[test]
    fn a_distrusted_authority_is_no_anchor() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let authority = authority();
        let database = Database::open(&dir, Access::Write).unwrap();
        let flags = Flags {
            server: NOT_TRUSTED,
            client: TRUSTED_DELEGATOR,
            other: MUST_VERIFY,
        };
        let template = statement(authority.certificate(), flags).unwrap();
        database.create_object(&template, "distrusting").unwrap();
        let trust = |peers| database.trust(authority.certificate(), peers);
        assert_eq!(trust(Side::Server), Ok(Trust::Distrusted));
        assert_eq!(trust(Side::Node), Ok(Trust::Anchor));
    }
}
