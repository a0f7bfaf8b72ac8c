#!/bin/bash
# deb.sh TARBALL: builds Debian's packages without a network and tries them under a real systemd.
#
# Root, mmdebstrap and lintian are needed. WORK keeps the roots and packages between runs.
set -u
tarball=$(readlink -f "$1")
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/deb" "$work/c"

build() {
    local root=$work/build-root
    if [ ! -e "$root.made" ]; then
        rm -rf "$root"
        mirrors=$(apt-get indextargets --format 'deb $(SITE) $(RELEASE) main' | sort -u)
        # shellcheck disable=SC2046
        mmdebstrap --mode=root --variant=buildd --components=main \
            --include=debhelper,cargo-web,rustc-web,libssl-dev,pkg-config,fakeroot bookworm "$root" - <<<"$mirrors" || return
        touch "$root.made"
    fi
    rm -rf "$root/build" "$work"/deb/*
    mkdir "$root/build"
    tar -xJf "$tarball" -C "$root/build"
    # No network in there, and no process is left behind.
    unshare -n -m -p -f --mount-proc="$root/proc" chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LC_ALL=C.UTF-8 sh -c 'cd /build/corosync-* && nice dpkg-buildpackage -b -us -uc' \
        >"$work/deb/build.log" 2>&1 || { tail -n 20 "$work/deb/build.log"; return 1; }
    cp "$root"/build/*.deb "$root"/build/*.changes "$root"/build/*.buildinfo "$work/deb/"
    rm -rf "$root/build"
}

ours() { echo "$work"/deb/corosync-"$1"_*.deb; }
theirs() { echo "$work"/c/corosync-"$1"_3*.deb; }
install_debs() { # FILE...
    give "$@" && sh_inside "cd /root/give && DEBIAN_FRONTEND=noninteractive dpkg -i $(basename -a "$@" | xargs)"
}
# What is left of the files and folders of both packages.
leftovers() {
    sh_inside '! find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /tmp -o -path /var/log -o -path "/var/tmp/systemd-private*" \) -prune -o \
        \( -name "*corosync-qnetd*" -o -name "*corosync-qdevice*" -o -path "/etc/corosync/q*" -o -path "*org.corosync.Q*" \) ! -path "*/heartbeat/*" ! -name "*ocf_heartbeat_*" -print | grep .'
}
certificates() { sh_inside 'cd /etc/corosync && find . -type f -path "*nssdb*" | sort | xargs sha256sum'; }
restarts() { inside systemctl show -P NRestarts "$1"; }
status_line() { inside systemctl show -P StatusText "$1"; }
has_what_is_listed() { diff <(listed "$1") <(installed dpkg -L "corosync-$1"); }
# Whoever has a core file of the server finds its functions.
has_debug_information() {
    local build
    rm -rf "$work/x"
    dpkg-deb -x "$(ours qnetd)" "$work/x" || return
    build=$(readelf -n "$work/x/usr/bin/corosync-qnetd" | sed -n 's/.*Build ID: //p')
    dpkg-deb -f "$work"/deb/corosync-qnetd-dbgsym_*.deb Build-Ids | grep -w "$build"
}
is_bus_name() { inside busctl --system status "$1"; }

fresh_installation() {
    say "A clean root: the server installed, a node of C"
    up fresh "$work/root" || return
    check "installs" install_debs "$(ours qnetd)"
    check "has what dist/contents lists" has_what_is_listed qnetd
    check "hooks belong to root" sh_inside 'test "$(stat -c "%U:%G %a" /etc/corosync/qnetd/hooks.d)" = "root:root 755"'
    check "man finds its pages" inside man -w corosync-qnetd corosync-qnetd-tool corosync-qnetd-certutil corosync-qnetd-settings org.corosync.Qnetd1
    check "the server runs" inside systemctl is-active corosync-qnetd
    check "and will after a boot" inside systemctl is-enabled corosync-qnetd
    check "it runs as coroqnetd" sh_inside 'test "$(ps -o user= -C corosync-qnetd)" = coroqnet+ || ps -o user= -C corosync-qnetd | grep -x coroqnetd'
    check "its certificates are made" sh_inside 'certutil -L -d /etc/corosync/qnetd/nssdb -n "QNetd Cert"'
    check "its folder belongs to it" sh_inside 'test "$(stat -c "%U:%G %a" /etc/corosync/qnetd)" = "coroqnetd:coroqnetd 770"'
    check "so does the one of its state" sh_inside 'test "$(stat -c "%U:%G %a" /var/lib/corosync-qnetd)" = "coroqnetd:coroqnetd 750"'
    check "the tool is answered" inside corosync-qnetd-tool -s
    check "the node's package of C installs" install_debs "$(theirs qdevice)"
    check "the node gets a certificate" enrol
    check "corosync starts with it" inside systemctl restart corosync
    check "the node's daemon of C starts" inside systemctl start corosync-qdevice
    soon "and has the vote" is_connected
    soon "so its cluster is quorate" is_quorate
    soon "the unit's status line counts it" sh_inside 'systemctl show -P StatusText corosync-qnetd | grep "1 cluster, 1 client"'
    check "the server restarts" inside systemctl restart corosync-qnetd
    soon "and the node has the vote again" is_connected
    check "a reload keeps the connection" sh_inside 'systemctl reload corosync-qnetd && corosync-qnetd-tool -l -c trial | grep -q trial'
    check "the journal has its lines with their priority" \
        sh_inside 'journalctl -u corosync-qnetd -o json | jq -e -s "map(select(.SYSLOG_IDENTIFIER == \"corosync-qnetd\" and .PRIORITY != null)) | length > 0"'
    check "and none twice" sh_inside 'journalctl -u corosync-qnetd -o json -b | jq -s -e "map(.MESSAGE) | map(select(type == \"string\" and test(\"Cluster trial|cluster trial\"))) | group_by(.) | map(length) | max // 0 < 4"'
    soon "its name is on the bus" is_bus_name org.corosync.Qnetd1
    check "anybody reads there who has the vote" sh_inside 'runuser -u nobody -- busctl get-property org.corosync.Qnetd1 \
        /org/corosync/Qnetd1/cluster/trial/node/1 org.corosync.Qnetd1.Node Vote | grep ack'
    check "not everybody may disconnect a node" sh_inside '! runuser -u nobody -- busctl call org.corosync.Qnetd1 \
        /org/corosync/Qnetd1 org.corosync.Qnetd1.Manager DisconnectNode su trial 1'
    check "polkit knows the actions" sh_inside 'for action in disconnect-node reload-certificates; do
        pkaction --action-id org.corosync.qnetd1.$action || exit 1; done'
    check "/etc/sysconfig has options, too, as crmsh writes them" sh_inside 'set -e
        echo "COROSYNC_QNETD_OPTIONS=\"-m 55\"" >/etc/sysconfig/corosync-qnetd; systemctl restart corosync-qnetd
        corosync-qnetd-tool -s -v | grep "allowed clients:.*55"; rm /etc/sysconfig/corosync-qnetd; systemctl restart corosync-qnetd'
    soon "and the node has the vote again" is_connected
    check "systemd finds no fault with the unit" sh_inside 'test -z "$(systemd-analyze verify --man=no corosync-qnetd.service 2>&1)"'
    check "its exposure is 2.0 at most" inside systemd-analyze security --no-pager --threshold=20 corosync-qnetd
    inside systemd-analyze security --no-pager corosync-qnetd | tail -n 1
    check "a server that hangs is noticed" sh_inside 'systemctl kill -s STOP corosync-qnetd'
    for _ in $(seq 100); do [ "$(restarts corosync-qnetd)" -gt 0 ] && break; sleep 0.5; done
    check "and started again" test "$(restarts corosync-qnetd)" -gt 0
    soon "and the node has the vote again" is_connected
    resource_agent
    check "removing it stops it" sh_inside 'dpkg -r corosync-qnetd && ! pidof corosync-qnetd'
    check "and keeps the certificates" inside test -e /etc/corosync/qnetd/nssdb/key4.db
    check "purging it succeeds" inside dpkg -P corosync-qnetd corosync-qdevice
    sh_inside 'rm -r /etc/corosync/qdevice' # C's package leaves it
    check "and leaves nothing" leftovers
    down
}

# The resource agent of that name, from Debian's resource-agents.
agent() {
    inside env OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=trial OCF_RESOURCE_TYPE=corosync-qnetd \
        OCF_RESOURCE_PROVIDER=heartbeat OCF_RESKEY_port=5503 /usr/lib/ocf/resource.d/heartbeat/corosync-qnetd "$1"
}
is_not_running() { agent monitor; test $? = 7; }
resource_agent() {
    local socket=/run/corosync-qnetd/corosync-qnetd-trial.sock
    sh_inside 'systemctl stop corosync-qnetd'
    check "agent: validate-all" agent validate-all
    check "agent: monitor says that it does not run" is_not_running
    check "agent: start" agent start
    check "agent: monitor" agent monitor
    check "agent: it runs as coroqnetd, without -f" sh_inside 'pgrep -u coroqnetd -x corosync-qnetd && ! pgrep -f "[c]orosync-qnetd -f"'
    check "agent: stop" agent stop
    check "agent: then monitor says that it does not run" is_not_running
    check "agent: because the tool ends with 3" sh_inside "corosync-qnetd-tool -s -p $socket; test \$? = 3"
}

# What pcs does on the host of the server; Debian's package fails there, because its folder is root's.
pcs_sets_up() {
    say "pcs on a server"
    up pcs "$work/root" || return
    check "installs" install_debs "$(ours qnetd)" "$(ours qdevice)"
    check "pcs qdevice status net" inside pcs qdevice status net --full
    check "pcs qdevice stop" inside pcs qdevice stop net
    check "pcs qdevice destroy" inside pcs qdevice destroy net
    check "which leaves no certificates" sh_inside '! ls /etc/corosync/qnetd/nssdb/cert9.db'
    check "pcs qdevice setup --start" inside pcs qdevice setup model net --enable --start
    check "the server runs" inside systemctl is-active corosync-qnetd
    check "it will after a boot" inside systemctl is-enabled corosync-qnetd
    check "the node gets a certificate of the new authority" enrol
    check "corosync and the device start" inside systemctl restart corosync corosync-qdevice
    soon "the node has the vote" is_connected
    check "pcs qdevice status net shows its cluster" sh_inside 'pcs qdevice status net --full | grep "trial"'
    check "pcs quorum device status" inside pcs quorum device status
    check "pcs qdevice kill" inside pcs qdevice kill net
    soon "systemd starts the server again" inside systemctl is-active corosync-qnetd
    soon "the node has the vote" is_connected
    check "purges" inside dpkg -P corosync-qnetd corosync-qdevice
    check "and leaves nothing" leftovers
    down
}

# Stopping the device at any moment of its heuristics.
heuristics() {
    say "The device stopped while its heuristics run"
    up heuristics "$work/root" || return
    check "installs" install_debs "$(ours qnetd)" "$(ours qdevice)"
    check "has what dist/contents lists" has_what_is_listed qdevice
    check "hooks belong to root" sh_inside 'test "$(stat -c "%U:%G %a" /etc/corosync/qdevice/hooks.d)" = "root:root 755"'
    check "man finds its pages" inside man -w corosync-qdevice corosync-qdevice-tool corosync-qdevice-net-certutil corosync-qdevice-settings org.corosync.Qdevice1
    check "does not start by itself" sh_inside '! systemctl is-enabled corosync-qdevice && ! systemctl is-active corosync-qdevice'
    check "the node gets a certificate" enrol
    check "its heuristics take long" slow_heuristics
    for n in 1 2 3 4 5; do
        check "stop $n: no failed unit, no process left" stops_in_order ready stop corosync-qdevice
        check "before it is ready: the same" stops_in_order starting stop corosync-qdevice
    done
    check "SIGTERM to all of it: no failed unit" stops_in_order ready kill --kill-who=all corosync-qdevice
    check "SIGTERM to all of it at once, as KillMode=control-group does" sh_inside 'mkdir -p /etc/systemd/system/corosync-qdevice.service.d
        printf "[Service]\nKillMode=control-group\n" >/etc/systemd/system/corosync-qdevice.service.d/trial.conf; systemctl daemon-reload'
    for n in 1 2 3; do
        check "stop $n: no failed unit, no process left" stops_in_order ready stop corosync-qdevice
    done
    sh_inside 'rm -r /etc/systemd/system/corosync-qdevice.service.d; systemctl daemon-reload'
    check "restarts while they run" sh_inside 'systemctl start corosync-qdevice; sleep 1; systemctl restart corosync-qdevice && systemctl is-active corosync-qdevice'
    soon "its name is on the bus" is_bus_name org.corosync.Qdevice1
    check "polkit knows the actions" sh_inside 'for action in run-heuristics reload-certificates; do
        pkaction --action-id org.corosync.qdevice1.$action || exit 1; done'
    check "the journal has its lines with their priority" \
        sh_inside 'journalctl -u corosync-qdevice -o json | jq -e -s "map(select(.SYSLOG_IDENTIFIER == \"corosync-qdevice\" and .PRIORITY != null)) | length > 0"'
    check "systemd finds no fault with the unit" sh_inside 'test -z "$(systemd-analyze verify --man=no corosync-qdevice.service 2>&1)"'
    inside systemd-analyze security --no-pager corosync-qdevice | tail -n 1
    check "corosync stopped stops it in order" sh_inside 'systemctl stop corosync
        test "$(systemctl show -P ActiveState -P Result corosync-qdevice | xargs)" = "success inactive"'
    down
}

upgrade() {
    say "C packages with an enrolled cluster: upgrade, downgrade, upgrade, purge"
    up upgrade "$work/root" || return
    check "C packages install" install_debs "$(theirs qnetd)" "$(theirs qdevice)"
    check "the node gets a certificate" enrol
    sh_inside 'sed -i "s/^COROSYNC_QNETD_OPTIONS=.*/COROSYNC_QNETD_OPTIONS=\"-m 77\"/" /etc/default/corosync-qnetd'
    check "C daemons start" sh_inside 'systemctl restart corosync-qnetd corosync && systemctl enable --now corosync-qdevice'
    soon "and the node has the vote" is_connected
    before=$(certificates)
    check "upgrades without a question" install_debs "$(ours qnetd)" "$(ours qdevice)"
    check "the server is ours" sh_inside 'corosync-qnetd -v | grep "version .4\."'
    check "both run" inside systemctl is-active corosync-qnetd corosync-qdevice
    check "both will after a boot" inside systemctl is-enabled corosync-qnetd corosync-qdevice
    soon "the node has the vote" is_connected
    soon "its cluster is quorate" is_quorate
    check "the certificates are the same" test "$before" = "$(certificates)"
    check "the administrator's options are kept and used" sh_inside 'grep -q "m 77" /etc/default/corosync-qnetd && corosync-qnetd-tool -s -v | grep "allowed clients:.*77"'
    check "the init scripts are gone" sh_inside '! ls /etc/init.d/corosync-q* /etc/rc?.d/*corosync-q* 2>/dev/null'
    check "the folder belongs to the server" sh_inside 'test "$(stat -c %U /etc/corosync/qnetd)" = coroqnetd'
    check "dpkg finds every file as it was shipped" sh_inside '! dpkg -V corosync-qnetd corosync-qdevice | grep -v " /etc/default/corosync-qnetd$"'
    check "the device stops in order" sh_inside 'systemctl stop corosync-qdevice; test "$(systemctl show -P Result corosync-qdevice)" = success'
    check "and starts" inside systemctl start corosync-qdevice
    soon "with the vote" is_connected
    soon "its status line says so" sh_inside 'systemctl show -P StatusText corosync-qdevice | grep "Connected to 127.0.0.1:5403, voting yes"'
    check "certificates made anew by root are read" sh_inside 'set -e
        mv /etc/corosync/qnetd/nssdb /root/kept; corosync-qnetd-certutil -i; systemctl restart corosync-qnetd
        rm -r /etc/corosync/qnetd/nssdb; mv /root/kept /etc/corosync/qnetd/nssdb; systemctl restart corosync-qnetd'
    check "downgrades" install_debs "$(theirs qnetd)" "$(theirs qdevice)"
    check "the server is C's" sh_inside 'corosync-qnetd -v | grep "version .3\."'
    check "the device of C is started" inside systemctl restart corosync-qdevice
    soon "the node has the vote" is_connected
    check "the certificates are the same" test "$before" = "$(certificates)"
    check "upgrades again" install_debs "$(ours qnetd)" "$(ours qdevice)"
    soon "the node has the vote" is_connected
    check "removes" inside dpkg -r corosync-qnetd corosync-qdevice
    check "the certificates are the same" test "$before" = "$(certificates)"
    check "installs again" install_debs "$(ours qnetd)" "$(ours qdevice)"
    check "with the certificates of before" test "$before" = "$(certificates)"
    check "purges" inside dpkg -P corosync-qnetd corosync-qdevice
    check "and leaves nothing" leftovers
    down
}

if [ "${SKIP_BUILD:-}" != 1 ]; then
    say "Build without a network"
    time build || exit 1
fi
ls -l "$work"/deb/*.deb
say "lintian"
check "lintian has nothing to say" sh -c "lintian --fail-on error,warning $work/deb/*.changes"
check "debug information is in a package of its own" has_debug_information
trial_root
ls "$work"/c/corosync-qnetd_3*.deb >/dev/null 2>&1 || (cd "$work/c" && apt-get -q download corosync-qnetd corosync-qdevice)
for trial in ${TRIALS:-fresh_installation pcs_sets_up heuristics upgrade}; do
    "$trial"
done
summary
