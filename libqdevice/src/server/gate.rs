use super::peer::Tls;
use super::{Cause, Fault, Refusal, ServerConfig};
use crate::base::{ClusterName, TlsSupport};

/// The first check of nearly every message. [C: qnetd-client-msg-received.c, `..._check_tls`]
///
/// The certificate has to carry exactly the name under which the client comes now; that is compared
/// every time, so no later name can profit from an earlier check.
///
/// # Errors
///
/// The client has to start TLS first, or its certificate is not the right one.
pub(super) fn gate(
    config: &ServerConfig,
    tls: &Tls,
    name: Option<&ClusterName>,
) -> Result<(), Fault> {
    match (config.tls, tls) {
        (TlsSupport::Required, Tls::Plain | Tls::Starting) => Err(Refusal::TlsRequired.into()),
        (TlsSupport::Unsupported | TlsSupport::Supported, Tls::Plain | Tls::Starting) => Ok(()),
        (_, Tls::Up(_)) if !config.client_cert_required => Ok(()),
        (_, Tls::Up(None)) => Err(Cause::NoCertificate.into()),
        (_, Tls::Up(Some(identity))) => match name.map(ClusterName::as_bytes) {
            Some(name) if !name.is_empty() && identity.names.iter().any(|own| own == name) => {
                Ok(())
            }
            Some(_) | None => Err(Cause::WrongCertificate.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::certified_for;
    use super::*;

    fn config(tls: TlsSupport, client_cert_required: bool) -> ServerConfig {
        ServerConfig {
            tls,
            client_cert_required,
            ..ServerConfig::default()
        }
    }

    fn up(identity: &[u8]) -> Tls {
        Tls::Up(Some(certified_for(&[identity])))
    }

    #[test]
    fn plain_text_passes_unless_tls_is_required() {
        let name = ClusterName::from("K");
        for (tls, expected) in [
            (TlsSupport::Unsupported, Ok(())),
            (TlsSupport::Supported, Ok(())),
            (TlsSupport::Required, Err(Refusal::TlsRequired.into())),
        ] {
            assert_eq!(
                gate(&config(tls, true), &Tls::Plain, Some(&name)),
                expected,
                "{tls:?}"
            );
        }
    }

    #[test]
    fn a_certificate_carries_the_name_byte_for_byte() {
        let config = config(TlsSupport::Required, true);
        let check = |name: &[u8], identity: &[u8]| {
            gate(&config, &up(identity), Some(&ClusterName::new(name)))
        };
        assert_eq!(check(b"K", b"K"), Ok(()));
        for (name, identity) in [
            (&b"k"[..], &b"K"[..]),
            (b"a.b.c", b"*.b.c"),
            (b"K\0evil", b"K"),
            (b"", b""),
        ] {
            assert_eq!(
                check(name, identity),
                Err(Cause::WrongCertificate.into()),
                "{name:?} {identity:?}"
            );
        }
    }

    #[test]
    fn of_several_names_in_a_certificate_one_has_to_be_the_cluster_s() {
        let config = config(TlsSupport::Required, true);
        let several = Tls::Up(Some(certified_for(&[b"other", b"K"])));
        let check = |name: &str| gate(&config, &several, Some(&ClusterName::from(name)));
        assert_eq!(check("K"), Ok(()));
        assert_eq!(check("otherK"), Err(Cause::WrongCertificate.into()));
        let nameless = Tls::Up(Some(certified_for(&[])));
        assert_eq!(
            gate(&config, &nameless, Some(&ClusterName::from("K"))),
            Err(Cause::WrongCertificate.into())
        );
    }

    #[test]
    fn a_certificate_is_asked_for_only_where_it_is_required() {
        let name = ClusterName::from("K");
        let check = |required| {
            gate(
                &config(TlsSupport::Supported, required),
                &Tls::Up(None),
                Some(&name),
            )
        };
        assert_eq!(check(true), Err(Cause::NoCertificate.into()));
        assert_eq!(check(false), Ok(()));
    }
}
