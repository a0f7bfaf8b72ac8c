//! Both ends against each other over loopback: who is believed, and who is refused with which words.

use super::{Acceptor, ClientCertificate, Connector, Expired, Shown, TlsFault, Transport};
use crate::certs::{
    Authority, CertifiedName, Credential, DenyList, KeyKind, Request, SERVER_NAME, fingerprint,
    generate_key,
};
use crate::io::framed::{Framed, Reading};
use crate::wire::{Echo, Message};
use chrono::{DateTime, Utc};
use openssl::ssl::{SslContext, SslMethod, SslVersion};
use openssl::x509::X509;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A hundred years from here have ended; those of the authority have not.
const PAST: &str = "1920-01-01T00:00:00Z";
const PRESENT: &str = "2026-01-01T00:00:00Z";
const FUTURE: &str = "2060-01-01T00:00:00Z";

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An authority that exists since 1990.
fn authority() -> Authority {
    let key = generate_key(KeyKind::P256).unwrap();
    Authority::new(key, moment("1990-01-01T00:00:00Z")).unwrap()
}

fn server(authority: &Authority, at: &str) -> Credential {
    let key = generate_key(KeyKind::P256).unwrap();
    let certificate = authority.certify_server(&key, moment(at)).unwrap();
    Credential { certificate, key }
}

fn cluster(authority: &Authority, name: &str, at: &str) -> Credential {
    let key = generate_key(KeyKind::P256).unwrap();
    let name = CertifiedName::parse(name.as_bytes()).unwrap();
    let request = Request::new(&name, &key).unwrap();
    let certificate = authority.certify_cluster(&request, moment(at)).unwrap();
    Credential { certificate, key }
}

fn anchors(authority: &Authority) -> Vec<X509> {
    vec![authority.certificate().to_owned()]
}

fn acceptor(authority: &Authority, own: &Credential) -> Acceptor {
    let list = DenyList::default();
    Acceptor::new(own, &anchors(authority), list, ClientCertificate::Required).unwrap()
}

fn connector(authority: &Authority, own: Option<&Credential>) -> Connector {
    Connector::new(own, &anchors(authority), SERVER_NAME).unwrap()
}

type Accepted = Result<(Transport, Option<Shown>), TlsFault>;
type Connected = Result<(Transport, Option<Expired>), TlsFault>;

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

/// What both ends make of each other.
async fn meet(acceptor: &Acceptor, connector: &Connector) -> (Accepted, Connected) {
    let (near, far) = connection().await;
    tokio::join!(
        acceptor.accept(Transport::Plain(far), Vec::new()),
        connector.connect(Transport::Plain(near), Vec::new())
    )
}

/// Why the server refuses a client with this certificate.
async fn refusal(acceptor: &Acceptor, connector: &Connector) -> String {
    let (accepted, _) = meet(acceptor, connector).await;
    accepted.unwrap_err().to_string()
}

/// Why a client refuses a server that shows this certificate.
async fn distrust(connector: &Connector, acceptor: &Acceptor) -> String {
    let (_, connected) = meet(acceptor, connector).await;
    connected.unwrap_err().to_string()
}

