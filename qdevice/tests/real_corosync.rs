//! The real libraries against a real corosync: one node of two, in namespaces of its own.
//!
//! Skipped, with a message, unless root runs it on a machine with corosync.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod namespaces;

use corosync_qdevice::corosync::{
    Corosync, CsError, Event, Library, OpenFault, Poll, RegisterFault, Service,
};
use libqdevice::base::{NodeId, NodeList, Quorate, RingId};
use libqdevice::client::{CmapSnapshot, CmapValue, NodeVotes};
use libqdevice::report::{Heading, Moment};
use namespaces::{is_inside, private_system, run, start_corosync};
use std::fs;
use std::process::Command;
use std::time::Duration;

#[test]
fn the_library_serves_a_real_corosync() {
    if is_inside("the_library_serves_a_real_corosync") {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(60), inside())
                .await
                .expect("hangs");
        });
    }
}

async fn inside() {
    private_system();
    let refused = Library::open(10).await.unwrap_err();
    assert_eq!(
        refused,
        OpenFault::Refused(CsError::LIBRARY),
        "nothing runs, so nothing is retried"
    );

    let mut corosync = start_corosync(&configuration("first", ""));
    let mut library = Library::open(0).await.unwrap();
    reads_the_configuration(&mut library).await;
    let ring = registers(&mut library).await;
    votes(&mut library, ring).await;
    what_votequorum_says_is_what_quorumtool_shows();
    follows_reloads(&mut library).await;

    assert_eq!(library.leave().await, []);
    let mut again = Library::open(0).await.unwrap();
    assert!(matches!(again.register("Qdevice").await, Ok(2 | 3)));
    let other = Library::open(0).await.unwrap().register("Other").await;
    assert_eq!(
        other.unwrap_err().to_string(),
        "Can't register votequorum device. Error CS_ERR_EXIST"
    );

    corosync.kill().unwrap();
    corosync.wait().unwrap();
    loses_both_services(&mut again).await;
}

async fn reads_the_configuration(library: &mut Library) {
    let snapshot = library.snapshot().await.unwrap();
    assert_eq!(
        snapshot.text("totem.cluster_name").unwrap(),
        "a name of more than sixteen bytes"
    );
    assert_eq!(snapshot.u32("quorum.device.votes"), Some(1));
    assert_eq!(snapshot.u32("runtime.votequorum.this_node_id"), Some(1));
    assert_eq!(snapshot.u32("nodelist.node.1.nodeid"), Some(2));
    assert_eq!(
        snapshot.get("nodelist.local_node_pos"),
        Some(&CmapValue::U32(0))
    );
}

async fn registers(library: &mut Library) -> RingId {
    assert_eq!(
        library
            .cast(Poll {
                ring: RingId::default(),
                vote: true
            })
            .await,
        Err(CsError::LIBRARY),
        "there is no connection yet"
    );
    // Two nodes; the vote of the device may count already.
    assert!(matches!(library.register("Qdevice").await, Ok(2 | 3)));
    let (mut ring, mut quorate) = (None, None);
    while ring.is_none() || quorate.is_none() {
        match library.next_event().await {
            Event::Membership { ring: new, nodes } => {
                assert_eq!(nodes, NodeList::of_ids([1]));
                ring = Some(new);
            }
            Event::Quorum {
                quorate: new,
                nodes,
            } => {
                assert!(nodes.contains(NodeId(1)) && nodes.contains(NodeId(0)));
                quorate = Some(new);
            }
            Event::ExpectedVotes(votes) => assert!(votes == 2 || votes == 3),
            event @ (Event::Config(_) | Event::Lost(_)) => panic!("{event:?}"),
        }
    }
    assert_eq!(quorate, Some(Quorate::No));
    ring.unwrap()
}

async fn votes(library: &mut Library, ring: RingId) {
    let old = RingId {
        seq: ring.seq - 1,
        ..ring
    };
    assert_eq!(
        library
            .cast(Poll {
                ring: old,
                vote: true
            })
            .await,
        Err(CsError::MESSAGE_ERROR)
    );
    assert_eq!(library.cast(Poll { ring, vote: false }).await, Ok(()));
    assert_eq!(library.cast(Poll { ring, vote: true }).await, Ok(()));
    loop {
        if let Event::Quorum {
            quorate: Quorate::Yes,
            ..
        } = library.next_event().await
        {
            break;
        }
    }
    let facts = library
        .vote_facts(vec![NodeId(1), NodeId(2), NodeId(77)])
        .await;
    let one_each = Ok(NodeVotes {
        node_votes: 1,
        qdevice_votes: 1,
    });
    assert_eq!(facts.of(NodeId(1)), Some(&one_each));
    assert_eq!(facts.of(NodeId(77)), None, "votequorum does not know it");
}

