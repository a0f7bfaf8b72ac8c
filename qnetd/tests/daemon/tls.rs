//! TLS as clients and administrators meet it.

use crate::keys::{Keys, print_of};
use crate::support::{Client, Daemon, PROGRAM, Place, is_installed, output, stderr};
use chrono::{TimeDelta, Utc};
use libqdevice::certs::Credential;
use libqdevice::wire::{Message, Plain, PreInit};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

const THEIRS: &str = "/usr/bin/corosync-qnetd";

impl Place {
    /// Options for a daemon with TLS and a database.
    fn with_tls(&self, mode: &str) -> Vec<String> {
        let dir = format!("nss_db_dir={}", self.database().display());
        ["-s", mode, "-S", &dir].map(str::to_owned).to_vec()
    }

    fn database(&self) -> std::path::PathBuf {
        self.path("nssdb")
    }

    fn start_tls(&self, mode: &str) -> Daemon {
        let options = self.with_tls(mode);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.start(&options)
    }

    /// A client that has named its cluster and begins TLS, with its certificate or without.
    fn tls_client(&self, cluster: &str, own: Option<&Credential>) -> Client<SslStream<TcpStream>> {
        let stream = self.before_tls(cluster).stream;
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_verify(SslVerifyMode::NONE);
        if let Some(own) = own {
            context.set_certificate(&own.certificate).unwrap();
            context.set_private_key(&own.key).unwrap();
        }
        let mut ssl = Ssl::new(&context.build()).unwrap();
        // What the C client sends.
        ssl.set_hostname("Qnetd Server").unwrap();
        Client::over(ssl.connect(stream).unwrap())
    }

    /// A client that has asked for TLS and not begun with it.
    fn before_tls(&self, cluster: &str) -> Client {
        let mut client = self.client();
        let cluster = Some(cluster.into());
        client
            .ask(&Message::PreInit(PreInit {
                seq: Some(1),
                cluster,
            }))
            .unwrap();
        client.send(&Message::StartTls(Plain { seq: Some(2) }));
        client
    }
}

/// Whether the connection ends, whatever is said before.
fn ends(client: &mut Client<SslStream<TcpStream>>) -> bool {
    client
        .stream
        .read_to_end(&mut Vec::new())
        .map_or(true, |_| true)
}

#[test]
fn a_client_with_its_cluster_s_certificate_is_admitted_and_shown_as_verified() {
    let keys = Keys::new();
    for program in [PROGRAM, THEIRS] {
        if !is_installed(program) {
            continue;
        }
        let place = Place::new();
        if !keys.install(&place.database()) {
            return;
        }
        fs::write(place.database().join("pkcs11.txt"), MODULE_LIST).unwrap();
        let mut command = place.command_of(program);
        command.args(place.with_tls("req"));
        let _daemon = place.start_with(command);
        let own = keys.cluster("alpha");
        let _node = place
            .tls_client("alpha", Some(&own))
            .admitted("alpha", 1, 10_000);
        let status = place.ask("status\n");
        assert!(
            status.contains("TLS:\t\t\t\tRequired (client certificate required)\n"),
            "{program}: {status}"
        );
        let list = place.ask("list verbose\n");
        assert!(
            list.contains("        TLS active:\t\tYes (client certificate verified)\n"),
            "{program}: {list}"
        );
    }
}

/// What the C daemon wants to find.
const MODULE_LIST: &str = "library=\nname=NSS Internal PKCS #11 Module\n";

