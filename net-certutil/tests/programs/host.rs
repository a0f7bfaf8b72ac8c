//! Hosts for the two programs, ours and the scripts: each has an `/etc/corosync` of its own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ours.
pub(crate) const OURS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_corosync-qnetd-certutil"),
    node: env!("CARGO_BIN_EXE_corosync-qdevice-net-certutil"),
};

/// The scripts of the C packages.
pub(crate) const SCRIPTS: Programs = Programs {
    server: "/usr/bin/corosync-qnetd-certutil",
    node: "/usr/sbin/corosync-qdevice-net-certutil",
};

/// The two programs of one make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Programs {
    pub(crate) server: &'static str,
    pub(crate) node: &'static str,
}

/// A machine, as far as the programs see one.
pub(crate) struct Host(Scratch);

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) exit: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Host {
    /// A host with the directories that the packages bring; none where the test cannot run, and why.
    pub(crate) fn new() -> Option<Self> {
        let namespaces = Command::new("unshare")
            .args(["-m", "sh", "-c", "mount --bind /tmp /etc/corosync"])
            .output();
        if !namespaces.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: needs root, mount namespaces and a directory /etc/corosync");
            return None;
        }
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.join("qnetd")).unwrap();
        fs::create_dir_all(scratch.join("qdevice/net")).unwrap();
        Some(Self(scratch))
    }

    /// As [`Host::new`], where the scripts are installed.
    pub(crate) fn with_scripts() -> Option<Self> {
        for script in [SCRIPTS.server, SCRIPTS.node] {
            if !fs::read(script).is_ok_and(|text| text.starts_with(b"#!")) {
                eprintln!("skipped: {script} of the C packages is not installed");
                return None;
            }
        }
        Self::new()
    }

    /// Another host in the same state.
    pub(crate) fn twin(&self) -> Self {
        let scratch = Scratch::new();
        let all = self.path(".");
        let copied = Command::new("cp").arg("-a").arg(all).arg(&scratch).status();
        assert!(copied.unwrap().success());
        Self(scratch)
    }

    /// Where its `/etc/corosync` is.
    pub(crate) fn etc(&self) -> &Path {
        &self.0
    }

    /// A path below its `/etc/corosync`.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    /// A command that will run on this host.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["-m", "sh", "-c", INSIDE])
            .arg(self.etc())
            .arg(program)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a program on this host.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Answer {
        Answer::of(self.command(program, args).output().unwrap(), program)
    }

    /// Runs a program that must succeed; returns what it said.
    pub(crate) fn done(&self, program: &str, args: &[&str]) -> String {
        let answer = self.run(program, args);
        assert_eq!(answer.exit, Some(0), "{program} {args:?}: {answer:?}");
        answer.out
    }

    /// Enrols a cluster, all on this host.
    pub(crate) fn enrol(&self, server: Programs, node: Programs, name: &str) {
        self.done(server.server, &["-i"]);
        self.done(node.node, &["-i", "-c", AUTHORITY]);
        self.done(node.node, &["-r", "-n", name]);
        self.done(server.server, &["-s", "-c", REQUEST, "-n", name]);
        self.done(node.node, &["-M", "-c", &signed(name)]);
    }

    /// Asks NSS itself about the certificates of both sides.
    pub(crate) fn must_be_valid(&self) {
        let verify = |usage, nickname, dir| {
            self.done("certutil", &["-V", "-u", usage, "-n", nickname, "-d", dir])
        };
        let valid = "PROGRAM: certificate is valid\n";
        assert_eq!(verify("C", NICKNAME, NODE_DB), valid);
        assert_eq!(verify("V", "QNetd Cert", SERVER_DB), valid);
    }

    /// Every file and directory below a path: mode, owner, and whether anything is in it.
    pub(crate) fn files(&self, below: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let entries = fs::read_dir(self.path(below)).into_iter().flatten();
        for entry in entries.map(Result::unwrap) {
            let seen = entry.metadata().unwrap();
            let fill = if seen.len() == 0 { "empty" } else { "filled" };
            let (mode, user, group) = (seen.mode() & 0o7777, seen.uid(), seen.gid());
            let name = entry.file_name().into_string().unwrap();
            found.insert(name, format!("{mode:o} {user}:{group} {fill}"));
        }
        found
    }
}

