//! `corosync-qnetd-certutil` and `corosync-qdevice-net-certutil`: certificates of a server and of its
//! clusters.
//!
//! Options, files, modes, output lines and exit codes are those of the scripts of the same names in the
//! C packages, because pcs, crmsh and Proxmox run them and read what they say. What the scripts leave to
//! NSS's command line tools is done by `libqdevice::certs`; nothing else has to be installed.
//!
//! Both programs take everything they work on from [`Surroundings`], so tests run them on directories
//! of their own. [C: corosync-qnetd-certutil.sh, corosync-qdevice-net-certutil.sh]

mod check;
mod command_line;
mod corosync_conf;
mod entry;
mod failure;
mod files;
mod findings;
mod help;
mod listing;
mod new_database;
mod node;
mod node_check;
mod probe;
mod quick_start;
mod remote;
mod renewal;
mod revocation;
mod server;
mod server_check;
mod signed;
mod surroundings;
mod survey;
mod usage;

pub use command_line::{node_command, server_command};
pub use surroundings::Surroundings;

use command_line::{NodeCall, NodeOperation, ServerCall, ServerOperation, Wish};
use failure::Failure;
use libqdevice::certs::Side;
use std::ffi::OsString;

/// Runs `corosync-qnetd-certutil` with the arguments behind its name; returns the exit status.
pub fn qnetd_certutil(surroundings: &mut Surroundings<'_>, args: &[OsString]) -> u8 {
    let outcome = match ServerCall::parse(args) {
        Ok(Wish::Usage) => {
            surroundings.say(usage::server(&surroundings.program));
            Ok(())
        }
        Ok(Wish::Help) => {
            surroundings.say(help::server(&surroundings.program));
            Ok(())
        }
        Ok(Wish::Run(call)) if call.operation == ServerOperation::Check => {
            return check::run(surroundings, Side::Server, call.form);
        }
        Ok(Wish::Run(call)) => server::run(surroundings, call),
        Err(error) => Err(or_unknown(error, args)),
    };
    exit(surroundings, Side::Server, outcome)
}

/// Runs `corosync-qdevice-net-certutil` with the arguments behind its name; returns the exit status.
pub fn qdevice_net_certutil(surroundings: &mut Surroundings<'_>, args: &[OsString]) -> u8 {
    let outcome = match NodeCall::parse(args) {
        Ok(Wish::Usage) => {
            surroundings.say(usage::node(surroundings));
            Ok(())
        }
        Ok(Wish::Help) => {
            surroundings.say(help::node(&usage::node(surroundings)));
            Ok(())
        }
        Ok(Wish::Run(call)) if call.operation == NodeOperation::Check => {
            return check::run(surroundings, Side::Node, call.form);
        }
        Ok(Wish::Run(call)) => node::run(surroundings, call),
        Err(error) => Err(or_unknown(error, args)),
    };
    exit(surroundings, Side::Node, outcome)
}

/// A check that could not be called has found neither warnings nor errors.
fn or_unknown(error: Failure, args: &[OsString]) -> Failure {
    let checks = args.iter().any(|arg| arg == "--check");
    if checks { error.exiting_with(3) } else { error }
}

