use super::names::{AUTHORITY_NAME, SERVER_NAME};
use chrono::{Days, Months};

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with a modulus of so many bits.
    Rsa(u32),
    /// The NIST curve P-256.
    P256,
}

impl Default for KeyKind {
    /// RSA with 3072 bits: accepted by every version of NSS and by the strict system policies that
    /// refuse the 2048 bits of the C scripts.
    fn default() -> Self {
        Self::Rsa(3072)
    }
}

impl KeyKind {
    /// The kinds that can be asked for, by name.
    pub const NAMES: [(&str, Self); 4] = [
        ("rsa3072", Self::Rsa(3072)),
        ("rsa2048", Self::Rsa(2048)),
        ("rsa4096", Self::Rsa(4096)),
        ("p256", Self::P256),
    ];

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| kind)
    }
}

/// What a certificate is for, and with it everything that stands in it but names and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Signs the others and nothing below them.
    Authority,
    /// Proves the server to its clients.
    Server,
    /// Proves a cluster's nodes to the server.
    Cluster,
}

/// A bit of the key usage extension. [RFC 5280, 4.2.1.3]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// Signs a handshake.
    DigitalSignature,
    /// Takes a key encrypted to it.
    KeyEncipherment,
    /// Signs certificates.
    CertSign,
    /// Signs revocation lists.
    CrlSign,
}

impl Profile {
    /// How long a certificate is good: a hundred years, as the C scripts have it.
    ///
    /// Nothing renews certificates by itself, and an expired one costs the cluster its vote. See
    /// [`super::Authority::lasting`] for shorter ones.
    pub const LIFETIME: Months = Months::new(1200);

    /// How far the start lies in the past: a node whose clock is behind accepts it too.
    pub const HEAD_START: Days = Days::new(1);

    /// The subject, where it is not the cluster's own name.
    #[must_use]
    pub const fn fixed_name(self) -> Option<&'static str> {
        match self {
            Self::Authority => Some(AUTHORITY_NAME),
            Self::Server => Some(SERVER_NAME),
            Self::Cluster => None,
        }
    }

    /// What the key may do.
    ///
    /// NSS clients refuse an RSA server certificate without key encipherment, even where the
    /// handshake only signs.
    #[must_use]
    pub const fn usages(self, key: KeyKind) -> &'static [Usage] {
        match (self, key) {
            (Self::Authority, _) => &[Usage::CertSign, Usage::CrlSign],
            (Self::Server | Self::Cluster, KeyKind::Rsa(_)) => {
                &[Usage::DigitalSignature, Usage::KeyEncipherment]
            }
            (Self::Server | Self::Cluster, KeyKind::P256) => &[Usage::DigitalSignature],
        }
    }
}

/// Whether a key is strong enough to be certified.
///
/// The floor is what TLS libraries of today accept at their usual level; a certificate below it could
/// never be used.
#[must_use]
pub const fn is_strong(key: KeyKind) -> bool {
    match key {
        KeyKind::Rsa(bits) => bits >= 2048,
        KeyKind::P256 => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsa_leaf_may_encipher_keys_and_a_curve_leaf_may_not() {
        for leaf in [Profile::Server, Profile::Cluster] {
            assert!(
                leaf.usages(KeyKind::default())
                    .contains(&Usage::KeyEncipherment)
            );
            assert_eq!(leaf.usages(KeyKind::P256), [Usage::DigitalSignature]);
        }
    }

    #[test]
    fn the_first_kind_that_can_be_asked_for_is_the_usual_one() {
        assert_eq!(KeyKind::NAMES[0].1, KeyKind::default());
        assert_eq!(KeyKind::named("p256"), Some(KeyKind::P256));
        assert_eq!(KeyKind::named("P256"), None);
    }

    #[test]
    fn only_the_authority_signs_certificates() {
        for (profile, signs) in [
            (Profile::Authority, true),
            (Profile::Server, false),
            (Profile::Cluster, false),
        ] {
            let usages = profile.usages(KeyKind::default());
            assert_eq!(usages.contains(&Usage::CertSign), signs, "{profile:?}");
        }
    }

    #[test]
    fn keys_of_the_c_scripts_are_strong_and_their_elders_are_not() {
        assert!(is_strong(KeyKind::Rsa(2048)));
        assert!(!is_strong(KeyKind::Rsa(1024)));
        assert!(is_strong(KeyKind::default()));
    }
}
