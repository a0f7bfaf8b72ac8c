#!/bin/bash
# sysboot.sh: boot a real systemd as PID 1 of an own set of namespaces, without
# systemd-nspawn, from a root that mkroot.sh made. Root needed; nothing outside
# $SB_DIR/NAME and one cgroup2 group is touched.
#
#   sysboot.sh up NAME LOWER [NETNS]   boot (overlay over LOWER, kept read-only)
#                                      NETNS: existing `ip netns` name, default: new empty netns
#   sysboot.sh in NAME cmd...          run a command inside
#   sysboot.sh down NAME [--wipe]      power off, kill, unmount (--wipe: delete the overlay)
#   sysboot.sh root NAME               path of the mounted root as seen from outside (/proc/PID/root)
#   env SB_HOOK=FILE   sourced as root with the new root as cwd, before systemd starts (write etc/hosts, ...)
#   env SB_PROGS=DIR   every file DIR/corosync-q* is bind-mounted over the program of that name
#                      in usr/sbin or usr/bin of the root (the programs under test in front of upstream's)
set -u
SB_DIR=${SB_DIR:-${TMPDIR:-/tmp}/sysboot/boot}
die() { echo "sysboot: $*" >&2; exit 1; }
pid_of() { # the PID (outside) of PID 1 inside
  local p; p=$(cat "$SB_DIR/$1/init.pid" 2>/dev/null) || return 1
  [ -e "/proc/$p/root" ] || return 1
  echo "$p"
}
cmd=${1:-}; shift || true
case $cmd in
up)
  name=$1 lower=$(readlink -f "$2") netns=${3:-}
  d=$SB_DIR/$name
  pid_of "$name" >/dev/null && die "$name is up"
  mkdir -p "$d"/{upper,work,m,log}
  rm -f "$d/init.pid"
  # a cgroup2 group of its own; where only a hybrid tree is mounted it's at .../unified
  cg2=$(awk '$3=="cgroup2"{print $2; exit}' /proc/mounts)
  [ -n "$cg2" ] || die "no cgroup2 mount"
  cg=$cg2/sysboot-$name; mkdir -p "$cg"
  cat >"$d/stage.sh" <<STAGE
set -e
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=$lower,upperdir=$d/upper,workdir=$d/work $d/m
cd $d/m
mkdir -p proc sys dev run tmp oldroot
mount -t proc proc proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o rw,nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid tmpfs dev
mkdir -p dev/pts dev/shm
for n in null zero full random urandom tty; do touch dev/\$n; mount --bind /dev/\$n dev/\$n; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
mkdir -p run/systemd; echo sysboot > run/host-mark
# resolver and names of the outside, so apt works when the netns has a way out
[ -e /etc/resolv.conf ] && cp -L /etc/resolv.conf etc/resolv.conf || true
if [ -n "${SB_PROGS:-}" ]; then
  for f in ${SB_PROGS:-}/corosync-q*; do
    [ -f "\$f" ] || continue
    b=\${f##*/}; t=usr/bin/\$b
    [ -e usr/sbin/\$b ] && t=usr/sbin/\$b
    [ -e \$t ] || { : > \$t; chmod 755 \$t; }
    mount --bind "\$f" \$t
  done
fi
[ -n "${SB_HOOK:-}" ] && . "${SB_HOOK:-}"
hostname ${SB_HOST:-$name}; echo ${SB_HOST:-$name} > etc/hostname
: > etc/machine-id
pivot_root . oldroot
umount -l /oldroot
mount --make-rshared /   # as nspawn does: else LoadCredential= and friends fail
exec env -i container=sysboot container_uuid=\$(cat /proc/sys/kernel/random/uuid) TERM=dumb \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /sbin/init --log-target=console --log-level=info --show-status=yes
STAGE
  # join the cgroup, then take a cgroup namespace rooted there
  if [ -n "$netns" ]; then nsw=(ip netns exec "$netns"); nflag=(); else nsw=(); nflag=(-n); fi
  (
    echo $BASHPID > "$cg/cgroup.procs"
    exec setsid "${nsw[@]}" unshare -f -p -m -u -i -C "${nflag[@]}" bash "$d/stage.sh"
  ) >"$d/log/console" 2>&1 </dev/null &
  outer=$!
  # PID 1 inside is the only child of the unshare process
  for _ in $(seq 100); do
    c=$(cat /proc/$outer/task/$outer/children 2>/dev/null)
    for p in $c; do
      [ "$(cat /proc/$p/comm 2>/dev/null)" = systemd ] && { echo "$p" >"$d/init.pid"; break 2; }
    done
    kill -0 $outer 2>/dev/null || { cat "$d/log/console" >&2; die "died while starting"; }
    sleep 0.1
  done
  p=$(pid_of "$name") || { cat "$d/log/console" >&2; die "no systemd"; }
  echo "$outer" >"$d/outer.pid"
  # wait until the boot is over (running or degraded)
  for _ in $(seq 300); do
    st=$(nsenter -t "$p" -m -u -i -n -p -C systemctl is-system-running 2>/dev/null)
    case $st in running|degraded) echo "$name up: pid $p, $st"; exit 0;; esac
    sleep 0.2
  done
  echo "$name: state '$st' after 60 s"; exit 2
  ;;
in)
  name=$1; shift
  p=$(pid_of "$name") || die "$name is not up"
  exec nsenter -t "$p" -m -u -i -n -p -C -- env -i HOME=/root TERM=${TERM:-dumb} LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ;;
root) p=$(pid_of "$1") || die "$1 is not up"; echo "/proc/$p/root" ;;
down)
  name=$1
  if p=$(pid_of "$name"); then
    kill -s RTMIN+4 "$p" 2>/dev/null            # systemd: poweroff.target
    for _ in $(seq 100); do [ -e "/proc/$p" ] || break; sleep 0.1; done
    [ -e "/proc/$p" ] && kill -9 "$p"
    for _ in $(seq 50); do [ -e "/proc/$p" ] || break; sleep 0.1; done
  fi
  rm -f "$SB_DIR/$name/init.pid" "$SB_DIR/$name/outer.pid"
  cg2=$(awk '$3=="cgroup2"{print $2; exit}' /proc/mounts)
  [ -d "$cg2/sysboot-$name" ] && find "$cg2/sysboot-$name" -depth -type d -exec rmdir {} + 2>/dev/null
  [ "${2:-}" = --wipe ] && rm -rf "${SB_DIR:?}/$name"
  true
  ;;
*) sed -n '2,13p' "$0"; exit 64 ;;
esac
