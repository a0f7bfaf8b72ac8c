use super::context::context;
use super::fault::TlsFault;
use super::transport::{Encrypted, Rewound, Transport};
use super::verdict::{Dates, Verdict};
use crate::certs::{CertError, Credential, Side, certified_names};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use std::fmt;
use std::pin::Pin;
use tokio_openssl::SslStream;

/// A node's end of TLS handshakes.
#[derive(Clone)]
pub struct Connector {
    context: SslContext,
    server_name: String,
    has_certificate: bool,
}

/// A server's certificate, or its authority's, whose end was forgiven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose certificate it is.
    pub name: String,
    /// When it ended.
    pub end: String,
}

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, end } = self;
        write!(f, "Server certificate is expired. {name} ended on {end}")
    }
}

impl Connector {
    /// Believes a server of this name that one of these authorities has signed, and shows it `own`.
    pub fn new(
        own: Option<&Credential>,
        anchors: &[X509],
        server_name: &str,
    ) -> Result<Self, CertError> {
        let context = context(SslMethod::tls_client(), own, anchors)?.build();
        Ok(Self {
            context,
            server_name: server_name.to_owned(),
            has_certificate: own.is_some(),
        })
    }

    /// Whether there is a certificate for a server that asks for one.
    #[must_use]
    pub const fn has_certificate(&self) -> bool {
        self.has_certificate
    }

    /// Does the handshake on a connection of which `start` was read already.
    ///
    /// A date that is past is forgiven, with a certificate to be warned of: a cluster should not lose its
    /// arbiter to a calendar. Everything else has to hold on its own, the name included.
    ///
    /// There is no limit of time here. May be dropped at any time, which ends the connection.
    ///
    /// # Errors
    ///
    /// When it fails for whatever reason, and when there is TLS already; the connection is closed then.
    pub async fn connect(
        &self,
        transport: Transport,
        start: Vec<u8>,
    ) -> Result<(Transport, Option<Expired>), TlsFault> {
        let internal = |error| TlsFault::internal(error);
        let stream = Rewound::new(transport.plain()?, start);
        let mut ssl = Ssl::new(&self.context).map_err(internal)?;
        // What the C program does; a name that cannot be sent is still compared.
        let _ = ssl.set_hostname(&self.server_name);
        let verdict = Verdict::default();
        let judge = verdict.clone();
        ssl.set_verify_callback(SslVerifyMode::PEER, move |passed, store| {
            judge.on_check(passed, store, Dates::BegunOrEnded, |_| false)
        });
        let mut stream = SslStream::new(ssl, stream).map_err(internal)?;
        let done = Pin::new(&mut stream).connect().await;
        done.map_err(|error| TlsFault::of(&error, &verdict, Side::Node))?;
        self.check_name(&stream)?;
        let expired = verdict.expired().map(|expired| {
            let [_, end] = expired.lifetime;
            Expired {
                name: expired.name,
                end,
            }
        });
        let encrypted = Encrypted::new(stream, Side::Node);
        Ok((Transport::Tls(Box::new(encrypted)), expired))
    }

    fn check_name(&self, stream: &SslStream<Rewound>) -> Result<(), TlsFault> {
        let certificate = stream.ssl().peer_certificate();
        let names = certificate.map_or_else(Vec::new, |leaf| certified_names(&leaf));
        let wanted = self.server_name.as_bytes();
        if names.iter().any(|name| name == wanted) {
            Ok(())
        } else {
            Err(TlsFault::wrong_name(&names, &self.server_name))
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("server_name", &self.server_name)
            .field("has_certificate", &self.has_certificate)
            .finish_non_exhaustive()
    }
}
