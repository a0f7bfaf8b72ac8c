#!/bin/bash
# deb.sh TARBALL: builds Debian's packages without a network and tries them under a real systemd.
#
# Root, mmdebstrap and lintian are needed. WORK keeps the roots and packages between runs.
set -u
tarball=$(readlink -f "$1")
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/deb" "$work/c"

build() {
    local root=$work/build-root source
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
        \( -name "*corosync-qnetd*" -o -name "*corosync-qdevice*" -o -path "/etc/corosync/q*" -o -path "*dbus*org.corosync*" \) -print | grep .'
}
certificates() { sh_inside 'cd /etc/corosync && find . -type f -path "*nssdb*" | sort | xargs sha256sum'; }
restarts() { inside systemctl show -P NRestarts "$1"; }
status_line() { inside systemctl show -P StatusText "$1"; }
is_bus_name() { inside busctl --system status "$1"; }

fresh_installation() {
    say "A clean root: the server installed, a node of C"
    up fresh "$work/root" || return
    check "installs" install_debs "$(ours qnetd)"
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
    if inside test -e /usr/share/dbus-1/system.d/org.corosync.Qnetd1.conf; then
        soon "its name is on the bus" is_bus_name org.corosync.Qnetd1
    fi
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

# What the resource agent of that name does, with its files.
resource_agent() {
    local run=/run/corosync-qnetd/agent
    sh_inside 'systemctl stop corosync-qnetd'
    check "agent: start without -f returns when it serves" \
        sh_inside "su -s /bin/sh coroqnetd -c '/usr/bin/corosync-qnetd -S \"local_socket_file=$run.sock\" -S \"lock_file=$run.pid\" -p 5503'"
    check "agent: the pid file names it" sh_inside "kill -0 \$(cat $run.pid)"
    check "agent: monitor" inside corosync-qnetd-tool -s -p $run.sock
    check "agent: stop" sh_inside "kill \$(cat $run.pid); for i in 1 2 3 4 5 6 7 8 9 10; do corosync-qnetd-tool -s -p $run.sock >/dev/null 2>&1 || exit 0; sleep 0.5; done; exit 1"
    check "agent: then monitor ends with 3" sh_inside "corosync-qnetd-tool -s -p $run.sock; test \$? = 3"
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
trial_root
(cd "$work/c" && [ -e corosync-qnetd_3*.deb ] || apt-get -q download corosync-qnetd corosync-qdevice)
fresh_installation
upgrade
summary
