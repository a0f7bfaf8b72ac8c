use crate::support::{Client, Daemon, Place};
use libqdevice::base::{RingId, Vote};
use libqdevice::wire::{Echo, Message, NodeListKind};
use std::io::{ErrorKind, Write};
use std::process::Command;
use std::thread;
use std::time::Duration;

#[test]
fn two_nodes_that_see_each_other_get_the_vote() {
    let place = Place::new();
    let _daemon = place.start(&[]);
    let mut one = place.client().admitted("alpha", 1, 10_000);
    let mut two = place.client().admitted("alpha", 2, 10_000);
    for node in [&mut one, &mut two] {
        node.report(NodeListKind::InitialConfig, &[1, 2]);
    }
    one.report(NodeListKind::Membership, &[1, 2]);
    let told = two.report(NodeListKind::Membership, &[1, 2]);

    let (vote, ring) = (Some(Vote::Ack), Some(RingId::new(1, 8)));
    let ack = |message: &Message| matches!(message, Message::VoteInfo(info) if (info.vote, info.ring) == (vote, ring));
    assert!(ack(&told[0]), "{told:?}");
    assert!(one.receive().is_some_and(|message| ack(&message)));

    let list = place.ask("list\n");
    assert!(
        list.starts_with("Cluster \"alpha\":\n    Algorithm:\t\tFifty-Fifty split\n"),
        "{list}"
    );
    let address = format!(
        "        Client address:\t\t{}\n",
        one.stream.local_addr().unwrap()
    );
    assert!(list.contains(&address), "{list}");
    assert!(place.ask("status\n").contains("Connected clients:\t\t2\n"));
}

