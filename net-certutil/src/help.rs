//! `--help`: the options of the scripts and those beyond them.

use crate::usage;

/// Of `corosync-qnetd-certutil`.
pub(crate) fn server(program: &str) -> String {
    let short = usage::server(program);
    format!(
        "\
{short}

Beyond these, with long names only:

 --list              Show every certificate: the server's own, and those it has signed
 --check             Look at database, authority, certificates, dates and names; each finding comes with the
                     command that mends it
 --renew             Renew the server's certificate; with -n that of a cluster, for the key it has (taken from
                     cluster-NAME.crt, or from the certificate of -c). What is in use stays good
 --revoke            Turn certificates away from now on: all of a cluster (-n), one in a file (-c) or one by its
                     fingerprint (--fingerprint). To undo it, remove its line from revoked.txt
 --fingerprint hex   SHA-256 of a certificate, as --list shows it
 --key-type type     For -i: rsa3072 (the default), rsa2048, rsa4096 or p256
 --days number       For -s and --renew: how long the certificate is good; 100 years if not specified
 --json              For --list and --check: output for programs
 --help              This text

{RENEWING}

Exit status: 0 if it was done, 1 or 2 if not. {CHECKING}"
    )
}

/// Of `corosync-qdevice-net-certutil`.
pub(crate) fn node(short: &str) -> String {
    format!(
        "\
{short}

Beyond these, with long names only:

  --list              Show every certificate of this node
  --check             Look at database, certificates, dates and names, and connect to the server of corosync.conf as
                      the daemon would, without becoming a member; each finding comes with the command that mends it
  --renew             Make a new key, and the request for a new certificate of the same cluster. What is in use stays
  --key-type type     For -r and --renew: rsa3072 (the default), rsa2048, rsa4096 or p256
  --json              For --list and --check: output for programs
  --help              This text

{RENEWING}

Exit status: 0 if it was done, another if not. {CHECKING}"
    )
}

const RENEWING: &str = "\
To renew the certificate of a cluster for the key it has, because it ends soon:
- On the server: corosync-qnetd-certutil --renew -n Cluster
- Copy cluster-Cluster.crt to every node and run there: corosync-qdevice-net-certutil -M -c cluster-Cluster.crt

To give a cluster a new key, because the old one may be in wrong hands:
- On one node: corosync-qdevice-net-certutil --renew; it says what follows
- At last, on the server: corosync-qnetd-certutil --revoke --fingerprint OLD

The old certificate stays good, and connections stay, all the way; running daemons take the new one by themselves
(those of the C package when they are restarted). All certificates are listed 30 days before they end as ending.";

const CHECKING: &str = "--check: 0 nothing found, 1 warnings, 2 errors, 3 it could not be called.";