/// Where a situation begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Nothing,
    /// The server is initialized.
    Server,
    /// The node, too.
    Node,
    /// There is a request.
    Requested,
    /// It is signed.
    Signed,
    /// The certificate is imported and exported.
    Enrolled,
}

/// A host in each state, made by the programs themselves.
pub(crate) struct Stages(Vec<(Start, Host)>);

impl Stages {
    pub(crate) fn new(programs: Programs) -> Option<Self> {
        let host = if programs == OURS {
            Host::new()?
        } else {
            Host::with_scripts()?
        };
        fs::write(host.path("garbage"), "this is nothing\n").unwrap();
        let signed = signed("c");
        let steps: [(Start, &str, &[&str]); 5] = [
            (Start::Server, programs.server, &["-i"]),
            (Start::Node, programs.node, &["-i", "-c", AUTHORITY]),
            (Start::Requested, programs.node, &["-r", "-n", "c"]),
            (
                Start::Signed,
                programs.server,
                &["-s", "-c", REQUEST, "-n", "c"],
            ),
            (Start::Enrolled, programs.node, &["-M", "-c", &signed]),
        ];
        let mut stages = vec![(Start::Nothing, host)];
        for (reached, program, args) in steps {
            let next = stages[stages.len() - 1].1.twin();
            next.done(program, args);
            stages.push((reached, next));
        }
        Some(Self(stages))
    }

    pub(crate) fn host(&self, start: Start) -> Host {
        let stage = self.0.iter().find(|(reached, _)| *reached == start);
        stage.unwrap().1.twin()
    }
}

/// An enrolled host of ours, where NSS's tools are installed.
pub(crate) fn enrolled() -> Option<Host> {
    let tools = Command::new("certutil").arg("-H").output();
    if tools.is_err() {
        eprintln!("skipped: certutil of NSS is not installed");
        return None;
    }
    let host = Host::new()?;
    host.enrol(OURS, OURS, "c");
    Some(host)
}

impl Answer {
    fn of(output: Output, program: &str) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(program, "PROGRAM");
        Self {
            exit: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// What NSS's tools say on their own account, on the scripts' output: no caller looks at it.
pub(crate) fn is_own_line(line: &str) -> bool {
    line.is_empty()
        || line.contains("[y/N]?")
        || line.starts_with("password file contains no data")
        || line.starts_with("Generating key.")
        || line.starts_with("Notice: Trust flag u")
}

/// What tells whether a process can go on inside: it becomes the program.
const INSIDE: &str = "mount --bind \"$0\" /etc/corosync && exec \"$@\"";

/// Files of the usual enrolment.
pub(crate) const AUTHORITY: &str = "/etc/corosync/qnetd/nssdb/qnetd-cacert.crt";
pub(crate) const REQUEST: &str = "/etc/corosync/qdevice/net/nssdb/qdevice-net-node.crq";
pub(crate) const BUNDLE: &str = "/etc/corosync/qdevice/net/nssdb/qdevice-net-node.p12";
pub(crate) const SERVER_DB: &str = "/etc/corosync/qnetd/nssdb";
pub(crate) const NODE_DB: &str = "/etc/corosync/qdevice/net/nssdb";

/// Nickname of the cluster's certificate.
pub(crate) const NICKNAME: &str = "Cluster Cert";

/// A file that is nothing.
pub(crate) const GARBAGE: &str = "/etc/corosync/garbage";

pub(crate) fn signed(name: &str) -> String {
    format!("{SERVER_DB}/cluster-{name}.crt")
}

/// An empty directory that goes away with the test, however that ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("certutil-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<OsStr> for Scratch {
    fn as_ref(&self) -> &OsStr {
        self.0.as_os_str()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
