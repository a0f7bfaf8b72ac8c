//! SIGKILL at any moment of any operation: what was there is still whole, and the next run does the work.
//!
//! `CERTUTIL_KILLS=50 cargo test -p corosync-net-certutil killed` kills each operation 50 times.

use crate::host::{AUTHORITY, BUNDLE, Host, OURS, REQUEST, Stages, Start, signed};
use libqdevice::certs::{
    AUTHORITY_NICKNAME, Access, AnchorsBy, CLUSTER_NICKNAME, Database, Identity, SERVER_NICKNAME,
    Side, Staging, random, read_deny_list,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// An operation and where it begins.
struct Operation {
    start: Start,
    side: Side,
    program: &'static str,
    args: Vec<String>,
    /// Files that appear on the way; a run is killed at a moment after one of them, or after its start.
    marks: [&'static str; 2],
}

impl Operation {
    fn new(start: Start, side: Side, args: &[&str], first: &'static str) -> Self {
        Self {
            start,
            side,
            program: match side {
                Side::Server => OURS.server,
                Side::Node => OURS.node,
            },
            args: args.iter().map(ToString::to_string).collect(),
            marks: [Staging::NAME, first],
        }
    }

    fn dir(&self, host: &Host) -> PathBuf {
        host.path(match self.side {
            Side::Server => "qnetd/nssdb",
            Side::Node => "qdevice/net/nssdb",
        })
    }

    fn args(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }
}

fn kills() -> usize {
    let wanted = std::env::var("CERTUTIL_KILLS").ok();
    wanted.and_then(|wanted| wanted.parse().ok()).unwrap_or(3)
}

/// Up to this long, any length being as likely as any other.
fn up_to(longest: Duration) -> Duration {
    let part = u32::from_ne_bytes(random().unwrap());
    longest.mul_f64(f64::from(part) / f64::from(u32::MAX))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the moment of death is measured, not awaited"
)]
fn now() -> Instant {
    Instant::now()
}

/// A run of the operation, watched for its marks.
struct Run<'a> {
    child: Child,
    operation: &'a Operation,
    dir: PathBuf,
    before: [Option<SystemTime>; 2],
}

