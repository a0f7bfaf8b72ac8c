use super::context::context;
use super::fault::TlsFault;
use super::lifetime::Lifetime;
use super::transport::{Encrypted, Rewound, Transport};
use super::verdict::{Dates, Verdict};
use crate::base::Fingerprint;
use crate::certs::{CertError, Credential, DenyList, Role, Side, certified_names, fingerprint};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use openssl::x509::{X509, X509Ref};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use tokio_openssl::SslStream;

/// The server's end of TLS handshakes.
#[derive(Clone)]
pub struct Acceptor {
    context: SslContext,
    ask: ClientCertificate,
    denied: Arc<DenyList>,
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// They are not.
    NotAsked,
    /// They have to have one that an authority of ours has signed.
    Required,
}

/// What a client has proved.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The names its certificate is for.
    pub names: Vec<Vec<u8>>,
    /// The certificate.
    pub certificate: Fingerprint,
    /// The certificate's end.
    pub lifetime: Lifetime,
}

impl Acceptor {
    /// Serves with this certificate those whom these authorities have signed, but not who is on the list.
    pub fn new(
        own: &Credential,
        anchors: &[X509],
        denied: DenyList,
        ask: ClientCertificate,
    ) -> Result<Self, CertError> {
        let mut context = context(SslMethod::tls_server(), Some(own), anchors)?;
        let doing = CertError::openssl("configuring TLS");
        context.set_num_tickets(0).map_err(&doing)?;
        // Without a name clients that offer an old session would be refused instead of being asked anew.
        context.set_session_id_context(b"qnetd").map_err(&doing)?;
        Ok(Self {
            context: context.build(),
            ask,
            denied: Arc::new(denied),
        })
    }

    /// Does the handshake on a connection of which `start` was read already.
    ///
    /// There is no limit of time here.
    ///
    /// # Errors
    ///
    /// When it fails for whatever reason, and when there is TLS already; the connection is closed then.
    pub async fn accept(
        &self,
        transport: Transport,
        start: Vec<u8>,
    ) -> Result<(Transport, Option<Shown>), TlsFault> {
        let internal = |error| TlsFault::internal(error);
        let stream = Rewound::new(transport.plain()?, start);
        let mut ssl = Ssl::new(&self.context).map_err(internal)?;
        let verdict = Verdict::default();
        match self.ask {
            ClientCertificate::NotAsked => ssl.set_verify(SslVerifyMode::NONE),
            ClientCertificate::Required => {
                let (verdict, denied) = (verdict.clone(), Arc::clone(&self.denied));
                let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
                ssl.set_verify_callback(mode, move |passed, store| {
                    verdict.on_check(passed, store, Dates::Begun, |leaf| is_denied(leaf, &denied))
                });
            }
        }
        let mut stream = SslStream::new(ssl, stream).map_err(internal)?;
        let done = Pin::new(&mut stream).accept().await;
        done.map_err(|error| TlsFault::of(&error, &verdict, Side::Server))?;
        let shown = match (self.ask, stream.ssl().peer_certificate()) {
            (ClientCertificate::Required, Some(leaf)) => Some(Shown {
                names: certified_names(&leaf),
                certificate: fingerprint(&leaf).map_err(TlsFault::internal)?,
                lifetime: Lifetime::of(&leaf, Role::Cluster, Side::Server),
            }),
            (ClientCertificate::Required, None) | (ClientCertificate::NotAsked, _) => None,
        };
        let encrypted = Encrypted::new(stream, Side::Server);
        Ok((Transport::Tls(Box::new(encrypted)), shown))
    }
}

/// A certificate that cannot be told from others is not let in.
fn is_denied(leaf: &X509Ref, denied: &DenyList) -> bool {
    fingerprint(leaf).map_or(true, |leaf| denied.contains(&leaf))
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("ask", &self.ask)
            .finish_non_exhaustive()
    }
}
