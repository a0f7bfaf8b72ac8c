use super::error::CertError;
use super::request::contains;
use crate::base::Fingerprint;
use openssl::error::ErrorStack;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

/// Reads one certificate: DER, or PEM with any text before it.
pub fn parse_certificate(bytes: &[u8]) -> Result<X509, CertError> {
    let certificate = if contains(bytes, b"-----BEGIN ") {
        X509::from_pem(bytes)
    } else {
        X509::from_der(bytes)
    };
    certificate.map_err(|_| CertError::Unreadable {
        wanted: "a certificate",
    })
}

/// Whether `authority` has signed `certificate`.
#[must_use]
pub fn issued_by(certificate: &X509Ref, authority: &X509Ref) -> bool {
    let signed = || -> Result<bool, ErrorStack> { certificate.verify(&*authority.public_key()?) };
    authority.issued(certificate) == X509VerifyResult::OK && signed().unwrap_or(false)
}

/// A certificate as DER, which is what the programs hand each other.
pub fn certificate_der(certificate: &X509Ref) -> Result<Vec<u8>, CertError> {
    let bytes = certificate.to_der();
    bytes.map_err(CertError::openssl("encoding a certificate"))
}

/// What tells this certificate apart from every other one.
pub fn fingerprint(certificate: &X509Ref) -> Result<Fingerprint, CertError> {
    Ok(Fingerprint(openssl::sha::sha256(&certificate_der(
        certificate,
    )?)))
}

/// A certificate for people and programs at once: its content as text, then PEM.
pub fn text_and_pem(certificate: &X509Ref) -> Result<Vec<u8>, CertError> {
    let write = || {
        let mut text = certificate.to_text()?;
        text.push(b'\n');
        text.extend(certificate.to_pem()?);
        Ok(text)
    };
    write().map_err(CertError::openssl("writing a certificate as text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{Authority, KeyKind, generate_key};

    #[test]
    fn a_certificate_is_read_in_each_of_its_forms() {
        let key = generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key, chrono::DateTime::UNIX_EPOCH).unwrap();
        let der = authority.certificate().to_der().unwrap();
        let pem = authority.certificate().to_pem().unwrap();
        let both = text_and_pem(authority.certificate()).unwrap();
        assert!(both.starts_with(b"Certificate:\n"));
        for form in [&der, &pem, &both] {
            assert_eq!(parse_certificate(form).unwrap().to_der().unwrap(), der);
        }
    }

    #[test]
    fn an_authority_is_known_by_its_signature_and_not_by_its_name() {
        let authority = || {
            let key = generate_key(KeyKind::P256).unwrap();
            Authority::new(key, chrono::DateTime::UNIX_EPOCH).unwrap()
        };
        let (ours, namesake) = (authority(), authority());
        let key = generate_key(KeyKind::P256).unwrap();
        let server = ours
            .certify_server(&key, chrono::DateTime::UNIX_EPOCH)
            .unwrap();
        assert!(issued_by(&server, ours.certificate()));
        assert!(!issued_by(&server, namesake.certificate()));
        assert!(!issued_by(&server, &server));
    }

    #[test]
    fn what_is_no_certificate_is_called_so() {
        for bytes in [&b""[..], b"root:x:0:0", b"-----BEGIN CERTIFICATE-----\nAA"] {
            let refused = parse_certificate(bytes).unwrap_err();
            assert_eq!(refused.to_string(), "this is not a certificate");
        }
    }
}
