//! `-Q` on hosts that `ssh` and `scp` reach by stepping into their directory.

use crate::host::{Host, OURS, Programs, SCRIPTS, Scratch};
use libqdevice::certs::{Access, Database};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A server and nodes, and the commands that reach them.
struct Fleet {
    root: Scratch,
}

const SSH: &str = "#!/bin/sh
dir=$(dirname \"$0\")
host=${1#root@}
echo \"$host: $2\" >> \"$dir/log\"
[ -d \"$dir/hosts/$host\" ] || exit 255
exec unshare -m sh -c 'mount --bind \"$0\" /etc/corosync && exec sh -c \"$1\"' \"$dir/hosts/$host\" \"$2\"
";

const SCP: &str = "#!/bin/sh
dir=$(dirname \"$0\")
[ -e \"$dir/no-copies\" ] && exit 1
real() {
    case $1 in
    *:/etc/corosync/*) host=${1%%:*}; echo \"$dir/hosts/${host#root@}/${1#*:/etc/corosync/}\" ;;
    *:/tmp/*) host=${1%%:*}; echo \"/tmp/${1#*:/tmp/}\" ;;
    *) echo \"$1\" ;;
    esac
}
exec cp \"$(real \"$1\")\" \"$(real \"$2\")\"
";

impl Fleet {
    /// `server` is the make of the program on the server.
    fn new(server: Programs) -> Option<Self> {
        if server == SCRIPTS {
            Host::with_scripts()?;
        }
        Host::new()?;
        let fleet = Self {
            root: Scratch::new(),
        };
        for host in ["server", "n1", "n2", "n3"] {
            fs::create_dir_all(fleet.path(host).join("qnetd")).unwrap();
        }
        for (name, text) in [("ssh", SSH), ("scp", SCP)] {
            let file = fleet.root.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(server.server, fleet.root.join("corosync-qnetd-certutil")).unwrap();
        Some(fleet)
    }

    fn path(&self, host: &str) -> PathBuf {
        self.root.join("hosts").join(host)
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        Command::new(program)
            .args(args)
            .env("PATH", format!("{}:{path}", self.root.display()))
            .output()
            .unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }

    fn names(&self, host: &str, below: &str) -> Vec<String> {
        let dir = self.path(host).join(below);
        let entries = fs::read_dir(dir).into_iter().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The cluster's certificate and key are in the node's database.
fn enrolled(node: &Path) -> bool {
    let database = Database::open(&node.join("qdevice/net/nssdb"), Access::Read).unwrap();
    let [certificate] = &database.named("Cluster Cert").unwrap()[..] else {
        return false;
    };
    database.private_key_of(certificate).unwrap().is_some()
}

#[test]
fn a_quick_start_enrols_every_node_whatever_the_cluster_is_called() {
    for name in ["hacluster", "it's $(touch x) \"c\" ü"] {
        let Some(fleet) = Fleet::new(OURS) else {
            return;
        };
        let (ssh, scp) = (fleet.root.join("ssh"), fleet.root.join("scp"));
        let (ssh, scp) = (ssh.to_str().unwrap(), scp.to_str().unwrap());
        let args = [
            "-Q", "-S", ssh, "-C", scp, "-n", name, "server", "n1", "n2", "n3",
        ];
        let output = fleet.run(OURS.node, &args);
        assert!(output.status.success(), "{output:?}\n{}", fleet.log());
        for node in ["n1", "n2", "n3"] {
            assert!(enrolled(&fleet.path(node)), "{node}");
            // Nothing that was on its way is left.
            assert_eq!(fleet.names(node, "qdevice/net"), ["nssdb"]);
        }
        let signed = format!("cluster-{name}.crt");
        assert!(
            fleet
                .path("n1")
                .join("qdevice/net/nssdb")
                .join(&signed)
                .is_file()
        );
        let expected = [
            "cert9.db",
            &signed,
            "key4.db",
            "noise.txt",
            "pkcs11.txt",
            "pwdfile.txt",
            "qnetd-cacert.crt",
            "serial.txt",
        ];
        assert_eq!(fleet.names("server", "qnetd/nssdb"), expected);
    }
}

#[test]
fn a_quick_start_leaves_what_the_script_s_leaves() {
    for server in [OURS, SCRIPTS] {
        let (Some(theirs), Some(ours)) = (Fleet::new(SCRIPTS), Fleet::new(server)) else {
            return;
        };
        let args = ["-Q", "-n", "c", "server", "n1", "n2"];
        assert!(theirs.run(SCRIPTS.node, &args).status.success());
        let output = ours.run(OURS.node, &args);
        assert!(output.status.success(), "{output:?}\n{}", ours.log());
        let _ = fs::remove_file("/tmp/qdevice-net-node.crq");
        for (host, dir) in [
            ("server", "qnetd/nssdb"),
            ("n1", "qdevice/net/nssdb"),
            ("n2", "qdevice/net/nssdb"),
        ] {
            assert_eq!(ours.names(host, dir), theirs.names(host, dir), "{host}");
        }
        assert!(enrolled(&ours.path("n2")));
    }
}

#[test]
fn a_quick_start_stops_where_something_is_wrong() {
    let Some(fleet) = Fleet::new(OURS) else {
        return;
    };
    let start = |hosts: &[&str]| {
        let args: Vec<&str> = ["-Q", "-n", "c"].iter().chain(hosts).copied().collect();
        fleet.run(OURS.node, &args)
    };
    let unreachable = start(&["server", "n1", "elsewhere"]);
    assert_eq!(unreachable.status.code(), Some(1));
    let expected = format!("Node elsewhere doesn't have {} installed\n", OURS.node);
    assert_eq!(text(&unreachable), expected);
    assert!(
        !fleet.path("server").join("qnetd/nssdb").exists(),
        "it began too early"
    );

    fs::write(fleet.root.join("no-copies"), "").unwrap();
    let stopped = start(&["server", "n1"]);
    assert_eq!(stopped.status.code(), Some(1));
    assert!(
        text(&stopped)
            .starts_with("Copying /etc/corosync/qnetd/nssdb/qnetd-cacert.crt from server failed")
    );
    assert!(!fleet.path("n1").join("qdevice/net/nssdb").exists());
    fs::remove_file(fleet.root.join("no-copies")).unwrap();

    // The server is initialized by now, which is no reason to stop.
    assert!(start(&["server", "n1"]).status.success());
    let again = start(&["server", "n2", "n1"]);
    assert_eq!(again.status.code(), Some(1));
    let dir = "/etc/corosync/qdevice/net/nssdb";
    let expected = format!("Node n1 seems to be already initialized. Please delete {dir}\n");
    assert_eq!(text(&again), expected);
    assert!(
        !fleet.path("n2").join("qdevice/net/nssdb").exists(),
        "it began too early"
    );
}