#[test]
fn a_certificate_opens_its_own_cluster_only() {
    let (keys, place) = (Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    let daemon = place.start_tls("on");
    let own = keys.cluster("alpha");
    let mut client = place.tls_client("beta", Some(&own));
    client.send(&Message::EchoRequest(libqdevice::wire::Echo::new(1)));
    assert!(ends(&mut client));
    daemon.logs("Client doesn't sent certificate with valid CN. Disconnecting client");
    daemon.logs("(cluster beta)");
}

#[test]
fn clients_without_a_good_certificate_are_refused_with_the_reason_in_the_log() {
    let (keys, other, place) = (Keys::new(), Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    let daemon = place.start_tls("on");
    let mut client = place.tls_client("alpha", None);
    assert!(ends(&mut client));
    daemon.logs("TLS handshake failed: the client has no certificate");
    let foreign = other.cluster("alpha");
    let mut client = place.tls_client("alpha", Some(&foreign));
    assert!(ends(&mut client));
    daemon.logs("(CN=alpha) is not signed by an authority of this server");
    let mut client = place.before_tls("alpha");
    client.stream.write_all(b"no hello of anybody").unwrap();
    assert!(
        client
            .stream
            .read_to_end(&mut Vec::new())
            .map_or(true, |_| true)
    );
    daemon.logs("the client does not speak TLS");
    let text = place.ask("security\n");
    assert!(text.contains("Failed TLS handshakes:\t\t3\n"), "{text}");
}

#[test]
fn where_tls_is_required_plain_text_gets_no_further_than_preinit() {
    let (keys, place) = (Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    let _daemon = place.start_tls("req");
    let mut client = place.client();
    let refused = client.ask(&Message::EchoRequest(libqdevice::wire::Echo::new(1)));
    let Some(Message::ServerError(refused)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refused.error, Some(3));
}

#[test]
fn handshakes_that_do_not_go_on_hold_up_nobody() {
    let (keys, place) = (Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    let _daemon = place.start_tls("on");
    let stuck: Vec<Client> = (0..100).map(|_| place.before_tls("alpha")).collect();
    let own = keys.cluster("alpha");
    let mut node = place
        .tls_client("alpha", Some(&own))
        .admitted("alpha", 1, 10_000);
    assert!(node.is_served());
    assert!(place.client().is_served());
    drop(stuck);
}

#[test]
fn a_new_database_serves_new_connections_and_leaves_the_old_ones_alone() {
    let (old, new, place) = (Keys::new(), Keys::new(), Place::new());
    if !old.install(&place.database()) {
        return;
    }
    let daemon = place.start_tls("req");
    let own = old.cluster("alpha");
    let mut node = place
        .tls_client("alpha", Some(&own))
        .admitted("alpha", 1, 10_000);
    // As an administrator makes everything anew: in its own time, and the name changes at once.
    assert!(new.install(&place.path("new")));
    fs::rename(place.database(), place.path("old")).unwrap();
    fs::rename(place.path("new"), place.database()).unwrap();
    daemon.logs("Certificates were loaded again");
    assert!(node.is_served());
    let renewed = new.cluster("alpha");
    let mut other = place
        .tls_client("alpha", Some(&renewed))
        .admitted("alpha", 2, 10_000);
    assert!(other.is_served());
    let mut stale = place.tls_client("alpha", Some(&own));
    assert!(ends(&mut stale));
}

#[test]
fn sighup_loads_the_database_at_once_and_a_damaged_one_changes_nothing() {
    let (keys, place) = (Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    let daemon = place.start_tls("req");
    let own = keys.cluster("alpha");
    daemon.signal("HUP");
    daemon.logs("Certificates were loaded again");
    fs::rename(place.database(), place.path("away")).unwrap();
    daemon.signal("HUP");
    daemon.logs("Certificates stay as they were: there is no certificate database in");
    daemon.logs("To mend it: corosync-qnetd-certutil -i");
    let _node = place
        .tls_client("alpha", Some(&own))
        .admitted("alpha", 1, 10_000);
}

#[test]
fn a_revoked_certificate_loses_its_connections_and_gets_no_new_one() {
    let (keys, place) = (Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    let list = place.database().join("revoked.txt");
    let daemon = place.start_tls("on");
    let (bad, good) = (keys.cluster("alpha"), keys.cluster("beta"));
    let mut revoked = place
        .tls_client("alpha", Some(&bad))
        .admitted("alpha", 1, 10_000);
    let mut other = place
        .tls_client("beta", Some(&good))
        .admitted("beta", 1, 10_000);
    fs::write(&list, format!("# lost\n{} alpha\n", print_of(&bad))).unwrap();
    daemon.logs("The client's certificate is revoked. Disconnecting client");
    assert!(ends(&mut revoked));
    assert!(other.is_served());
    assert!(ends(&mut place.tls_client("alpha", Some(&bad))));
    daemon.logs("the client's certificate (CN=alpha) is revoked");
    // Half of a list is none.
    fs::write(&list, format!("{} alpha\nbeta\n", print_of(&bad))).unwrap();
    daemon.logs("revoked.txt: line 2 does not begin with");
    assert!(ends(&mut place.tls_client("alpha", Some(&bad))));
    assert!(other.is_served());
}

#[test]
fn a_list_that_cannot_be_read_keeps_the_daemon_from_starting() {
    let (keys, place) = (Keys::new(), Place::new());
    if !keys.install(&place.database()) {
        return;
    }
    fs::write(place.database().join("revoked.txt"), "alpha\n").unwrap();
    let text = refusal(&place, &place.database());
    assert!(
        text.contains("revoked.txt: line 1 does not begin with"),
        "{text}"
    );
}

#[test]
fn a_certificate_that_ends_soon_is_told_at_the_start() {
    let (keys, place) = (Keys::new(), Place::new());
    // Certificates last a hundred years, of which all but ten days are over.
    let begin = Utc::now() - TimeDelta::days(36_524 - 10);
    if !keys.install_from(&place.database(), begin) {
        return;
    }
    let daemon = place.start_tls("on");
    daemon.logs("warning The certificate CN=Qnetd Server ends in ");
}

/// What a daemon with TLS says that does not start.
fn refusal(place: &Place, database: &Path) -> String {
    let mut command = place.command();
    let dir = format!("nss_db_dir={}", database.display());
    command.args(["-f", "-s", "on", "-S", &dir]);
    let refused = output(command);
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr(&refused);
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn what_is_missing_for_tls_is_named_with_the_command_that_makes_it() {
    let place = Place::new();
    let text = refusal(&place, &place.path("nowhere"));
    assert!(
        text.contains("error   Can't open NSS DB directory "),
        "{text}"
    );
    assert!(text.contains("(2): No such file or directory"), "{text}");
    assert!(text.contains("corosync-qnetd-certutil -i"), "{text}");
    let empty = place.path("empty");
    fs::create_dir(&empty).unwrap();
    let text = refusal(&place, &empty);
    let expected = format!(
        "crit    NSS error: there is no certificate database in {}. To mend it: \
         corosync-qnetd-certutil -i\n",
        empty.display()
    );
    assert!(text.ends_with(&expected), "{text}");
}
