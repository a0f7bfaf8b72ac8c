# What `pvecm qdevice setup` and `pvecm qdevice remove` run, in their order, twice; the second time with what the
# first one left on the server. "here" is the node it is called on. [PVE::CLI::pvecm, setup_qdevice, remove_qdevice]
HOSTS='here there server'
. "$DRIVERS/stage.sh"
pve=$STAGE/pve
mkdir -p "$pve"
at() { ssh -o BatchMode=yes -lroot "$@"; }

setup() {
    run at server corosync-qnetd-certutil -i
    run scp -o BatchMode=yes 'root@[server]:/etc/corosync/qnetd/nssdb/qnetd-cacert.crt' "$pve/qnetd-cacert.crt"
    for node in here there; do
        run at $node -- corosync-qdevice-net-certutil -i -c "$pve/qnetd-cacert.crt"
    done
    rm "$pve/qnetd-cacert.crt"
    run corosync-qdevice-net-certutil -r -n pve
    run scp -o BatchMode=yes /etc/corosync/qdevice/net/nssdb/qdevice-net-node.crq 'root@[server]:/tmp'
    run at server corosync-qnetd-certutil -s -c /tmp/qdevice-net-node.crq -n pve
    run scp -o BatchMode=yes 'root@[server]:/etc/corosync/qnetd/nssdb/cluster-pve.crt' /etc/corosync/qdevice/net/nssdb
    run corosync-qdevice-net-certutil -M -c /etc/corosync/qdevice/net/nssdb/cluster-pve.crt
    run scp -o BatchMode=yes /etc/corosync/qdevice/net/nssdb/qdevice-net-node.p12 "$pve/"
    for node in here there; do
        run at $node -- corosync-qdevice-net-certutil -m -c "$pve/qdevice-net-node.p12"
    done
    rm "$pve/qdevice-net-node.p12"
    for node in here there; do
        run at $node certutil -V -u C -n "'Cluster Cert'" -d /etc/corosync/qdevice/net/nssdb
    done
}

setup
for node in here there; do at $node -- rm -rf /etc/corosync/qdevice; done
setup
