use super::error::CertError;
use super::request::contains;
use crate::base::Fingerprint;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
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

/// The names a certificate is for, byte for byte: its DNS names, or without any the last common name.
///
/// A name whose bytes would be another text in the encoding they claim is left out, so that nobody can
/// be shown one name and be compared by another. [NSS lib/certdb, `CERT_VerifyCertName`]
#[must_use]
pub fn certified_names(certificate: &X509Ref) -> Vec<Vec<u8>> {
    let alternatives = certificate.subject_alt_names();
    let alternatives = alternatives.iter().flatten();
    let hosts: Vec<Vec<u8>> = alternatives
        .filter_map(|name| Some(name.dnsname()?.as_bytes().to_vec()))
        .collect();
    if !hosts.is_empty() {
        return hosts;
    }
    let subject = certificate.subject_name();
    let name = subject.entries_by_nid(Nid::COMMONNAME).last();
    let name = name.map(openssl::x509::X509NameEntryRef::data);
    let name = name.filter(|name| {
        let text = name.to_string();
        text.is_ok_and(|text| text.as_bytes() == name.as_slice())
    });
    name.into_iter()
        .map(|name| name.as_slice().to_vec())
        .collect()
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
    use openssl::asn1::Asn1Type;
    use openssl::hash::MessageDigest;
    use openssl::x509::X509Name;
    use openssl::x509::extension::SubjectAlternativeName;

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

    /// A certificate with these common names and DNS names.
    fn named(names: &[(&[u8], Asn1Type)], hosts: &[&str]) -> X509 {
        let key = generate_key(KeyKind::P256).unwrap();
        let mut subject = X509Name::builder().unwrap();
        for (name, kind) in names {
            let name = text(name);
            subject
                .append_entry_by_nid_with_type(Nid::COMMONNAME, &name, *kind)
                .unwrap();
        }
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&subject.build()).unwrap();
        builder.set_pubkey(&key).unwrap();
        if !hosts.is_empty() {
            let mut alternatives = SubjectAlternativeName::new();
            for host in hosts {
                alternatives.dns(host);
            }
            let alternatives = alternatives.build(&builder.x509v3_context(None, None));
            builder.append_extension(alternatives.unwrap()).unwrap();
        }
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_names_of_a_certificate_are_its_dns_names_or_its_last_common_name() {
        let utf8 = Asn1Type::UTF8STRING;
        let names = |names: &[(&[u8], Asn1Type)], hosts: &[&str]| -> Vec<String> {
            let names = certified_names(&named(names, hosts)).into_iter();
            names.map(|name| String::from_utf8(name).unwrap()).collect()
        };
        assert_eq!(names(&[(b"a", utf8), (b"b", utf8)], &[]), ["b"]);
        assert_eq!(names(&[("über".as_bytes(), utf8)], &[]), ["über"]);
        assert_eq!(names(&[(b"a", utf8)], &["x.y", "z"]), ["x.y", "z"]);
        assert_eq!(names(&[], &[]), [""; 0]);
    }

    #[test]
    fn a_name_that_reads_differently_in_its_encoding_is_no_name_and_none_is_cut() {
        // Two letters that are one sign of another alphabet in two-byte units.
        let wide = named(&[(b"ab", Asn1Type::BMPSTRING)], &[]);
        assert_eq!(certified_names(&wide), [[0u8; 0]; 0]);
        let cut = named(&[(b"K\0evil", Asn1Type::UTF8STRING)], &[]);
        assert_eq!(certified_names(&cut), [b"K\0evil"]);
    }

    #[test]
    fn what_is_no_certificate_is_called_so() {
        for bytes in [&b""[..], b"root:x:0:0", b"-----BEGIN CERTIFICATE-----\nAA"] {
            let refused = parse_certificate(bytes).unwrap_err();
            assert_eq!(refused.to_string(), "this is not a certificate");
        }
    }
}
