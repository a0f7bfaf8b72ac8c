//! Private keys in and out of the database.
//!
//! NSS never shows a private key in clear; it hands it over encrypted. So a key for that one journey
//! is agreed on (ECDH between a pair of ours and a pair inside NSS), which works in FIPS mode too.

use super::attributes::{NSS_DB, raw};
use super::database::Database;
use super::module::refused;
use super::objects::{P256, der, key_id, point};
use crate::certs::key::{Key, random};
use crate::certs::{CertError, KeyKind, generate_key};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use openssl::bn::BigNumContext;
use openssl::derive::Deriver;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Public};
use openssl::sha::Sha256;
use openssl::symm::{Cipher, Crypter, Mode, encrypt};
use openssl::x509::X509Ref;
use zeroize::Zeroizing;

impl Database {
    /// The private key that belongs to a public one, if the database has it.
    pub fn private_key<T: HasPublic>(&self, public: &PKeyRef<T>) -> Result<Option<Key>, CertError> {
        let Some(object) = self.find_private_key(public)? else {
            return Ok(None);
        };
        let journey = self.agree()?;
        let vector = random()?;
        let wrapped = self
            .session()
            .wrap_key(&Mechanism::AesCbcPad(vector), journey.inside, object)
            .map_err(refused("reading a private key"))?;
        let key = der(journey.unwrap(&wrapped, &vector))?;
        if !key.public_eq(public) {
            return Err(CertError::Unsupported(
                "a database whose private key is not that of its public key",
            ));
        }
        Ok(Some(key))
    }

    /// The private key of a certificate, if the database has it.
    pub fn private_key_of(&self, certificate: &X509Ref) -> Result<Option<Key>, CertError> {
        let public = certificate.public_key();
        let public = public.map_err(CertError::openssl("reading the certificate's key"))?;
        self.private_key(&public)
    }

    /// Stores a private key, and its public half beside it. One that is there already is left alone.
    pub fn import_key(&self, key: &Key) -> Result<(), CertError> {
        if self.find_private_key(key)?.is_some() {
            return Ok(());
        }
        let journey = self.agree()?;
        let vector = random()?;
        let plain = Zeroizing::new(der(key.private_key_to_pkcs8())?);
        let secret = Some(&vector[..]);
        let wrapped = der(encrypt(
            Cipher::aes_256_cbc(),
            &*journey.secret,
            secret,
            &plain,
        ))?;
        let mut template = vec![
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(true),
            Attribute::Id(key_id(key)?),
        ];
        if key.id() == Id::RSA {
            template.push(Attribute::KeyType(KeyType::RSA));
        } else {
            template.push(Attribute::KeyType(KeyType::EC));
            template.push(raw(NSS_DB, point(key)?));
        }
        self.session()
            .unwrap_key(
                &Mechanism::AesCbcPad(vector),
                journey.inside,
                &wrapped,
                &template,
            )
            .map_err(refused("storing a private key"))?;
        self.create_public_key(key)
    }

    /// Whether the private key of a public one is there.
    pub fn has_private_key<T: HasPublic>(&self, public: &PKeyRef<T>) -> Result<bool, CertError> {
        Ok(self.find_private_key(public)?.is_some())
    }

    fn find_private_key<T: HasPublic>(
        &self,
        public: &PKeyRef<T>,
    ) -> Result<Option<ObjectHandle>, CertError> {
        let template = [
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Token(true),
            Attribute::Id(key_id(public)?),
        ];
        Ok(self.find(&template)?.first().copied())
    }

    /// Agrees on a key for one journey.
    fn agree(&self) -> Result<Journey, CertError> {
        let doing = refused("agreeing on a transport key with NSS");
        let ours = generate_key(KeyKind::P256)?;
        let our_point = point(&ours)?;
        let (public, private) = self
            .session()
            .generate_key_pair(
                &Mechanism::EccKeyPairGen,
                &[Attribute::Token(false), Attribute::EcParams(P256.to_vec())],
                &[Attribute::Token(false), Attribute::Derive(true)],
            )
            .map_err(&doing)?;
        let inside = self
            .session()
            .derive_key(
                &Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::sha256(&[]), &our_point)),
                private,
                &[
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::AES),
                    Attribute::Token(false),
                    Attribute::ValueLen(32.into()),
                    Attribute::Wrap(true),
                    Attribute::Unwrap(true),
                ],
            )
            .map_err(&doing)?;
        let values = self.read(public, &[AttributeType::EcPoint])?;
        let [Attribute::EcPoint(their_point)] = &values[..] else {
            return Err(CertError::Unsupported(
                "an NSS library that hides a public key",
            ));
        };
        let secret = der(derive(&ours, their_point))?;
        Ok(Journey { inside, secret })
    }
}

