use crate::certs::{CertError, Credential};
use openssl::error::ErrorStack;
use openssl::ssl::{
    SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;

/// What both sides have in common.
///
/// Versions and ciphers are the system's (`openssl.cnf`, crypto policies). Only versions before TLS 1.2,
/// which the C programs refuse too, are never spoken.
pub(super) fn context(
    method: SslMethod,
    own: Option<&Credential>,
    anchors: &[X509],
) -> Result<SslContextBuilder, CertError> {
    let mut context =
        SslContextBuilder::new(method).map_err(CertError::openssl("starting OpenSSL"))?;
    set_behaviour(&mut context).map_err(CertError::openssl("configuring TLS"))?;
    trust(&mut context, anchors).map_err(CertError::openssl("using the authority for TLS"))?;
    if let Some(own) = own {
        let used = context.set_certificate(&own.certificate);
        used.and_then(|()| context.set_private_key(&own.key))
            .map_err(CertError::openssl(UNUSABLE))?;
    }
    Ok(context)
}

fn set_behaviour(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    let later = [SslVersion::TLS1_2, SslVersion::TLS1_3].map(Some);
    if !later.contains(&context.min_proto_version()) {
        context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    }
    context.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::RELEASE_BUFFERS,
    );
    // Daemons that are killed say no farewell; a message cut short is noticed by its length.
    context.set_options(
        SslOptions::NO_COMPRESSION | SslOptions::NO_TICKET | SslOptions::IGNORE_UNEXPECTED_EOF,
    );
    // Every connection proves anew who it is: a session that is resumed would pass by a revocation.
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    Ok(())
}

/// An authority counts whether or not it is signed by itself: the database says whom it trusts.
fn trust(context: &mut SslContextBuilder, anchors: &[X509]) -> Result<(), ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    for anchor in anchors {
        store.add_cert(anchor.clone())?;
    }
    context.set_cert_store(store.build());
    Ok(())
}

const UNUSABLE: &str = "using the certificate for TLS, which the system's crypto policy has to \
                        accept (a longer key may help: enrol again)";
