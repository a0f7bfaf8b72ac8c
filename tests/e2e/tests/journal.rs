//! What both daemons write into the journal: a socket of the test is journald's, in a mount namespace.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::stage::{Programs, Signal, Stage, TOGETHER};
use libqdevice::base::NodeId;
use libqdevice::wire::{Deframer, Init, Message, PreInit};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

#[test]
fn the_journal_has_what_a_line_is_about_in_fields() {
    let Some(journal) = Journal::new() else {
        return;
    };
    let lines = journal.read();
    let mut stage = stage(&journal);
    stage.start_arbiter().unwrap();
    boot(&mut stage);
    refused(&stage);
    stage.split_two().unwrap();
    stage.signal(2, Signal::TERM).unwrap();
    stage.end_of(2).unwrap();
    let entries = until(&lines, |entry| {
        entry.field("MESSAGE").ends_with("disconnect") && entry.is(("COROSYNC_NODE_ID", "2"))
    });
    let logs = stage.logs();
    stage.kill_arbiter().unwrap();
    let later = until(&lines, |entry| entry.is(("COROSYNC_REASON", "unreachable")));
    let logs = logs + &stage.logs();
    let entries: Vec<Entry> = entries.into_iter().chain(later).collect();
    let finds = |ident: &str, text: &str, fields: &[(&str, &str)]| {
        let is_it = |entry: &&Entry| {
            entry.is(("SYSLOG_IDENTIFIER", ident)) && entry.field("MESSAGE").contains(text)
        };
        let found = entries
            .iter()
            .find(|entry| is_it(entry) && fields.iter().all(|field| entry.is(*field)));
        let Some(found) = found else {
            let like: Vec<&Entry> = entries.iter().filter(is_it).collect();
            panic!("no {text:?} with {fields:?} but {like:#?}\n{logs}");
        };
        let priority = [
            "", "", "crit", "error", "warning", "notice", "info", "debug",
        ];
        let priority = priority[found.field("PRIORITY").parse::<usize>().unwrap()];
        let line = format!("{priority:<7} {}\n", found.field("MESSAGE"));
        assert!(logs.contains(&line), "{line} is not on stderr\n{logs}");
        assert!(found.is(("SYSLOG_FACILITY", "3")));
        found
    };

    let cluster = ("COROSYNC_CLUSTER", CLUSTER);
    let client = [cluster, ("COROSYNC_NODE_ID", "2")];
    let admitted = [&client[..], &[("PRIORITY", "7")]].concat();
    let admitted = finds("corosync-qnetd", "is admitted to its cluster", &admitted);
    let address = admitted.field("COROSYNC_PEER");
    assert!(admitted.field("MESSAGE").contains(address) && address.starts_with("127."));
    let client = [&client[..], &[("COROSYNC_PEER", address)]].concat();
    let nack = [
        ("PRIORITY", "6"),
        ("COROSYNC_VOTE", "nack"),
        ("COROSYNC_RING_ID", "2.8"),
        ("COROSYNC_REASON", "score"),
    ];
    let nack = [&client[..], &nack].concat();
    let lost = finds("corosync-qnetd", "does not have the vote", &nack);
    assert!(lost.field("MESSAGE").contains(address));
    let left = [&client[..], &[("PRIORITY", "7")]].concat();
    finds("corosync-qnetd", "disconnect", &left);
    let refusal = [
        ("PRIORITY", "3"),
        cluster,
        ("COROSYNC_REASON", "duplicate-node-id"),
    ];
    let refused = finds("corosync-qnetd", "duplicate of other node", &refusal);
    let peer = refused.field("COROSYNC_PEER");
    assert!(refused.field("MESSAGE").contains(peer) && !peer.is_empty());
    let chosen = [("PRIORITY", "6"), cluster, ("COROSYNC_REASON", "score")];
    finds("corosync-qnetd", "gets the vote", &chosen);

    let arbiter = stage.address().to_string();
    let server = [cluster, ("COROSYNC_PEER", arbiter.as_str())];
    let vote = [
        ("PRIORITY", "6"),
        ("COROSYNC_NODE_ID", "2"),
        ("COROSYNC_VOTE", "nack"),
        ("COROSYNC_RING_ID", "2.8"),
    ];
    let text = "to NACK (ring 2.8) (cluster loopback, node_id 2, server 127.";
    finds("corosync-qdevice", text, &[&server[..], &vote].concat());
    let bad = [
        ("PRIORITY", "4"),
        ("COROSYNC_NODE_ID", "2"),
        ("COROSYNC_HEURISTICS", "fail"),
        ("COROSYNC_PROGRAM", "bad"),
        ("COROSYNC_REASON", "failed"),
    ];
    finds(
        "corosync-qdevice",
        "(exec_bad)",
        &[&server[..], &bad].concat(),
    );
    let failed = [
        ("PRIORITY", "3"),
        ("COROSYNC_NODE_ID", "1"),
        ("COROSYNC_REASON", "unreachable"),
    ];
    let text = "Can't connect to qnetd host";
    finds("corosync-qdevice", text, &[&server[..], &failed].concat());
}

