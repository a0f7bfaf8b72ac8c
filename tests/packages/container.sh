#!/bin/bash
# container.sh TARGET: makes the container's file system from TARGET/release and runs it as an unprivileged
# user: own user, mount, process, network and IPC namespaces, read-only but for /data and /run/corosync-qnetd.
set -u
target=$(readlink -f "$1")
. "$(dirname "$0")/lib.sh"
image=$work/image
nobody=65534

# contained COMMAND...: in a new container, whose volume is $work/volume.
#
# The outer namespaces stand for the container's runtime; the inner one has no capability left.
contained() {
    setpriv --reuid $nobody --regid $nobody --clear-groups \
        env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin ${INITIALIZE:+INITIALIZE=$INITIALIZE} \
        unshare --user --map-root-user --mount --pid --net --ipc --uts --fork --kill-child \
        sh -c 'set -e
            image=$1 volume=$2
            shift 2
            ip link set lo up
            mount --rbind "$image" "$image"
            cd "$image"
            mount -t proc proc proc
            for node in null urandom; do mount --bind /dev/$node dev/$node; done
            mount -t tmpfs -o mode=0777 tmpfs run/corosync-qnetd
            mount --bind "$volume" data
            mount -o remount,bind,ro "$image"
            exec unshare --user --map-user=5403 --map-group=5403 --root=. --wd=/ "$@"' \
        container "$image" "$work/volume" "$@"
}
# joined COMMAND...: in the container that runs, as its user.
joined() {
    local pid
    pid=$(pgrep -x -u $nobody corosync-qnetd | while read -r pid; do
        [ "$(readlink "/proc/$pid/root")" = "$image" ] && echo "$pid" && break
    done)
    [ -n "$pid" ] && nsenter -t "$pid" -U -m -p -n --preserve-credentials --setuid 5403 -r -w -- "$@"
}
refuses() { ! contained /usr/bin/start >"$work/refused" 2>&1 && grep -q INITIALIZE=1 "$work/refused"; }
# A check that finds nothing wrong has to have found the thing itself.
has_none_of_these() {
    find "$image" -name 'libc.so*' | grep -q . &&
        ! find "$image" -name 'libcmap*' -o -name 'libvotequorum*' -o -name 'libdbus*' -o -name 'libsystemd*' | grep .
}
is_read_only() { test -d "$1/tmp" && ! touch "$1/tmp/x"; }
certificates() { sha256sum "$work/volume/qnetd/nssdb/cert9.db"; }
has_kept() { test -n "$1" && test "$1" = "$(certificates)"; }
privileges() { joined /bin/sh -c 'while read -r key value; do [ "$key" != CapEff: ] || echo "$value"; done </proc/self/status'; }

say "File system"
rm -rf "$image" "$work/volume" "$work/qnetd.log"
mkdir "$work/volume"
chown $nobody:$nobody "$work/volume"
chmod a+rx "$work"
# The folder is named as the Containerfile names it.
check "is made" sh -c 'cd "$1/.." && "$2" "${1##*/}" "$3"' image "$target" "$here/../../dist/container/image" "$image"
chmod -R go+rX "$image"
du -sh --apparent-size "$image"
ls -l "$image/usr/bin"
for program in corosync-qnetd corosync-qnetd-tool corosync-qnetd-certutil; do
    echo "$program: $(ldd "$image/usr/bin/$program" | awk '{print $1}' | xargs)"
done
check "has no library of corosync, D-Bus or systemd" has_none_of_these

# Ends the daemon, and with it the container and its runtime.
ends() {
    kill -TERM "$(pgrep -x -u $nobody corosync-qnetd | head -n 1)"
    wait $runtime
}

say "As user $nobody"
check "without certificates it refuses and says why" refuses
INITIALIZE=1 contained /usr/bin/start -s req >"$work/qnetd.log" 2>&1 &
runtime=$!
soon "asked to, it makes them and serves" joined /usr/bin/corosync-qnetd-tool -s
joined /usr/bin/corosync-qnetd-tool -s
check "as a user without capabilities" test "$(privileges)" = 0000000000000000
check "its file system is read-only" is_read_only "/proc/$(pgrep -n -P $runtime)/root$image"
before=$(certificates)
ends
check "SIGTERM ends it in order" test $? = 0
contained /usr/bin/start -s req >>"$work/qnetd.log" 2>&1 &
runtime=$!
soon "started again it serves" joined /usr/bin/corosync-qnetd-tool -s
check "with the certificates of before" has_kept "$before"
ends
summary
