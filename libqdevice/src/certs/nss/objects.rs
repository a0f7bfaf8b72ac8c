use super::database::Database;
use super::module::refused;
use crate::certs::CertError;
use cryptoki::object::{
    Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle,
};
use openssl::asn1::Asn1IntegerRef;
use openssl::bn::BigNumContext;
use openssl::ec::PointConversionForm;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKeyRef};
use openssl::x509::{X509, X509NameRef, X509Ref};

/// A certificate as the database has it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The name people know it by; several certificates may share one.
    pub nickname: String,
    /// The certificate.
    pub certificate: X509,
}

impl Database {
    /// Every certificate in the database.
    pub fn certificates(&self) -> Result<Vec<Stored>, CertError> {
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::Token(true),
        ];
        let mut certificates = Vec::new();
        for object in self.find(&template)? {
            let (mut nickname, mut value) = (String::new(), Vec::new());
            for attribute in self.read(object, &[AttributeType::Label, AttributeType::Value])? {
                if let Attribute::Label(bytes) = attribute {
                    nickname = String::from_utf8_lossy(&bytes).into_owned();
                } else if let Attribute::Value(bytes) = attribute {
                    value = bytes;
                }
            }
            // Other programs may keep here what OpenSSL cannot read; it is none of ours.
            if let Ok(certificate) = X509::from_der(&value) {
                certificates.push(Stored {
                    nickname,
                    certificate,
                });
            }
        }
        Ok(certificates)
    }

    /// The certificates of this nickname; an error when there is none.
    pub fn named(&self, nickname: &str) -> Result<Vec<X509>, CertError> {
        let all = self.certificates()?.into_iter();
        let named: Vec<X509> = all
            .filter(|stored| stored.nickname == nickname)
            .map(|stored| stored.certificate)
            .collect();
        if named.is_empty() {
            return Err(CertError::NoCertificate {
                dir: self.dir().to_owned(),
                nickname: nickname.to_owned(),
            });
        }
        Ok(named)
    }

    /// Stores a certificate under a nickname. One that is there already keeps the nickname it has.
    pub fn import_certificate(
        &self,
        certificate: &X509Ref,
        nickname: &str,
    ) -> Result<(), CertError> {
        let public = certificate.public_key();
        let public = public.map_err(CertError::openssl("reading the certificate's key"))?;
        let value = der(certificate.to_der())?;
        let [issuer, serial] = issue(certificate)?;
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            issuer.clone(),
            serial.clone(),
        ];
        if let Some(known) = self.find(&template)?.first() {
            let known = self.read(*known, &[AttributeType::Value])?;
            if known == [Attribute::Value(value)] {
                return Ok(());
            }
            return Err(CertError::SerialTaken {
                dir: self.dir().to_owned(),
            });
        }
        self.must_be_free(nickname, certificate.subject_name())?;
        self.create_object(
            &[
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
                Attribute::Token(true),
                Attribute::Label(nickname.as_bytes().to_vec()),
                Attribute::Id(key_id(&public)?),
                Attribute::Subject(der(certificate.subject_name().to_der())?),
                issuer,
                serial,
                Attribute::Value(value),
            ],
            "storing a certificate",
        )
    }

    fn must_be_free(&self, nickname: &str, subject: &X509NameRef) -> Result<(), CertError> {
        for stored in self.certificates()? {
            let other = stored.certificate.subject_name();
            if stored.nickname == nickname && der(other.to_der())? != der(subject.to_der())? {
                return Err(CertError::NicknameTaken {
                    dir: self.dir().to_owned(),
                    nickname: nickname.to_owned(),
                    name: common_name(other),
                });
            }
        }
        Ok(())
    }

    /// The public half of a key, as `certutil` leaves one beside each private key.
    pub(super) fn create_public_key<T: HasPublic>(
        &self,
        key: &PKeyRef<T>,
    ) -> Result<(), CertError> {
        let mut template = vec![
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::Token(true),
            Attribute::Id(key_id(key)?),
        ];
        template.extend(public_values(key)?);
        self.create_object(&template, "storing a public key")
    }

    pub(super) fn find(&self, template: &[Attribute]) -> Result<Vec<ObjectHandle>, CertError> {
        let found = self.session().find_objects(template);
        found.map_err(refused("searching the database"))
    }

    pub(super) fn read(
        &self,
        object: ObjectHandle,
        attributes: &[AttributeType],
    ) -> Result<Vec<Attribute>, CertError> {
        let values = self.session().get_attributes(object, attributes);
        values.map_err(refused("reading the database"))
    }

    pub(super) fn create_object(
        &self,
        template: &[Attribute],
        doing: &'static str,
    ) -> Result<(), CertError> {
        let created = self.session().create_object(template);
        created.map(drop).map_err(refused(doing))
    }
}

/// What links a certificate to its keys: SHA-1 of the RSA modulus, of the point on the curve.
/// [NSS lib/pk11wrap, `PK11_MakeIDFromPubKey`]
pub(super) fn key_id<T: HasPublic>(key: &PKeyRef<T>) -> Result<Vec<u8>, CertError> {
    let value = match key.id() {
        Id::RSA => der(key.rsa())?.n().to_vec(),
        Id::EC => point(key)?,
        _ => return Err(CertError::Unsupported("a key that is neither RSA nor EC")),
    };
    Ok(openssl::sha::sha1(&value).to_vec())
}

/// The uncompressed point of a key on a curve.
pub(super) fn point<T: HasPublic>(key: &PKeyRef<T>) -> Result<Vec<u8>, CertError> {
    let encode = || {
        let key = key.ec_key()?;
        let form = PointConversionForm::UNCOMPRESSED;
        let mut context = BigNumContext::new()?;
        key.public_key().to_bytes(key.group(), form, &mut context)
    };
    der(encode())
}

