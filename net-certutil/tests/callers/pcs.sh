# pcs's commands for a quorum device, on a host that is node and server at once: pcsd is real and hands the
# certificates over, corosync and both daemons run, and only systemd is played.
HOSTS='node1'
. "$DRIVERS/stage.sh"
mount -t tmpfs none /var/lib/pcsd && mkdir -p /var/log/pcsd /var/log/corosync || exit 9
cp "$DRIVERS/systemctl" "$STAGE/" && chmod 755 "$STAGE/systemctl" || exit 9
mount --bind "$STAGE/systemctl" "$(readlink -f /bin/systemctl)" || exit 9
cat > /etc/corosync/corosync.conf <<END
totem {
    version: 2
    cluster_name: c
    transport: knet
}
nodelist {
    node {
        ring0_addr: 127.0.0.1
        name: node1
        nodeid: 1
    }
}
quorum {
    provider: corosync_votequorum
}
END
token=$(head -c 32 /dev/urandom | base64 -w0)
cat > /var/lib/pcsd/pcs_users.conf <<END
[{"creation_date":"Wed Nov 25 06:00:00 +0000 2026","username":"hacluster","token":"$token"}]
END
cat > /var/lib/pcsd/known-hosts <<END
{"format_version":1,"data_version":1,"known_hosts":{"node1":{
  "dest_list":[{"addr":"127.0.0.1","port":2224}],"token":"$token"}}}
END
pcsd > /run/log-pcsd 2>&1 &
/usr/share/pcsd/pcsd > /run/log-pcsd-ruby 2>&1 &
for _ in $(seq 300); do
    [ -S /run/pcsd-ruby.socket ] && pcs status pcsd 2> /dev/null | grep -q Online && break
    sleep 0.1
done
systemctl start corosync
systemctl enable corosync

run pcs qdevice setup model net --enable --start
run pcs qdevice setup model net
run pcs qdevice status net
run pcs quorum device add model net host=node1 algorithm=ffsplit
for _ in $(seq 100); do corosync-qdevice-tool -s 2> /dev/null | grep -q 'Connected$' && break; sleep 0.1; done
for _ in $(seq 100); do corosync-quorumtool -s 2> /dev/null | grep -q 'Qdevice *$' && break; sleep 0.1; done
run pcs quorum device status
# Neither the moment nor the port of a connection is the same twice.
run pcs quorum status | grep -v '^Date:'
run pcs qdevice status net | sed 's/\(Client address:.*:\)[0-9]*$/\1PORT/'
run pcs qdevice status net c | sed 's/\(Client address:.*:\)[0-9]*$/\1PORT/'
run certutil -V -u C -n 'Cluster Cert' -d /etc/corosync/qdevice/net/nssdb
run pcs quorum device update model algorithm=lms
run pcs qdevice stop net
run pcs quorum device remove
run pcs qdevice destroy net
run find /etc/corosync/qnetd /etc/corosync/qdevice
cat /run/systemctl.log
