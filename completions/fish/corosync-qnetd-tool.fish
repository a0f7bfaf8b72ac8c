# Written by `cargo xtask man` from the declared options: change those.
function _corosync_qnetd_tool_clusters
    corosync-qnetd-tool -l 2>/dev/null | LC_ALL=C sed -n 's/^Cluster "\([A-Za-z0-9_.:@+-]*\)":$/\1/p'
end

complete -c corosync-qnetd-tool -s p -d 'Path of the daemon\'s local socket' -r -F
complete -c corosync-qnetd-tool -l metrics-listen -d 'Serve metrics over HTTP on an address of this machine, like 127.0.0.1:9643' -r -f
complete -c corosync-qnetd-tool -s c -d 'The cluster that is meant' -r -f -a "(_corosync_qnetd_tool_clusters)"
complete -c corosync-qnetd-tool -l what-if -d 'Say who would have the vote if the cluster were split into parts like 1,2/3,4' -r -f
complete -c corosync-qnetd-tool -l without -d 'With --what-if: these nodes do not reach the server' -r -f
complete -c corosync-qnetd-tool -s H -d 'Shut the daemon down'
complete -c corosync-qnetd-tool -s h -d 'Show usage'
complete -c corosync-qnetd-tool -s s -d 'Show the status'
complete -c corosync-qnetd-tool -s v -d 'Tell more'
complete -c corosync-qnetd-tool -l json -d 'Show it in JSON, as docs/json-schema.json describes it'
complete -c corosync-qnetd-tool -l table -d 'Show it in a table'
complete -c corosync-qnetd-tool -l watch -d 'Show what happens until interrupted: live on a terminal, a line for each event otherwise'
complete -c corosync-qnetd-tool -l explain -d 'Say in sentences who has the vote and why'
complete -c corosync-qnetd-tool -l history -d 'Show what was decided, and what followed'
complete -c corosync-qnetd-tool -l metrics -d 'Show metrics as OpenMetrics text'
complete -c corosync-qnetd-tool -s l -d 'List clusters'
complete -c corosync-qnetd-tool -l security -d 'Show who is known by a certificate and who is not'