/// Issuer and serial number: what NSS tells certificates apart by.
pub(super) fn issue(certificate: &X509Ref) -> Result<[Attribute; 2], CertError> {
    Ok([
        Attribute::Issuer(der(certificate.issuer_name().to_der())?),
        Attribute::SerialNumber(integer(certificate.serial_number())?),
    ])
}

/// A subject for people.
fn common_name(subject: &X509NameRef) -> String {
    let mut names = subject.entries_by_nid(Nid::COMMONNAME);
    let name = names.next().and_then(|name| name.data().to_string().ok());
    name.unwrap_or_default().escape_debug().to_string()
}

fn public_values<T: HasPublic>(key: &PKeyRef<T>) -> Result<Vec<Attribute>, CertError> {
    if key.id() == Id::RSA {
        let key = der(key.rsa())?;
        return Ok(vec![
            Attribute::KeyType(KeyType::RSA),
            Attribute::Modulus(key.n().to_vec()),
            Attribute::PublicExponent(key.e().to_vec()),
        ]);
    }
    let point = point(key)?;
    let length = u8::try_from(point.len());
    let mut octets = vec![OCTET_STRING];
    octets.push(length.map_err(|_| CertError::Unsupported("a key on so large a curve"))?);
    octets.extend(point);
    Ok(vec![
        Attribute::KeyType(KeyType::EC),
        Attribute::EcParams(P256.to_vec()),
        Attribute::EcPoint(octets),
    ])
}

/// The DER form of a serial number, which is never negative. [RFC 5280, 4.1.2.2]
fn integer(serial: &Asn1IntegerRef) -> Result<Vec<u8>, CertError> {
    let number = der(serial.to_bn())?;
    if number.is_negative() {
        return Err(CertError::Unsupported(
            "a certificate with a negative serial number",
        ));
    }
    let mut bytes = number.to_vec();
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    let length = u8::try_from(bytes.len())
        .ok()
        .filter(|length| *length < 0x80);
    let length = length.ok_or(CertError::Unsupported("so long a serial number"))?;
    bytes.splice(0..0, [INTEGER, length]);
    Ok(bytes)
}

pub(super) fn der<T>(result: Result<T, ErrorStack>) -> Result<T, CertError> {
    result.map_err(CertError::openssl("encoding a certificate or key"))
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
/// The name of the curve P-256, in DER. [RFC 5480, secp256r1]
pub(super) const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::scratch::Scratch;
    use crate::certs::{Access, Authority, CertifiedName, KeyKind, Request, generate_key};
    use chrono::DateTime;
    use openssl::asn1::{Asn1Integer, Asn1Time};
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;

    #[test]
    fn a_serial_number_is_encoded_as_certificates_have_it() {
        let encoded = |hex: &str| {
            let number = BigNum::from_hex_str(hex).unwrap();
            integer(&Asn1Integer::from_bn(&number).unwrap())
        };
        assert_eq!(encoded("00"), Ok(vec![2, 1, 0]));
        assert_eq!(encoded("65"), Ok(vec![2, 1, 0x65]));
        assert_eq!(encoded("80"), Ok(vec![2, 2, 0, 0x80]));
        assert!(encoded("-01").is_err());
    }

    #[test]
    fn a_nickname_is_shared_by_certificates_of_one_name_only() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let key = generate_key(KeyKind::P256).unwrap();
        let authority = Authority::new(key.clone(), DateTime::UNIX_EPOCH).unwrap();
        let certify = |name: &[u8]| {
            let name = CertifiedName::parse(name).unwrap();
            let request = Request::new(&name, &key).unwrap();
            authority
                .certify_cluster(&request, DateTime::UNIX_EPOCH)
                .unwrap()
        };
        let database = Database::open(&dir, Access::Write).unwrap();
        for _ in 0..2 {
            database.import_certificate(&certify(b"a"), "nick").unwrap();
        }
        let refused = database
            .import_certificate(&certify(b"b"), "nick")
            .unwrap_err();
        let expected = CertError::NicknameTaken {
            dir: dir.to_owned(),
            nickname: "nick".to_owned(),
            name: "a".to_owned(),
        };
        assert_eq!(refused, expected);
        assert_eq!(database.named("nick").unwrap().len(), 2);
    }

    #[test]
    fn a_certificate_is_stored_once_and_its_serial_number_is_taken() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let key = generate_key(KeyKind::P256).unwrap();
        let certificate = |byte| {
            let mut builder = X509::builder().unwrap();
            let number = BigNum::from_u32(7).unwrap();
            let number = Asn1Integer::from_bn(&number).unwrap();
            builder.set_serial_number(&number).unwrap();
            builder.set_pubkey(&key).unwrap();
            let until = Asn1Time::days_from_now(byte).unwrap();
            builder.set_not_before(&until).unwrap();
            builder.set_not_after(&until).unwrap();
            builder.sign(&key, MessageDigest::sha256()).unwrap();
            builder.build()
        };
        let (one, other) = (certificate(1), certificate(2));
        let database = Database::open(&dir, Access::Write).unwrap();
        for _ in 0..2 {
            database.import_certificate(&one, "nick").unwrap();
        }
        assert_eq!(database.named("nick").unwrap().len(), 1);
        let dir = dir.to_owned();
        let refused = database.import_certificate(&other, "nick").unwrap_err();
        assert_eq!(refused, CertError::SerialTaken { dir });
    }
}
