use crate::surroundings::{Surroundings, shown};
use libqdevice::certs::Side;

/// [C: corosync-qnetd-certutil.sh, `usage`]
pub(crate) fn server(program: &str) -> String {
    format!(
        "\
{program}: [-i|-s] [-c certificate] [-G] [-n cluster_name]

 -i                  Initialize QNetd CA and generate server certificate
 -s                  Sign cluster certificate (needs cluster certificate)
 -c certificate      CRQ certificate file name
 -G                  Do not set group write bit for new files
 -n cluster_name     Name of cluster (for -s operation)"
    )
}

/// [C: corosync-qdevice-net-certutil.sh, `usage`]
pub(crate) fn node(surroundings: &Surroundings<'_>) -> String {
    let program = &surroundings.program;
    let authority = shown(&surroundings.database(Side::Server).join("qnetd-cacert.crt"));
    format!(
        "\
{program}: [-i|-m|-M|-r|-s|-Q] [-c certificate] [-S ssh_command] [-C scp_command] [-n cluster_name]

 -i      Initialize node CA. Needs CA certificate from server
 -m      Import cluster certificate on node (needs pk12 certificate)
 -r      Generate cluster certificate request
 -M      Import signed cluster certificate and export certificate with key to pk12 file
 -Q      Quick start. Uses ssh/scp to initialze both qnetd and nodes.

 -c certificate      Ether CA, CRQ, CRT or pk12 certificate (operation dependant)
 -S ssh_command      Alternative remote shell command to be use in place of ssh. If not specified, ssh is used.
 -C scp_command      Alternative remote copy command to be use in place of scp. If not specified, scp is used.
 -n cluster_name     Name of cluster (for -r and -s operations)

Typical usage:
- Initialize database on QNetd server by running corosync-qnetd-certutil -i
- Copy exported QNetd CA certificate ({authority}) to every node
- On one of cluster node initialize database by running {program} -i -c qnetd-cacert.crt
- Generate certificate request: {program} -r -n Cluster (Cluster name must match cluster_name key in the corosync.conf)
- Copy exported CRQ to QNetd server
- On QNetd server sign and export cluster certificate by running corosync-qnetd-certutil -s -c qdevice-net-node.crq -n Cluster
- Copy exported CRT to node where certificate request was created
- Import certificate on node where certificate request was created by running {program} -M -c cluster-Cluster.crt
- Copy output qdevice-net-node.p12 to all other cluster nodes
- On all other nodes in cluster:
  - Init database by running {program} -i -c qnetd-cacert.crt
  - Import cluster certificate and key: {program} -m -c qdevice-net-node.p12

It is also possible to use Quick start (-Q). This needs properly configured remote shell command and remote copy command (ssh and scp by default).
  {program} -Q [-S ssh_command] [-C scp_command] -n Cluster qnetd_server node1 node2 ... nodeN"
    )
}