#[test]
fn requests_in_advance_are_answered_in_their_order() {
    let place = Place::new();
    let _daemon = place.start(&["-S", "max_client_send_buffers=2"]);
    let mut client = place.client().admitted("alpha", 1, 10_000);
    let requests: Vec<u8> = (0..200)
        .flat_map(|seq| Message::EchoRequest(Echo::new(seq)).encode(100).unwrap())
        .collect();
    client.stream.write_all(&requests).unwrap();
    for seq in 0..200 {
        assert_eq!(client.receive(), Some(Message::EchoReply(Echo::new(seq))));
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_others_are_served() {
    let place = Place::new();
    // Those who ask for much wait for their turn: the queue would be full much later.
    let daemon = place.start(&["-S", "max_cluster_requests=0"]);
    let mut deaf = place.client().admitted("alpha", 1, 10_000);
    let request = long_echo();
    deaf.stream
        .set_write_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let dropped = std::iter::repeat_with(|| deaf.stream.write_all(&request))
        .find_map(Result::err)
        .map(|error| error.kind());
    assert!(
        matches!(
            dropped,
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
        ),
        "{dropped:?}"
    );
    assert!(place.client().is_served());
    daemon.signal("TERM");
    let (_, log) = daemon.ended();
    assert!(log.contains("send queue is full"), "{log}");
}

/// An echo is as long as its request; one with an unknown option is as long as we like.
fn long_echo() -> Vec<u8> {
    let mut request = vec![0, 8, 0, 0, 0x70, 4, 0xff, 0xff, 0x70, 0];
    request.resize(request.len() + 0x7000, b'x');
    request
}

#[test]
fn when_memory_is_spent_those_who_do_not_read_are_not_read_and_others_are_served() {
    let place = Place::new();
    let daemon = place.start(&[
        "-S",
        "max_buffered_size=1048576,max_cluster_requests=0,max_client_send_buffers=1000",
    ]);
    let deaf = |node| {
        let mut client = place.client().admitted("alpha", node, 1000);
        thread::spawn(move || while client.stream.write_all(&long_echo()).is_ok() {})
    };
    let all: Vec<_> = (1..=4).map(deaf).collect();
    daemon.logs("No memory is left for a long message of client");
    assert!(place.client().is_served());
    // They cannot say anything any more.
    for deaf in all {
        deaf.join().unwrap();
    }
    daemon.signal("TERM");
    let (_, log) = daemon.ended();
    assert!(log.contains("sent any message during 1500ms"), "{log}");
}

#[test]
fn a_reply_over_the_send_limit_costs_the_connection() {
    let place = Place::new();
    let _daemon = place.start(&["-S", "max_client_send_size=200"]);
    let mut client = place.client().admitted("alpha", 1, 10_000);
    let echo_of = |len: u8| {
        let mut bytes = vec![0, 8, 0, 0, 0, len - 6, 0xff, 0xff, 0, len - 10];
        bytes.resize(usize::from(len), b'x');
        bytes
    };
    client.stream.write_all(&echo_of(200)).unwrap();
    assert!(client.receive().is_some());
    client.stream.write_all(&echo_of(201)).unwrap();
    assert_eq!(client.receive(), None);
}

/// Whether there is room again for one of many that come after others have gone.
///
/// The server hears of an end before it hears of a connection that comes later, not before that one comes.
fn somebody_is_served(place: &Place) -> bool {
    std::iter::repeat_with(|| place.client())
        .take(100)
        .any(|mut client| {
            client.send(&Message::EchoRequest(Echo::new(1)));
            client.receive().is_some()
        })
}

#[test]
fn one_client_more_than_allowed_is_closed_without_a_word() {
    let place = Place::new();
    let _daemon = place.start(&["-m", "1"]);
    let mut first = place.client();
    assert!(first.is_served());
    assert_eq!(place.client().receive(), None);
    assert!(first.is_served());
    drop(first);
    assert!(somebody_is_served(&place));
}

#[test]
fn a_silent_client_is_disconnected() {
    let place = Place::new();
    let daemon = place.start(&["-S", "heartbeat_interval_min=1"]);
    let mut silent = place.client().admitted("alpha", 1, 100);
    assert_eq!(silent.receive(), None);
    daemon.signal("TERM");
    let (_, log) = daemon.ended();
    assert!(
        log.contains("doesn't sent any message during 150ms. Disconnecting"),
        "{log}"
    );
}

#[test]
fn a_client_that_spoke_while_the_daemon_stood_still_is_heard_before_it_is_given_up() {
    let place = Place::new();
    let daemon = place.start(&[]);
    let mut client = place.client().admitted("alpha", 1, 1000);
    daemon.signal("STOP");
    client.send(&Message::EchoRequest(Echo::new(1)));
    // Longer than the server's patience with a client of this heartbeat.
    let pause = Some(Duration::from_secs(2));
    client.stream.set_read_timeout(pause).unwrap();
    assert!(client.stream.peek(&mut [0]).is_err());
    daemon.signal("CONT");
    let patience = Some(Duration::from_secs(20));
    client.stream.set_read_timeout(patience).unwrap();
    assert_eq!(client.receive(), Some(Message::EchoReply(Echo::new(1))));
    assert_eq!(client.receive(), None);
}

#[test]
fn starttls_without_tls_closes_the_connection() {
    let place = Place::new();
    let _daemon = place.start(&[]);
    let mut client = place.client().admitted("alpha", 1, 10_000);
    client
        .stream
        .write_all(&[0, 2, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 9])
        .unwrap();
    assert_eq!(client.receive(), None);
}

const NO_DESCRIPTOR: &str = "Can't accept connection (24): Too many open files";

/// Starts the daemon with a limit of open files.
fn with_descriptors(place: &Place, limit: u32) -> Daemon {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh"]);
    let mut daemon_command = place.command();
    daemon_command.args(["-S", "listen_backlog=400"]);
    shell
        .arg(daemon_command.get_program())
        .args(daemon_command.get_args());
    place.start_with(shell)
}

#[test]
fn one_address_cannot_take_all_places_with_connections_that_say_nothing() {
    let place = Place::new();
    let daemon = with_descriptors(&place, 512);
    let mut member = place.client().admitted("alpha", 1, 10_000);
    let silent: Vec<Client> = (0..300).map(|_| place.client()).collect();
    daemon.logs("too many of its address say nothing (limit 224");
    // Whoever is admitted does not count.
    assert!(
        place
            .ask("status\n")
            .contains("Connected clients:\t\t225\n")
    );
    assert!(member.is_served());
    drop(silent);
    assert!(somebody_is_served(&place));
}

#[test]
fn without_free_descriptors_the_daemon_rests_says_so_once_and_recovers() {
    let place = Place::new();
    let daemon = with_descriptors(&place, 64);

    let mut clients: Vec<Client> = (0..80).map(|_| place.client()).collect();
    daemon.logs(NO_DESCRIPTOR);
    assert!(clients[0].is_served());
    clients.truncate(1);
    assert!(somebody_is_served(&place));
    drop(clients);
    daemon.signal("TERM");
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0));
    // The first attempt, and the others in one line when the daemon ends before their minute.
    assert!(log.matches(NO_DESCRIPTOR).count() <= 2, "{log}");
}
