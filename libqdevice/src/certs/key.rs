use super::error::CertError;
use super::profile::KeyKind;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private};
use openssl::rsa::Rsa;

/// A private key. OpenSSL wipes its memory when it is dropped.
pub type Key = PKey<Private>;

/// A new key from the system's random source.
pub fn generate_key(kind: KeyKind) -> Result<Key, CertError> {
    let key = match kind {
        KeyKind::Rsa(bits) => Rsa::generate(bits).and_then(PKey::from_rsa),
        KeyKind::P256 => EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
            .and_then(|curve| EcKey::generate(&curve))
            .and_then(PKey::from_ec_key),
    };
    key.map_err(CertError::openssl("generating a key"))
}

/// Random bytes of the system, for serial numbers and file names.
pub fn random<const N: usize>() -> Result<[u8; N], CertError> {
    let mut bytes = [0; N];
    openssl::rand::rand_bytes(&mut bytes).map_err(CertError::openssl("drawing random bytes"))?;
    Ok(bytes)
}

/// What a key is; none for kinds that neither we nor the C programs use.
#[must_use]
pub fn kind_of<T: HasPublic>(key: &PKeyRef<T>) -> Option<KeyKind> {
    match key.id() {
        Id::RSA => Some(KeyKind::Rsa(key.bits())),
        Id::EC => {
            let curve = key.ec_key().ok()?.group().curve_name();
            (curve == Some(Nid::X9_62_PRIME256V1)).then_some(KeyKind::P256)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_of_the_kind_asked_for() {
        for kind in [KeyKind::Rsa(2048), KeyKind::P256] {
            let key = generate_key(kind).unwrap();
            assert_eq!(kind_of(&key), Some(kind));
        }
    }

    #[test]
    fn a_key_on_another_curve_is_of_no_kind() {
        let curve = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
        assert_eq!(kind_of(&key), None);
    }
}