/// The numbers of corosync's own tool, which ends with 2 in a cluster that lacks nodes.
fn what_votequorum_says_is_what_quorumtool_shows() {
    let view = corosync_qdevice::quorum_view(Heading::of("qdevice-quorum", Moment(0))).unwrap();
    let output = Command::new("corosync-quorumtool")
        .arg("-s")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for (label, number) in [
        ("Expected votes:", view.expected_votes),
        ("Highest expected:", view.highest_expected),
        ("Total votes:", view.total_votes),
        ("Quorum:", view.quorum),
    ] {
        let line = text.lines().find(|line| line.starts_with(label)).unwrap();
        let shown = line[label.len()..].split_whitespace().next().unwrap();
        assert_eq!(shown, number.to_string(), "{text}");
    }
    assert!(
        view.quorate && text.contains("Quorate:          Yes"),
        "{text}"
    );
    assert_eq!(view.flags, ["quorate", "qdevice"], "{text}");
    let own = &view.nodes[0];
    assert_eq!((own.id, own.votes), (NodeId(1), 1));
    assert_eq!(own.device, ["registered", "alive", "cast-vote"], "{text}");
}

async fn follows_reloads(library: &mut Library) {
    library.follow_config().await.unwrap();
    write_configuration("second", "");
    assert!(reload());
    assert_eq!(
        next_config(library, "second")
            .await
            .u32("nodelist.node.1.nodeid"),
        Some(2)
    );

    write_configuration("broken", "totem {");
    assert!(!reload());
    let debug = ["-s", "logging.debug", "str", "on"];
    assert!(
        run("corosync-cmapctl", &debug),
        "a key is set although the last reload has failed"
    );
    while next_config(library, "second")
        .await
        .text("logging.debug")
        .as_deref()
        != Some("on")
    {}

    write_configuration("third", "");
    assert!(reload());
    next_config(library, "third").await;

    let timeout = ["-s", "quorum.device.timeout", "u32", "2000"];
    assert!(run("corosync-cmapctl", &timeout));
    while next_config(library, "third")
        .await
        .u32("quorum.device.timeout")
        != Some(2000)
    {}
}

/// The configuration as soon as the second node has this name.
async fn next_config(library: &mut Library, name: &str) -> CmapSnapshot {
    loop {
        if let Event::Config(snapshot) = library.next_event().await {
            if snapshot.text("nodelist.node.1.name").as_deref() == Some(name) {
                return snapshot;
            }
        }
    }
}

async fn loses_both_services(library: &mut Library) {
    let mut lost = Vec::new();
    while lost.len() < 2 {
        match library.next_event().await {
            Event::Lost(service) => lost.push(service),
            Event::Membership { .. }
            | Event::Quorum { .. }
            | Event::ExpectedVotes(_)
            | Event::Config(_) => {}
        }
    }
    assert!(lost.contains(&Service::Votequorum) && lost.contains(&Service::Cmap));
    let poll = Poll {
        ring: RingId::new(1, 1),
        vote: false,
    };
    assert_eq!(library.cast(poll).await, Err(CsError::LIBRARY));
    let refused = library.register("Qdevice").await;
    assert_eq!(refused, Err(RegisterFault::Refused(CsError::LIBRARY)));
}

fn write_configuration(second_node: &str, rest: &str) {
    fs::write(
        "/etc/corosync/corosync.conf",
        configuration(second_node, rest),
    )
    .unwrap();
}

fn configuration(second_node: &str, rest: &str) -> String {
    format!(
        "totem {{\n version: 2\n cluster_name: a name of more than sixteen bytes\n\
         \x20transport: udpu\n crypto_cipher: none\n crypto_hash: none\n}}\n\
         logging {{\n to_stderr: yes\n to_syslog: no\n debug: off\n}}\n\
         quorum {{\n provider: corosync_votequorum\n device {{\n  model: net\n  votes: 1\n\
         \x20 net {{\n   host: 127.0.0.1\n   algorithm: ffsplit\n   tls: off\n  }}\n }}\n}}\n\
         nodelist {{\n node {{\n  ring0_addr: 127.0.0.1\n  name: first\n  nodeid: 1\n }}\n\
         \x20node {{\n  ring0_addr: 127.0.0.2\n  name: {second_node}\n  nodeid: 2\n }}\n}}\n{rest}\n"
    )
}

fn reload() -> bool {
    run("corosync-cfgtool", &["-R"])
}