impl<'a> Run<'a> {
    fn start(operation: &'a Operation, host: &Host) -> Self {
        let dir = operation.dir(host);
        let before = operation.marks.map(|mark| changed(&dir.join(mark)));
        let mut command = host.command(operation.program, &operation.args());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self {
            child: command.spawn().unwrap(),
            operation,
            dir,
            before,
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until a mark shows or the run ends. Mark 0 is the start itself.
    fn reach(&mut self, mark: usize) {
        let Some(mark) = mark.checked_sub(1) else {
            return;
        };
        let file = self.dir.join(self.operation.marks[mark]);
        let has_come = || changed(&file).is_some_and(|at| Some(at) != self.before[mark]);
        while !has_come() && self.child.try_wait().unwrap().is_none() {}
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(file).ok()?.modified().ok()
}

/// How long an undisturbed run takes from its start and from each mark to its end.
fn spans(operation: &Operation, host: &Host) -> [Duration; MARKS] {
    let mut run = Run::start(operation, host);
    let moments = [0, 1, 2].map(|mark| {
        run.reach(mark);
        now()
    });
    assert!(run.child.wait().unwrap().success());
    let end = now();
    moments.map(|moment| end - moment)
}

/// The start, the staging directory, the first file in its place.
const MARKS: usize = 3;

/// Starts the operation and kills it some time after one of the marks; tells whether it was still running.
fn killed(operation: &Operation, host: &Host, mark: usize, longest: Duration) -> bool {
    let mut run = Run::start(operation, host);
    run.reach(mark);
    let moment = now() + up_to(longest);
    while now() < moment {
        if run.has_ended() {
            return false;
        }
    }
    run.child.kill().unwrap();
    let status = run.child.wait().unwrap();
    status.code().is_none()
}

/// Whoever opens the database finds it whole: as it was, or as it was to be.
fn must_be_whole(operation: &Operation, host: &Host) {
    let dir = operation.dir(host);
    if !dir.join("cert9.db").exists() {
        let initializes = operation.args[0] == "-i";
        assert!(initializes, "the database is gone");
        return;
    }
    let identity = identity(&dir, operation.side);
    assert_eq!(identity.anchors_by, AnchorsBy::Trust);
    assert_eq!(identity.anchors.len(), 1);
    if operation.side == Side::Server {
        // A list of which only half could be read would let nobody in, or everybody.
        read_deny_list(&dir).unwrap();
        assert!(identity.own.is_ok(), "{:?}", identity.own);
        let database = Database::open(&dir, Access::Read).unwrap();
        let [authority] = &database.named(AUTHORITY_NICKNAME).unwrap()[..] else {
            panic!("there must be one authority");
        };
        assert!(database.private_key_of(authority).unwrap().is_some());
    }
}

fn identity(dir: &Path, side: Side) -> Identity {
    let nickname = match side {
        Side::Server => SERVER_NICKNAME,
        Side::Node => CLUSTER_NICKNAME,
    };
    Identity::load(dir, nickname, side, chrono::Utc::now()).unwrap()
}

/// The same call again does the work, or says that it was done.
fn must_go_on(operation: &Operation, host: &Host) {
    let is_there = operation.args[0] == "-i" && operation.dir(host).join("cert9.db").exists();
    let answer = host.run(operation.program, &operation.args());
    if is_there {
        assert!(answer.err.contains("already exists"), "{answer:?}");
        // Such a run has nothing to clear away; the next change has.
        return;
    }
    assert_eq!(answer.exit, Some(0), "{answer:?}");
    if answer.out.contains("Already revoked") {
        // The dead run had put its file in place; nor has this one anything to clear away.
        return must_be_whole(operation, host);
    }
    let left = operation.dir(host).join(Staging::NAME);
    assert!(!left.exists(), "something was left behind: {answer:?}");
    must_be_whole(operation, host);
}

#[test]
fn a_killed_run_leaves_all_whole_and_the_next_one_does_the_work() {
    let Some(stages) = Stages::new(OURS) else {
        return;
    };
    let signed = signed("c");
    let operations = [
        Operation::new(Start::Nothing, Side::Server, &["-i"], "pwdfile.txt"),
        Operation::new(
            Start::Server,
            Side::Node,
            &["-i", "-c", AUTHORITY],
            "pwdfile.txt",
        ),
        Operation::new(Start::Node, Side::Node, &["-r", "-n", "c"], "key4.db"),
        Operation::new(
            Start::Requested,
            Side::Server,
            &["-s", "-c", REQUEST, "-n", "c"],
            "cluster-c.crt",
        ),
        Operation::new(Start::Signed, Side::Node, &["-M", "-c", &signed], "key4.db"),
        Operation::new(
            Start::Enrolled,
            Side::Node,
            &["-m", "-c", BUNDLE],
            "key4.db",
        ),
        Operation::new(
            Start::Enrolled,
            Side::Server,
            &["--renew", "-n", "c"],
            "cluster-c.crt",
        ),
        Operation::new(Start::Enrolled, Side::Server, &["--renew"], "key4.db"),
        Operation::new(Start::Enrolled, Side::Node, &["--renew"], "key4.db"),
        Operation::new(
            Start::Enrolled,
            Side::Server,
            &["--revoke", "-n", "c"],
            "revoked.txt",
        ),
    ];
    for operation in &operations {
        let spans = spans(operation, &stages.host(operation.start));
        for round in 0..kills() {
            let mark = round % MARKS;
            // Now and then a run is faster than its death. On a busy machine a late mark may be seen too late every
            // time; then any moment will do.
            let host = (0..100).find_map(|attempt| {
                let host = stages.host(operation.start);
                let mark = if attempt < 50 { mark } else { 0 };
                killed(operation, &host, mark, spans[mark]).then_some(host)
            });
            let host = host.expect("one run of a hundred is slow enough to be killed");
            must_be_whole(operation, &host);
            must_go_on(operation, &host);
        }
    }
}
