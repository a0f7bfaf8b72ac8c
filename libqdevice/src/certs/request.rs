use super::authority::subject;
use super::error::CertError;
use super::key::{Key, kind_of};
use super::names::CertifiedName;
use super::profile::is_strong;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::x509::{X509NameRef, X509Req, X509ReqBuilder};
use std::fmt;

/// A request for a certificate (PKCS#10).
pub struct Request {
    request: X509Req,
    name: CertifiedName,
}

impl Request {
    /// A request for the cluster's certificate, signed with the cluster's new key.
    pub fn new(name: &CertifiedName, key: &Key) -> Result<Self, CertError> {
        let sign = || {
            let mut builder = X509ReqBuilder::new()?;
            builder.set_version(0)?;
            builder.set_subject_name(&*subject(name.as_str())?)?;
            builder.set_pubkey(key)?;
            builder.sign(key, MessageDigest::sha256())?;
            Ok(builder.build())
        };
        Ok(Self {
            request: sign().map_err(CertError::openssl("making the request"))?,
            name: name.clone(),
        })
    }

    /// Reads a request, DER or PEM, and judges whether an authority may sign it.
    ///
    /// Its extensions are not looked at: what a certificate may do is the authority's business.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertError> {
        let request = if contains(bytes, b"-----BEGIN ") {
            X509Req::from_pem(bytes)
        } else {
            X509Req::from_der(bytes)
        };
        let request = request.map_err(|_| CertError::Unreadable {
            wanted: "a certificate request",
        })?;
        let name = certified_name(request.subject_name())?;
        let key = request
            .public_key()
            .map_err(|_| CertError::Request("its key is of an unknown kind"))?;
        if !kind_of(&key).is_some_and(is_strong) {
            return Err(CertError::Request(
                "its key is neither RSA of 2048 bits or more nor on the curve P-256",
            ));
        }
        if !request.verify(&key).unwrap_or(false) {
            return Err(CertError::Request("it is not signed by its own key"));
        }
        Ok(Self { request, name })
    }

    /// The cluster it asks for.
    #[must_use]
    pub fn name(&self) -> &CertifiedName {
        &self.name
    }

    /// The key it asks for.
    pub fn key(&self) -> Result<PKey<Public>, CertError> {
        let key = self.request.public_key();
        key.map_err(CertError::openssl("reading the request's key"))
    }

    /// DER, as the C scripts exchange it.
    pub fn to_der(&self) -> Result<Vec<u8>, CertError> {
        let bytes = self.request.to_der();
        bytes.map_err(CertError::openssl("encoding the request"))
    }

    pub(super) fn inner(&self) -> &X509Req {
        &self.request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", self.name)
    }
}

/// The one common name of a subject.
///
/// Programs differ in which of several they compare, so several are refused.
pub(super) fn certified_name(subject: &X509NameRef) -> Result<CertifiedName, CertError> {
    let mut names = subject.entries_by_nid(Nid::COMMONNAME);
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err(CertError::Request("it has no common name, or several"));
    };
    let text = name
        .data()
        .to_string()
        .map_err(|_| CertError::Request("its common name is not text"))?;
    CertifiedName::parse(text.as_bytes()).map_err(|fault| CertError::Name {
        name: text.clone(),
        fault,
    })
}

pub(super) fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{KeyKind, generate_key};
    use openssl::rsa::Rsa;
    use openssl::x509::X509Name;

    fn name(name: &str) -> CertifiedName {
        CertifiedName::parse(name.as_bytes()).unwrap()
    }

    fn made_of(names: &[&str], key: &Key, signer: &Key) -> Vec<u8> {
        let mut subject = X509Name::builder().unwrap();
        for name in names {
            subject.append_entry_by_text("CN", name).unwrap();
        }
        let mut request = X509ReqBuilder::new().unwrap();
        request.set_subject_name(&subject.build()).unwrap();
        request.set_pubkey(key).unwrap();
        request.sign(signer, MessageDigest::sha256()).unwrap();
        request.build().to_der().unwrap()
    }

    #[test]
    fn a_request_says_for_whom_it_is_whatever_the_name() {
        let key = generate_key(KeyKind::P256).unwrap();
        for text in ["hacluster", "a,b=c", "über", &"n".repeat(200)] {
            let made = Request::new(&name(text), &key).unwrap().to_der().unwrap();
            assert_eq!(Request::parse(&made).unwrap().name().as_str(), text);
        }
    }

    #[test]
    fn a_request_in_pem_with_text_before_it_is_read() {
        let key = generate_key(KeyKind::P256).unwrap();
        let made = Request::new(&name("c"), &key).unwrap();
        let mut text = b"Certificate request:\n\n".to_vec();
        text.extend(made.inner().to_pem().unwrap());
        assert_eq!(Request::parse(&text).unwrap().name().as_str(), "c");
    }

    #[test]
    fn a_request_that_reaches_beyond_its_cluster_is_refused() {
        let key = generate_key(KeyKind::P256).unwrap();
        for names in [
            &["Qnetd Server"][..],
            &["*.b"],
            &["a", "b"],
            &[],
            &["a/b"],
            &["a\0b"],
        ] {
            let refused = Request::parse(&made_of(names, &key, &key)).is_err();
            assert!(refused, "{names:?}");
        }
    }

    #[test]
    fn a_request_signed_by_another_key_is_refused() {
        let key = generate_key(KeyKind::P256).unwrap();
        let other = generate_key(KeyKind::P256).unwrap();
        assert_eq!(
            Request::parse(&made_of(&["a"], &key, &other)).unwrap_err(),
            CertError::Request("it is not signed by its own key")
        );
    }

    #[test]
    fn a_weak_key_is_refused() {
        let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        assert!(matches!(
            Request::parse(&made_of(&["a"], &weak, &weak)).unwrap_err(),
            CertError::Request(_)
        ));
    }

    #[test]
    fn what_is_no_request_is_called_so() {
        for bytes in [
            &b""[..],
            b"root:x:0:0",
            b"-----BEGIN CERTIFICATE REQUEST-----\n",
        ] {
            assert_eq!(
                Request::parse(bytes).unwrap_err(),
                CertError::Unreadable {
                    wanted: "a certificate request"
                }
            );
        }
    }
}
