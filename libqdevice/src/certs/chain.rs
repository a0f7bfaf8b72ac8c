use super::error::CertError;
use super::names::Side;
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext, X509VerifyResult};

/// Why nobody who trusts these authorities believes a certificate of that side; dates are left out.
///
/// The same rules as in a handshake: an authority counts whether or not it is signed by itself.
pub fn chain_fault(
    certificate: &X509Ref,
    authorities: &[X509],
    side: Side,
) -> Result<Option<&'static str>, CertError> {
    let judge = || -> Result<X509VerifyResult, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        for authority in authorities {
            store.add_cert(authority.clone())?;
        }
        let mut rules = X509VerifyParam::new()?;
        rules.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
        rules.set_purpose(match side {
            Side::Server => X509PurposeId::SSL_SERVER,
            Side::Node => X509PurposeId::SSL_CLIENT,
        })?;
        store.set_param(&rules)?;
        let (store, chain) = (store.build(), Stack::new()?);
        let mut context = X509StoreContext::new()?;
        context.init(&store, certificate, &chain, |context| {
            let _ = context.verify_cert()?;
            Ok(context.error())
        })
    };
    let result = judge().map_err(CertError::openssl("verifying a certificate"))?;
    Ok((result != X509VerifyResult::OK).then(|| result.error_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{Authority, KeyKind, generate_key};
    use chrono::DateTime;

    #[test]
    fn a_certificate_is_believed_for_its_own_side_by_who_trusts_its_authority_at_any_time() {
        let authority = || {
            let key = generate_key(KeyKind::P256).unwrap();
            Authority::new(key, DateTime::UNIX_EPOCH).unwrap()
        };
        let (ours, other) = (authority(), authority());
        let key = generate_key(KeyKind::P256).unwrap();
        let server = ours.certify_server(&key, DateTime::UNIX_EPOCH).unwrap();
        let fault = |authority: &Authority, side| {
            let authorities = [authority.certificate().to_owned()];
            chain_fault(&server, &authorities, side).unwrap()
        };
        assert_eq!(fault(&ours, Side::Server), None);
        assert!(fault(&ours, Side::Node).is_some());
        assert!(fault(&other, Side::Server).is_some());
    }
}