#[tokio::test]
async fn a_client_is_known_by_its_certificate_and_both_hear_each_other() {
    let authority = authority();
    let own = cluster(&authority, "demo", PRESENT);
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let (accepted, connected) = meet(&acceptor, &connector(&authority, Some(&own))).await;
    let ((mut far, shown), (mut near, expired)) = (accepted.unwrap(), connected.unwrap());
    let shown = shown.unwrap();
    assert_eq!(shown.names, [b"demo"]);
    assert_eq!(shown.certificate, fingerprint(&own.certificate).unwrap());
    assert_eq!(expired, None);
    near.write_all(b"ping").await.unwrap();
    let mut heard = [0; 4];
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
    drop(far);
    assert_eq!(near.read(&mut heard).await.unwrap(), 0, "an orderly end");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_unless_none_is_asked_for() {
    let authority = authority();
    let own = server(&authority, PRESENT);
    let nobody = connector(&authority, None);
    let text = refusal(&acceptor(&authority, &own), &nobody).await;
    assert!(
        text.starts_with("the client has no certificate: "),
        "{text}"
    );
    let anchors = anchors(&authority);
    let list = DenyList::default();
    let open = Acceptor::new(&own, &anchors, list, ClientCertificate::NotAsked).unwrap();
    let (accepted, connected) = meet(&open, &nobody).await;
    assert!(accepted.unwrap().1.is_none());
    assert!(connected.is_ok());
}

#[tokio::test]
async fn a_client_whose_certificate_does_not_count_is_refused_and_told_why() {
    let (ours, other) = (authority(), authority());
    let acceptor = acceptor(&ours, &server(&ours, PRESENT));
    for (own, expected) in [
        (
            cluster(&other, "demo", PRESENT),
            "the client's certificate (CN=demo) is not signed by an authority of this server",
        ),
        (
            cluster(&ours, "demo", PAST),
            "the client's certificate (CN=demo) has expired on Jan  1 00:00:00 2020 GMT",
        ),
        (
            cluster(&ours, "demo", FUTURE),
            "the client's certificate (CN=demo) begins on Dec 31 00:00:00 2059 GMT only",
        ),
        (
            server(&ours, PRESENT),
            "the client's certificate (CN=Qnetd Server) is refused: unsuitable certificate purpose",
        ),
    ] {
        let text = refusal(&acceptor, &connector(&ours, Some(&own))).await;
        assert!(text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn what_the_server_says_of_a_certificate_reaches_the_client_s_log() {
    let authority = authority();
    let own = cluster(&authority, "demo", PAST);
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let (_, connected) = meet(&acceptor, &connector(&authority, Some(&own))).await;
    // With TLS 1.3 the client is done before the server looks at its certificate.
    let (mut near, _) = connected.unwrap();
    let text = near.read(&mut [0]).await.unwrap_err().to_string();
    let expected = "the server does not accept this node's certificate: it has expired; ";
    assert!(text.starts_with(expected), "{text}");
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_and_another_of_the_same_name_is_not() {
    let authority = authority();
    let (old, new) = (
        cluster(&authority, "demo", PRESENT),
        cluster(&authority, "demo", PRESENT),
    );
    let mut list = DenyList::default();
    list.add(fingerprint(&old.certificate).unwrap(), "demo");
    let own = server(&authority, PRESENT);
    let ask = ClientCertificate::Required;
    let acceptor = Acceptor::new(&own, &anchors(&authority), list, ask).unwrap();
    let text = refusal(&acceptor, &connector(&authority, Some(&old))).await;
    assert_eq!(text, "the client's certificate (CN=demo) is revoked");
    let (accepted, _) = meet(&acceptor, &connector(&authority, Some(&new))).await;
    assert!(accepted.is_ok());
}

#[tokio::test]
async fn only_the_date_of_a_server_is_forgiven_never_its_authority_or_its_name() {
    let (ours, other) = (authority(), authority());
    let own = cluster(&ours, "demo", PRESENT);
    let node = connector(&ours, Some(&own));
    let anchors = anchors(&ours);
    let shows = |own: &Credential| {
        let ask = ClientCertificate::Required;
        Acceptor::new(own, &anchors, DenyList::default(), ask).unwrap()
    };

    let (_, connected) = meet(&shows(&server(&ours, PAST)), &node).await;
    let expired = connected.unwrap().1.unwrap();
    assert_eq!(
        expired.to_string(),
        "Server certificate is expired. CN=Qnetd Server ended on Jan  1 00:00:00 2020 GMT"
    );

    let failure = "Server certificate verification failure. It";
    let unknown = format!("{failure} (CN=Qnetd Server) is not signed by an authority of this node");
    for at in [PRESENT, PAST] {
        let text = distrust(&node, &shows(&server(&other, at))).await;
        assert!(text.starts_with(&unknown), "{text}");
    }
    let named = Connector::new(Some(&own), &anchors, "qnetd.example").unwrap();
    for at in [PRESENT, PAST] {
        let text = distrust(&named, &shows(&server(&ours, at))).await;
        let wrong = format!("{failure} is for \"Qnetd Server\" and not for \"qnetd.example\"");
        assert!(text.starts_with(&wrong), "{text}");
        let text = distrust(&named, &shows(&server(&other, at))).await;
        assert!(text.starts_with(&unknown), "{text}");
    }
    for at in [PRESENT, PAST] {
        // Another cluster's certificate is the authority's too, but it is no server's.
        let text = distrust(&node, &shows(&cluster(&ours, "other", at))).await;
        let purpose = format!("{failure} (CN=other) is refused: unsuitable certificate purpose");
        assert!(text.starts_with(&purpose), "{text}");
    }
    let early = distrust(&node, &shows(&server(&ours, FUTURE))).await;
    assert!(
        early.starts_with(&format!("{failure} (CN=Qnetd Server) begins on")),
        "{early}"
    );
}

#[tokio::test]
async fn a_clock_that_is_less_than_a_day_behind_keeps_nobody_out() {
    let authority = authority();
    let soon = Utc::now() + chrono::TimeDelta::hours(40);
    let later = Utc::now() + chrono::TimeDelta::hours(60);
    // Certificates begin a day before they are made.
    let at = |moment: DateTime<Utc>| cluster(&authority, "demo", &moment.to_rfc3339());
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let (accepted, _) = meet(&acceptor, &connector(&authority, Some(&at(soon)))).await;
    assert!(accepted.is_ok());
    let text = refusal(&acceptor, &connector(&authority, Some(&at(later)))).await;
    assert!(text.contains("begins on"), "{text}");
}

#[tokio::test]
async fn what_was_read_behind_the_last_plain_message_is_the_begin_of_tls() {
    let authority = authority();
    let own = cluster(&authority, "demo", PRESENT);
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let (mut near, far) = connection().await;
    let last = Message::EchoRequest(Echo::new(1));
    near.write_all(&last.encode(100).unwrap()).await.unwrap();
    let server = async {
        let mut framed = Framed::new(Transport::Plain(far), 100);
        assert_eq!(framed.next(Reading::On).await.unwrap(), Ok(last));
        // Meanwhile the hello of the client has arrived; what of it was read is kept.
        let (mut far, mut start) = framed.into_parts();
        let mut more = [0; 10];
        far.read_exact(&mut more).await.unwrap();
        start.extend(more);
        acceptor.accept(far, start).await
    };
    let client = connector(&authority, Some(&own));
    let client = client.connect(Transport::Plain(near), Vec::new());
    let (accepted, connected) = tokio::join!(server, client);
    assert!(accepted.is_ok() && connected.is_ok());
}

#[tokio::test]
async fn plain_text_is_never_taken_for_tls_nor_the_reverse() {
    let authority = authority();
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let (near, far) = connection().await;
    let said = Message::EchoRequest(Echo::new(1)).encode(100).unwrap();
    let (mut reader, mut writer) = near.into_split();
    writer.write_all(&said).await.unwrap();
    drop(writer);
    let fault = acceptor.accept(Transport::Plain(far), Vec::new()).await;
    let text = fault.unwrap_err().to_string();
    assert!(text.starts_with("the client does not speak TLS"), "{text}");
    let mut answer = Vec::new();
    // What was not read may break the connection instead of ending it.
    let _ = reader.read_to_end(&mut answer).await;
    assert!(answer.len() <= 7, "an alert at most: {answer:?}");

    // A message that a server has sent before its time is not read as one within TLS.
    let node = connector(&authority, None);
    let (near, _far) = connection().await;
    let fault = node.connect(Transport::Plain(near), said).await;
    let text = fault.unwrap_err().to_string();
    assert!(text.starts_with("the server does not speak TLS"), "{text}");
}

#[tokio::test]
async fn tls_within_tls_is_refused() {
    let authority = authority();
    let own = cluster(&authority, "demo", PRESENT);
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let (accepted, _connected) = meet(&acceptor, &connector(&authority, Some(&own))).await;
    let again = acceptor.accept(accepted.unwrap().0, Vec::new()).await;
    assert_eq!(again.unwrap_err().to_string(), "TLS within TLS");
}

/// One version each, as the system's policy may have it, with a client that is not ours.
#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_no_older_one() {
    let authority = authority();
    let own = cluster(&authority, "demo", PRESENT);
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    for (version, good) in [
        (SslVersion::TLS1_1, false),
        (SslVersion::TLS1_2, true),
        (SslVersion::TLS1_3, true),
    ] {
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        // What only old versions can do is not allowed at a higher level.
        context.set_security_level(0);
        context.set_min_proto_version(Some(version)).unwrap();
        context.set_max_proto_version(Some(version)).unwrap();
        context.set_certificate(&own.certificate).unwrap();
        context.set_private_key(&own.key).unwrap();
        let ssl = openssl::ssl::Ssl::new(&context.build()).unwrap();
        let (near, far) = connection().await;
        let mut near = tokio_openssl::SslStream::new(ssl, near).unwrap();
        let (accepted, connected) = tokio::join!(
            acceptor.accept(Transport::Plain(far), Vec::new()),
            std::pin::Pin::new(&mut near).connect()
        );
        assert_eq!(
            (accepted.is_ok(), connected.is_ok()),
            (good, good),
            "{version:?}: {accepted:?}"
        );
        if good {
            assert_eq!(near.ssl().version2(), Some(version));
        }
    }
}

#[tokio::test]
async fn no_session_is_given_out_that_could_be_resumed() {
    let authority = authority();
    let own = cluster(&authority, "demo", PRESENT);
    let acceptor = acceptor(&authority, &server(&authority, PRESENT));
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_certificate(&own.certificate).unwrap();
    context.set_private_key(&own.key).unwrap();
    context
        .set_max_proto_version(Some(SslVersion::TLS1_2))
        .unwrap();
    let ssl = openssl::ssl::Ssl::new(&context.build()).unwrap();
    let (near, far) = connection().await;
    let mut near = tokio_openssl::SslStream::new(ssl, near).unwrap();
    let (accepted, connected) = tokio::join!(
        acceptor.accept(Transport::Plain(far), Vec::new()),
        std::pin::Pin::new(&mut near).connect()
    );
    assert!(accepted.is_ok() && connected.is_ok());
    let session = near.ssl().session();
    assert!(session.is_some_and(|session| session.id().is_empty()));
}
