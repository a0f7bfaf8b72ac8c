# What the trials share. $work is where roots and packages are; sourced with `set -u`.

here=$(cd "$(dirname "$0")" && pwd)
work=${WORK:?a folder for roots and packages}
export SB_DIR=$work/boot
passed=0 failed=0

say() { printf '\n== %s\n' "$*"; }

# check WHAT COMMAND...: counts and tells; a failure shows what the command said.
check() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1 </dev/null); then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
        printf '%s\n' "$out" | tail -n 15 | sed 's/^/        /'
    fi
}

# soon WHAT COMMAND...: like check, once the command succeeds; half a minute at most.
soon() {
    local what=$1 n
    shift
    for n in $(seq 60); do
        "$@" >/dev/null 2>&1 </dev/null && break
        sleep 0.5
    done
    check "$what" "$@"
}

# The machine under trial.
up() { "$here/sysboot.sh" up "$1" "$2"; machine=$1; }
inside() { "$here/sysboot.sh" in "$machine" "$@"; }
sh_inside() { inside sh -c "$1"; }
down() { "$here/sysboot.sh" down "$machine" --wipe; }

# give FILE...: copies files to /root/give of the machine.
give() {
    local root
    root=$("$here/sysboot.sh" root "$machine")
    mkdir -p "$root/root/give"
    cp "$@" "$root/root/give/"
}

summary() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

# A root to try packages in, made once: with who calls the programs, and without their daemons.
trial_root() {
    local packages=corosync,libnss3-tools,libssl3,adduser,rpm,pcs,resource-agents,man-db
    [ "$(cat "$work/root.made" 2>/dev/null)" = "$packages" ] && return
    rm -rf "$work/root" "$work/root.made"
    "$here/mkroot.sh" "$work/root" bookworm "$packages" || return
    chroot "$work/root" systemctl disable --quiet pcsd pcsd-ruby man-db.timer
    echo "$packages" >"$work/root.made"
}

# installed COMMAND...: what a package that COMMAND lists has beside documents, in the words of dist/contents.
installed() {
    inside "$@" | inside xargs stat -c '%F|%a %n' |
        grep -v -e ' /usr/share/doc' -e ' /usr/share/licenses' -e ' /usr/share/lintian' -e /.build-id |
        sed -n -e 's/\.gz$//' -e 's#^directory|\([0-7]* /etc/corosync/.*\)#\1/#p' -e 's#^regular\( empty\)* file|##p' | sort
}
listed() { sed -n "s/^$1 //p" "$here/../../dist/contents" | sort; }

# Node 1 of a cluster of two whose other node is down: with the arbiter's vote it is quorate.
corosync_conf() {
    cat <<'CONF'
totem {
  version: 2
  cluster_name: trial
  transport: knet
  crypto_cipher: none
  crypto_hash: none
}
nodelist {
  node {
    nodeid: 1
    name: one
    ring0_addr: 127.0.0.1
  }
  node {
    nodeid: 2
    name: two
    ring0_addr: 127.0.0.2
  }
}
quorum {
  provider: corosync_votequorum
  device {
    model: net
    votes: 1
    net {
      host: 127.0.0.1
      algorithm: ffsplit
      tls: required
    }
  }
}
logging {
  to_syslog: yes
}
CONF
}

# Configures the node and gives it the certificate of its cluster, with whatever programs are installed.
enrol() {
    corosync_conf | sh_inside 'cat >/etc/corosync/corosync.conf'
    sh_inside 'set -e
        corosync-qdevice-net-certutil -i -c /etc/corosync/qnetd/nssdb/qnetd-cacert.crt
        corosync-qdevice-net-certutil -r -n trial
        corosync-qnetd-certutil -s -c /etc/corosync/qdevice/net/nssdb/qdevice-net-node.crq -n trial
        corosync-qdevice-net-certutil -M -c /etc/corosync/qnetd/nssdb/cluster-trial.crt'
}

# The node's heuristics are one command, which takes long and does not care for SIGTERM.
slow_heuristics() {
    sh_inside 'cat >/usr/local/bin/slow; chmod 755 /usr/local/bin/slow' <<'SLOW'
#!/bin/sh
trap '' TERM
while :; do sleep 1; done
SLOW
    sh_inside 'sed -i "s#^    model: net#&\n    heuristics {\n      mode: on\n      sync_timeout: 1000\n      exec_slow: /usr/local/bin/slow\n    }#" /etc/corosync/corosync.conf
        systemctl restart corosync'
}
# What becomes of the device when it is stopped while its heuristics run. WORDS: how systemctl is told.
#
# It is ready after the first run of heuristics; MOMENT says whether it is stopped before or after.
stops_in_order() { # MOMENT WORDS...
    local start="systemctl start corosync-qdevice"
    [ "$1" = ready ] || start="$start --no-block"
    shift
    sh_inside "$start"' && for i in $(seq 100); do pgrep -f /bin/[s]low && break; sleep 0.1; done' || return
    inside systemctl "$@" || return
    sh_inside 'for i in $(seq 300); do
            systemctl show -P ActiveState corosync-qdevice | grep -qx -e inactive -e failed && break; sleep 0.1
        done
        systemctl status --no-pager corosync-qdevice
        test "$(systemctl show -P ActiveState -P Result corosync-qdevice | xargs)" = "success inactive" &&
            ! pgrep -f /bin/[s]low && ! pgrep -x corosync-qdevic'
}

is_connected() { sh_inside 'corosync-qnetd-tool -l -c trial -v | grep "Vote:.*ACK"'; }
is_quorate() { sh_inside 'corosync-quorumtool -s | grep "Flags:.*Quorate.*Qdevice"'; }