/// A key that exists twice: inside NSS, and here.
struct Journey {
    inside: ObjectHandle,
    secret: Zeroizing<[u8; 32]>,
}

impl Journey {
    /// The private key in what NSS handed out.
    ///
    /// NSS announces more bytes than it writes and the crate keeps the announced length. So whole
    /// blocks are decrypted without looking at the padding, and the parser stops at the end of the key.
    fn unwrap(&self, wrapped: &[u8], vector: &[u8; 16]) -> Result<Key, ErrorStack> {
        let cipher = Cipher::aes_256_cbc();
        let whole = &wrapped[..wrapped.len() / BLOCK * BLOCK];
        let mut plain = Zeroizing::new(vec![0; whole.len() + BLOCK]);
        let mut crypter = Crypter::new(cipher, Mode::Decrypt, &*self.secret, Some(vector))?;
        crypter.pad(false);
        let length = crypter.update(whole, &mut plain)?;
        PKey::private_key_from_pkcs8(&plain[..length])
    }
}

const BLOCK: usize = 16;

/// Our side of what `EcKdf::sha256` does inside. [ANSI X9.63, one round]
fn derive(ours: &Key, their_point: &[u8]) -> Result<Zeroizing<[u8; 32]>, ErrorStack> {
    let theirs = public_key(their_point)?;
    let mut deriver = Deriver::new(ours)?;
    deriver.set_peer(&theirs)?;
    let shared = Zeroizing::new(deriver.derive_to_vec()?);
    let mut digest = Sha256::new();
    digest.update(&shared);
    digest.update(&1u32.to_be_bytes());
    Ok(Zeroizing::new(digest.finish()))
}

/// The key of a point inside a DER octet string, as PKCS#11 shows it.
fn public_key(octets: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let point = octets.get(2..).unwrap_or_default();
    let point = EcPoint::from_bytes(&curve, point, &mut *BigNumContext::new()?)?;
    PKey::from_ec_key(EcKey::from_public_key(&curve, &point)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::Access;
    use crate::certs::scratch::Scratch;

    #[test]
    fn a_key_comes_out_as_it_went_in() {
        for kind in [KeyKind::Rsa(2048), KeyKind::Rsa(3072), KeyKind::P256] {
            let Some(dir) = Scratch::with_database() else {
                return;
            };
            let key = generate_key(kind).unwrap();
            let database = Database::open(&dir, Access::Write).unwrap();
            database.import_key(&key).unwrap();
            drop(database);
            let database = Database::open(&dir, Access::Read).unwrap();
            let found = database
                .private_key(&key)
                .unwrap()
                .expect("the key is there");
            assert_eq!(
                found.private_key_to_pkcs8().unwrap(),
                key.private_key_to_pkcs8().unwrap(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_key_that_was_never_stored_is_not_there() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let database = Database::open(&dir, Access::Read).unwrap();
        let key = generate_key(KeyKind::P256).unwrap();
        assert!(database.private_key(&key).unwrap().is_none());
        assert!(!database.has_private_key(&key).unwrap());
    }

    #[test]
    fn a_key_stored_twice_is_there_once() {
        let Some(dir) = Scratch::with_database() else {
            return;
        };
        let database = Database::open(&dir, Access::Write).unwrap();
        let key = generate_key(KeyKind::P256).unwrap();
        database.import_key(&key).unwrap();
        database.import_key(&key).unwrap();
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            let template = [Attribute::Class(class), Attribute::Token(true)];
            assert_eq!(database.find(&template).unwrap().len(), 1);
        }
    }
}