fn exit(surroundings: &mut Surroundings<'_>, side: Side, outcome: Result<(), Failure>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            for line in failure.lines(side) {
                surroundings.complain(line);
            }
            failure.exit()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::certs::{Access, Database, random};
    use std::fs;
    use std::path::PathBuf;

    /// A directory in place of `/etc/corosync`.
    struct Etc(PathBuf);

    impl Etc {
        fn new() -> Self {
            let number = u64::from_ne_bytes(random().unwrap());
            let path = std::env::temp_dir().join(format!("net-certutil-{number:016x}"));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        /// Exit status, standard output and standard error of a call.
        fn call(&self, side: Side, args: &[&str]) -> (u8, String, String) {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut surroundings = Surroundings {
                program: "PROGRAM".to_owned(),
                etc: self.0.clone(),
                out: &mut out,
                err: &mut err,
            };
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            let exit = match side {
                Side::Server => qnetd_certutil(&mut surroundings, &args),
                Side::Node => qdevice_net_certutil(&mut surroundings, &args),
            };
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (exit, text(out), text(err))
        }

        fn path(&self, below: &str) -> String {
            self.0.join(below).to_str().unwrap().to_owned()
        }
    }

    impl Drop for Etc {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_cluster_is_enrolled_without_root() {
        let etc = Etc::new();
        let first = etc.call(Side::Server, &["-i"]);
        if first.2.contains("libsoftokn3.so cannot be loaded") {
            eprintln!("skipped: {}", first.2);
            return;
        }
        assert_eq!((first.0, &*first.2), (0, ""));
        let authority = etc.path("qnetd/nssdb/qnetd-cacert.crt");
        let request = etc.path("qdevice/net/nssdb/qdevice-net-node.crq");
        let bundle = etc.path("qdevice/net/nssdb/qdevice-net-node.p12");
        let signed = etc.path("qnetd/nssdb/cluster-c.crt");
        for (side, args, last) in [
            (
                Side::Node,
                &["-i", "-c", &authority][..],
                "Importing CA\n".to_owned(),
            ),
            (
                Side::Node,
                &["-r", "-n", "c"],
                format!("Certificate request stored in {request}\n"),
            ),
            (
                Side::Server,
                &["-s", "-c", &request, "-n", "c"],
                format!("Certificate stored in {signed}\n"),
            ),
            (
                Side::Node,
                &["-M", "-c", &signed],
                format!("Certificate stored in {bundle}\n"),
            ),
            (
                Side::Node,
                &["-m", "-c", &bundle],
                "pk12util: PKCS12 IMPORT SUCCESSFUL\n".to_owned(),
            ),
        ] {
            let (exit, out, err) = etc.call(side, args);
            assert_eq!((exit, &*err), (0, ""), "{args:?}");
            assert!(out.ends_with(&last), "{args:?}: {out}");
        }
        let node = PathBuf::from(etc.path("qdevice/net/nssdb"));
        let database = Database::open(&node, Access::Read).unwrap();
        assert_eq!(database.certificates().unwrap().len(), 2);
    }

    #[test]
    fn usage_is_no_mistake_and_a_mistake_is_named() {
        let etc = Etc::new();
        for side in [Side::Server, Side::Node] {
            for args in [&[][..], &["-h"], &["-h", "-x"], &["-n", "c"]] {
                let (exit, out, err) = etc.call(side, args);
                assert_eq!((exit, &*err), (0, ""));
                assert!(out.starts_with("PROGRAM: [-i|"), "{out}");
            }
            let mistake = |args: &[&str]| etc.call(side, args);
            let told = |exit, text: &str| (exit, String::new(), format!("{text}\n"));
            assert_eq!(mistake(&["-x", "-h"]), told(1, "Invalid option: -x"));
            assert_eq!(mistake(&["-c"]), told(1, "Option -c requires an argument."));
        }
    }

    #[test]
    fn what_a_call_lacks_is_told_before_anything_is_looked_at() {
        let etc = Etc::new();
        let told = |exit, text: &str| (exit, String::new(), format!("{text}\n"));
        let here = etc.path("");
        let lacking = [
            (
                Side::Server,
                &["-s"][..],
                told(2, "Can't open certificate file "),
            ),
            (
                Side::Server,
                &["-s", "-c", &here],
                told(2, "You have to specify cluster name"),
            ),
            (
                Side::Node,
                &["-i", "-c", "/absent"],
                told(2, "Can't open certificate file /absent"),
            ),
            (
                Side::Node,
                &["-r"],
                told(2, "You have to specify cluster name"),
            ),
            (
                Side::Node,
                &["-r", "-n", "c"],
                told(
                    1,
                    "Certificate database doesn't exists. Use PROGRAM -i to create it",
                ),
            ),
            (
                Side::Node,
                &["-Q", "-n", "c"],
                told(2, "No QNetd server address provided."),
            ),
            (
                Side::Node,
                &["-Q", "-n", "c", "server"],
                told(2, "No nodes provided."),
            ),
        ];
        for (side, args, expected) in lacking {
            assert_eq!(etc.call(side, args), expected, "{args:?}");
        }
    }

    #[test]
    fn a_name_that_would_reach_into_another_directory_is_refused() {
        let etc = Etc::new();
        let (exit, out, err) = etc.call(Side::Node, &["-r", "-n", "../../x"]);
        assert_eq!((exit, &*out), (2, ""));
        let expected = "corosync-qdevice-net-certutil: the cluster name \"../../x\" cannot be certified: it \
                        contains a slash\n";
        assert_eq!(err, expected);
    }
}
