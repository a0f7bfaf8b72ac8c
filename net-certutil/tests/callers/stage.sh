# Sourced by the drivers: a machine of its own, in namespaces that end with the first process.
#
# STAGE is an empty directory; PROGRAMS lists "PROGRAM PATH" lines: what stands at PATH of the distribution here.

mount --make-rprivate / && ip link set lo up || exit 9
for dir in /run /var/lib/corosync /var/log; do mount -t tmpfs none $dir || exit 9; done
mkdir -p /run/corosync-qdevice /run/corosync-qnetd /run/lock /run/systemd/system /run/stage /run/drivers
mount --bind "$STAGE" /run/stage && mount --bind "$DRIVERS" /run/drivers || exit 9
STAGE=/run/stage DRIVERS=/run/drivers

# Hosts have an /etc/corosync of their own and share everything else.
for host in $HOSTS; do mkdir -p "$STAGE/hosts/$host/qnetd" "$STAGE/hosts/$host/qdevice/net"; done
mount --bind "$STAGE/hosts/${HOSTS%% *}" /etc/corosync || exit 9
printf '127.0.0.1 localhost %s\n' "$HOSTS" > "$STAGE/etc-hosts"
mount --bind "$STAGE/etc-hosts" /etc/hosts || exit 9
hostname "${HOSTS%% *}"

printf '%s\n' "$PROGRAMS" | while read -r program path; do
    [ -z "$program" ] || mount --bind "$program" "$path" || exit 9
done || exit 9

# Behind this, nothing of the real one is seen or touched.
mount -t tmpfs none /tmp || exit 9

# Their ssh and scp reach the hosts by stepping into their directory.
mkdir -p "$STAGE/bin"
cat > "$STAGE/bin/ssh" <<END
#!/bin/sh
# Options stand before the host or behind it.
host=
while [ \$# -gt 0 ]; do
    case \$1 in
    --) shift; break ;;
    -o | -l | -p | -i) shift 2 ;;
    -*) shift ;;
    *) [ -n "\$host" ] && break; host=\${1#*@}; shift ;;
    esac
done
[ -d "$STAGE/hosts/\$host" ] || exit 255
exec unshare -m sh -c 'mount --bind "\$0" /etc/corosync && exec sh -c "\$1"' "$STAGE/hosts/\$host" "\$*"
END
cat > "$STAGE/bin/scp" <<END
#!/bin/sh
while :; do
    case \$1 in
    -o | -l | -P | -i) shift 2 ;;
    -*) shift ;;
    *) break ;;
    esac
done
real() {
    case \$1 in
    *:/etc/corosync/*)
        host=\$(echo "\${1%%:/*}" | tr -d '[]'); echo "$STAGE/hosts/\${host#*@}/\${1#*:/etc/corosync/}" ;;
    *:/*) echo "/\${1#*:/}" ;;
    *) echo "\$1" ;;
    esac
}
exec cp -r "\$(real "\$1")" "\$(real "\$2")"
END
chmod 755 "$STAGE/bin/ssh" "$STAGE/bin/scp"
PATH=$STAGE/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH HOME=/root LC_ALL=C

# A command that is shown with what it says and how it ends.
run() {
    echo "\$ $*"
    "$@" 2>&1 < /dev/null
    echo "[$?]"
}
