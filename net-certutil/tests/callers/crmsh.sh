# The certificate part of `crm cluster init qdevice`, of a node that joins later, and of `crm cluster remove --qdevice`,
# by crmsh's own functions.
HOSTS='node1 node2 node3 server'
. "$DRIVERS/stage.sh"
mkdir -p /var/log/crmsh
cat > /etc/corosync/corosync.conf <<END
totem {
    version: 2
    cluster_name: hacluster
}
quorum {
    device {
        model: net
        net {
            host: server
        }
    }
}
END
cp /etc/corosync/corosync.conf "$STAGE/hosts/node3/"
run /usr/bin/python3 "$DRIVERS/crmsh_init.py"
for node in node1 node2; do
    run ssh $node certutil -V -u C -n "'Cluster Cert'" -d /etc/corosync/qdevice/net/nssdb
done
# What the joining node finds is shared by crmsh's csync2; here it is carried over.
mkdir -p "$STAGE/hosts/node3/qdevice/net"
cp -r "$STAGE/hosts/node1/qdevice/net/." "$STAGE/hosts/node3/qdevice/net/"
run ssh node3 /usr/bin/python3 "$DRIVERS/crmsh_join.py"
run ssh node3 certutil -V -u C -n "'Cluster Cert'" -d /etc/corosync/qdevice/net/nssdb
run /usr/bin/python3 "$DRIVERS/crmsh_remove.py"
for host in $HOSTS; do
    (cd "$STAGE/hosts/$host" && find . -type f | grep -v replaced- | sort | sed "s/^/$host /")
done
