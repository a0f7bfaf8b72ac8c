//! Real programs in a directory of their own.

use super::*;
use crate::base::{Millis, NodeId, RingId};
use crate::events::{Event, Source, VoteReason, VoteWord};
use crate::io::clock;
use crate::outlets::Feed;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A directory that goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hooks.{}.{name}", std::process::id()));
        fs::create_dir_all(path.join("hooks.d")).unwrap();
        fs::set_permissions(path.join("hooks.d"), Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    fn hooks(&self) -> PathBuf {
        self.0.join("hooks.d")
    }

    /// Adds a shell script; `$OUT` in it is a file of this folder.
    fn add(&self, name: &str, mode: u32, script: &str) -> PathBuf {
        let path = self.hooks().join(name);
        let out = self.0.join("out").display().to_string();
        let script = script.replace("$OUT", &out);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn out(&self) -> String {
        fs::read_to_string(self.0.join("out")).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn own() -> u32 {
    geteuid().as_raw()
}

/// Runs the hooks of `path` for these events, to the end.
fn serve(path: &Path, patience: Duration, events: impl IntoIterator<Item = Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut feed = Feed::new(Source::Qnetd);
    let records = feed.subscribe();
    events.into_iter().for_each(|event| feed.publish(event));
    drop(feed);
    let hooks = Hooks {
        path: path.to_owned(),
        owner: own(),
        runner: Runner::new(None, patience),
        told: BTreeSet::new(),
    };
    runtime.block_on(hooks.serve(records));
}

fn vote(node: u32) -> Event {
    Event::VoteChanged {
        cluster: "prod".into(),
        node: NodeId(node),
        old: VoteWord::Ack,
        new: VoteWord::Nack,
        ring: RingId::new(1, 8),
        reason: VoteReason::TieBreaker,
        winners: vec![NodeId(1)],
    }
}

/// Whether a process that was killed is gone, or only its remains are left, before long.
fn ends(id: &str) -> bool {
    let is_alive = || {
        let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    };
    let patience = clock::now().after(Millis(20_000));
    while is_alive() && clock::now() < patience {
        thread::yield_now();
    }
    !id.is_empty() && !is_alive()
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_hook_gets_the_event_as_arguments_and_environment_and_nothing_else() {
    let folder = Folder::new("environment");
    folder.add(
        "tell",
        0o755,
        "{ echo \"$@\"; env | grep -v ^PWD | sort; } > $OUT",
    );
    serve(&folder.hooks(), LONG, [vote(2)]);
    let out = folder.out();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "vote-changed qnetd");
    for line in [
        "COROSYNC_EVENT=vote-changed",
        "COROSYNC_EVENT_SCHEMA=1",
        "COROSYNC_EVENT_SEQUENCE=1",
        "COROSYNC_EVENT_SOURCE=qnetd",
        "COROSYNC_EVENT_CLUSTER=prod",
        "COROSYNC_EVENT_NODE=2",
        "COROSYNC_EVENT_OLD=ack",
        "COROSYNC_EVENT_NEW=nack",
        "COROSYNC_EVENT_REASON=tie-breaker",
        "COROSYNC_EVENT_TEXT=Node 2 of cluster prod does not have the vote (vote nack instead of \
         ack, ring 1.8, tie-breaker)",
    ] {
        assert!(lines.contains(&line), "{line} in {out}");
    }
    let ours = |line: &&&str| {
        ["COROSYNC_EVENT", "LANG=", "PATH=", "_=", "SHLVL="]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let others: Vec<_> = lines[1..].iter().filter(|line| !ours(line)).collect();
    assert_eq!(others, [""; 0].iter().collect::<Vec<_>>());
}

#[test]
fn hooks_are_told_all_events_in_order_but_not_those_that_are_no_news() {
    let folder = Folder::new("order");
    folder.add("tell", 0o755, "echo $COROSYNC_EVENT_NODE >> $OUT");
    let silent = Event::MembershipReported {
        cluster: "prod".into(),
        node: NodeId(9),
        ring: RingId::new(1, 8),
        membership: Vec::new(),
    };
    serve(&folder.hooks(), LONG, [vote(1), silent, vote(2), vote(3)]);
    assert_eq!(folder.out(), "1\n2\n3\n");
}

#[test]
fn a_hook_that_is_late_is_ended_with_all_it_has_started_and_the_next_event_is_told() {
    let folder = Folder::new("late");
    folder.add(
        "hang",
        0o755,
        "echo $COROSYNC_EVENT_NODE >> $OUT\ntrap '' TERM\nsleep 1000 & echo $! >> $OUT\nwait; wait",
    );
    serve(
        &folder.hooks(),
        Duration::from_millis(200),
        [vote(1), vote(2)],
    );
    let out = folder.out();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((lines[0], lines[2]), ("1", "2"), "{out}");
    assert!(ends(lines[1]) && ends(lines[3]), "{out}");
}

#[test]
fn what_a_hook_leaves_behind_ends_with_it() {
    let folder = Folder::new("left");
    folder.add("leave", 0o755, "sleep 1000 & echo $! > $OUT");
    serve(&folder.hooks(), LONG, [vote(1)]);
    assert!(ends(folder.out().trim()));
}

#[test]
fn what_others_could_have_written_is_refused_with_the_remedy() {
    let folder = Folder::new("trust");
    let good = folder.add("20-good", 0o755, "true");
    let bad = folder.add("10-bad", 0o775, "true");
    folder.add("note", 0o644, "no program");
    folder.add("editor~", 0o755, "true");
    folder.add(".hidden", 0o755, "true");
    let Found { hooks, refused } = find::hooks(&folder.hooks(), own());
    assert_eq!(hooks, std::slice::from_ref(&good));
    assert_eq!(
        refused,
        [format!(
            "Hooks of {0} are not run: it must be owned by root, and nobody else may write it. \
             chown root:root {0}; chmod go-w {0}",
            bad.display()
        )]
    );
    let strange = find::hooks(&good, own() + 1);
    assert!(strange.hooks.is_empty() && strange.refused.len() == 1);
    fs::set_permissions(folder.hooks(), Permissions::from_mode(0o777)).unwrap();
    let open = find::hooks(&folder.hooks(), own());
    assert!(open.hooks.is_empty() && open.refused.len() == 1, "{open:?}");
    assert!(
        find::hooks(Path::new("/no/such/hooks.d"), 0)
            .refused
            .is_empty()
    );
}

#[test]
fn there_are_never_more_than_sixteen_hooks() {
    let folder = Folder::new("many");
    for number in 10..40 {
        folder.add(&number.to_string(), 0o755, "true");
    }
    let Found { hooks, refused } = find::hooks(&folder.hooks(), own());
    assert_eq!((hooks.len(), refused.len()), (16, 1));
}