#[test]
fn a_journal_that_nobody_reads_holds_up_no_vote() {
    let Some(journal) = Journal::new() else {
        return;
    };
    let mut stage = stage(&journal);
    stage.start_arbiter().unwrap();
    boot(&mut stage);
    stage.split_two().unwrap();
    // The socket takes a few lines, and whoever writes more of them waits: not even stderr has the end.
    assert!(!stage.logs().contains("to NACK (ring 2.8)"));
}

/// Two nodes that are together and have the vote; the heuristics of the second one fail.
fn boot(stage: &mut Stage) {
    let failing = [
        "--set",
        "quorum.device.heuristics.mode=on",
        "--set",
        "quorum.device.heuristics.exec_bad=/bin/false",
    ];
    for (node, extra) in [(1, &[][..]), (2, &failing)] {
        stage.start_node(node, &[1, 2], extra).unwrap();
        stage.order(node, "ring 1/4 sees 1 2").unwrap();
        stage.until_cast(&[node], TOGETHER, true).unwrap();
    }
}

/// Somebody else comes as node 1 and is refused.
fn refused(stage: &Stage) {
    let mut stream = TcpStream::connect(stage.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let preinit = PreInit::new(1, CLUSTER);
    let init = Init::ffsplit(2, NodeId(1), TOGETHER);
    for message in [Message::PreInit(preinit), Message::Init(init)] {
        stream.write_all(&message.encode(4096).unwrap()).unwrap();
    }
    let mut deframer = Deframer::new(4096);
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).unwrap();
        let mut unread = &chunk[..length];
        while let Some(frame) = deframer.next_frame(&mut unread) {
            if let Message::InitReply(reply) = frame.unwrap() {
                assert_eq!(reply.error, Some(17));
                return;
            }
        }
    }
}

/// Both daemons write to this journal.
fn stage(journal: &Journal) -> Stage {
    let inside = |words: &[&str]| {
        let wrapped = ["unshare", "--mount", "sh", "-c", INSIDE];
        let wrapped = wrapped.into_iter().map(PathBuf::from);
        let words = words.iter().map(PathBuf::from);
        wrapped.chain([journal.dir.clone()]).chain(words).collect()
    };
    Stage::new(Programs {
        arbiter: inside(&[env!("CARGO_BIN_EXE_loopback-demo"), "qnetd"]),
        node: inside(&[env!("CARGO_BIN_EXE_fake-node")]),
        timeout: Some(4_000),
    })
    .unwrap()
}

/// A socket that is journald's for those inside.
struct Journal {
    dir: PathBuf,
    socket: UnixDatagram,
}

impl Journal {
    /// None, with a message, where no namespace can be made.
    fn new() -> Option<Self> {
        let may = rustix::process::geteuid().is_root() && Path::new("/usr/bin/unshare").exists();
        if !may {
            eprintln!("skipped: only root may make namespaces, with unshare");
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("journal-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).unwrap();
        let socket = UnixDatagram::bind(dir.join("socket")).unwrap();
        Some(Self { dir, socket })
    }

    /// Reads from now on.
    fn read(&self) -> Receiver<Entry> {
        let socket = self.socket.try_clone().unwrap();
        let (sender, entries) = channel();
        thread::spawn(move || {
            let mut datagram = vec![0; 1 << 16];
            // Until nobody wants them any more.
            while let Ok(length) = socket.recv(&mut datagram)
                && sender.send(Entry::read(&datagram[..length])).is_ok()
            {}
        });
        entries
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// All lines up to this one.
fn until(lines: &Receiver<Entry>, is_last: impl Fn(&Entry) -> bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        entries.push(lines.recv_timeout(PATIENCE).unwrap());
        if entries.last().is_some_and(&is_last) {
            return entries;
        }
    }
}

/// What stands in the journal for one line.
#[derive(Debug)]
struct Entry(BTreeMap<String, String>);

impl Entry {
    /// Reads a datagram. [<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>]
    fn read(mut datagram: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        while !datagram.is_empty() {
            let end = datagram.iter().position(|byte| *byte == b'\n').unwrap();
            let (line, rest) = (&datagram[..end], &datagram[end + 1..]);
            let (name, value) = if let Some(at) = line.iter().position(|byte| *byte == b'=') {
                datagram = rest;
                (&line[..at], &line[at + 1..])
            } else {
                let length = u64::from_le_bytes(rest[..8].try_into().unwrap());
                let (value, rest) = rest[8..].split_at(usize::try_from(length).unwrap());
                datagram = &rest[1..];
                (line, value)
            };
            fields.insert(text(name), text(value));
        }
        Self(fields)
    }

    fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn is(&self, (name, value): (&str, &str)) -> bool {
        self.field(name) == value
    }
}

/// The number of the next folder.
static NEXT: AtomicU8 = AtomicU8::new(1);

/// The name of the cluster in the fake corosync.
const CLUSTER: &str = "loopback";

/// No single step takes longer, unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the folder `$0` that of journald's socket, and goes on as the program of the arguments.
const INSIDE: &str = "mount -t tmpfs tmpfs /run && mkdir /run/systemd && \
                      ln -s \"$0\" /run/systemd/journal && exec \"$@\"";
