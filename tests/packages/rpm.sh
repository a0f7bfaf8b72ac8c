#!/bin/bash
# rpm.sh TARBALL: builds the rpm packages without a network and tries them under a real systemd.
#
# Root, rpm, rpmlint and mmdebstrap are needed. The root is a Debian one, because no other can be had from
# Debian's mirror: dependencies are not resolved (--nodeps), and what systemd's package does on Fedora is
# done by a stand-in.
set -u
tarball=$(readlink -f "$1")
. "$(dirname "$0")/lib.sh"
top=$work/rpm

build() {
    rm -rf "$top"
    mkdir -p "$top/SOURCES" "$top/SPECS"
    cp "$tarball" "$top/SOURCES/"
    tar -xJf "$tarball" -C "$top/SPECS" --strip-components=2 --wildcards '*/rpm/corosync-qdevice.spec' '*/rpm/rpmlint.toml'
    # --with rustup, and no dependencies: the host's rpm knows none of the host's Debian packages.
    unshare -n nice rpmbuild --define "_topdir $top" --with rustup --nodeps -bb "$top/SPECS/corosync-qdevice.spec" \
        >"$top/build.log" 2>&1 || { tail -n 20 "$top/build.log"; return 1; }
}

stand_in() {
    sh_inside 'cat >/usr/lib/systemd/systemd-update-helper; chmod 755 /usr/lib/systemd/systemd-update-helper' <<'HELPER'
#!/bin/sh
command=$1; shift
systemctl daemon-reload
case $command in
install-system-units) systemctl preset "$@" ;;
remove-system-units) systemctl disable --now "$@" ;;
mark-restart-system-units) systemctl try-restart "$@" ;;
esac
HELPER
}
rpm_in() { sh_inside "cd /root/give && rpm $*"; }
# rpm's places differ, and it has options and the folder of the state besides.
listed_for_rpm() {
    { listed "$1" | sed -e 's# /lib/systemd# /usr/lib/systemd#' -e 's#vendor-completions/#site-functions/#'
        echo "644 /etc/sysconfig/corosync-$1"; } | sort
}
has_what_is_listed() { diff <(listed_for_rpm "$1") <(installed rpm -ql "corosync-$1"); }
leftovers() {
    sh_inside '! find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /tmp -o -path /var/log -o -path "/var/tmp/systemd-private*" \) -prune -o \
        \( -name "*corosync-qnetd*" -o -name "*corosync-qdevice*" \) ! -name "*.rpmsave" ! -path "/var/lib/corosync-qnetd*" \
        ! -path "*/heartbeat/*" ! -name "*ocf_heartbeat_*" -print | grep .'
}

trial() {
    say "Installed, started, verified, erased"
    up rpm "$work/root" || return
    stand_in
    give "$top"/RPMS/*/*.rpm
    check "installs" rpm_in --nodeps -i ./*.rpm
    check "the user of the server was made before its files" sh_inside 'test "$(stat -c "%U:%G %a" /etc/corosync/qnetd)" = "coroqnetd:coroqnetd 770"'
    check "the server's package has what dist/contents lists" has_what_is_listed qnetd
    check "so has the device's" has_what_is_listed qdevice
    check "verifies" rpm_in --nodeps -V corosync-qnetd corosync-qdevice
    check "certificates are made by hand" inside corosync-qnetd-certutil -i
    check "the server starts" inside systemctl start corosync-qnetd
    check "the node gets a certificate" enrol
    check "corosync and the device start" inside systemctl restart corosync corosync-qdevice
    soon "the node has the vote" is_connected
    soon "its cluster is quorate" is_quorate
    check "verifies while it runs" rpm_in --nodeps -V corosync-qnetd corosync-qdevice
    sh_inside 'sed -i "s/OPTIONS=.*/OPTIONS=\"-m 77\"/" /etc/sysconfig/corosync-qnetd'
    check "an update restarts both and keeps the options" sh_inside 'cd /root/give && old=$(systemctl show -P MainPID corosync-qnetd) &&
        rpm --nodeps -U --force *.rpm && test "$old" != "$(systemctl show -P MainPID corosync-qnetd)" &&
        corosync-qnetd-tool -s -v | grep "allowed clients:.*77"'
    soon "the node has the vote" is_connected
    check "erases" rpm_in --nodeps -e corosync-qnetd corosync-qdevice
    check "nothing of it runs" sh_inside '! pidof corosync-qnetd corosync-qdevice'
    check "the changed options are kept aside" inside test -e /etc/sysconfig/corosync-qnetd.rpmsave
    # rpm has no purge: data stays, as with the C packages.
    check "the certificates stay, and which votes were given" inside ls /etc/corosync/qnetd/nssdb/key4.db /var/lib/corosync-qnetd/state.json
    check "and nothing else does" leftovers
    down
}

if [ "${SKIP_BUILD:-}" != 1 ]; then
    say "Build without a network"
    time build || exit 1
fi
ls -l "$top"/RPMS/*/*.rpm
say "rpmlint"
rpmlint -c "$top/SPECS/rpmlint.toml" "$top/SPECS/corosync-qdevice.spec" "$top"/RPMS/*/*.rpm | tail -n 20
check "rpmlint has no error" rpmlint -c "$top/SPECS/rpmlint.toml" "$top/SPECS/corosync-qdevice.spec" "$top"/RPMS/*/*.rpm
trial_root
trial
summary
