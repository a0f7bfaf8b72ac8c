# Written by `cargo xtask man` from the declared options: change those.
complete -c corosync-qdevice-tool -s p -d 'Path of the daemon\'s local socket' -r -F
complete -c corosync-qdevice-tool -l metrics-listen -d 'Serve metrics over HTTP on an address of this machine, like 127.0.0.1:9643' -r -f
complete -c corosync-qdevice-tool -s H -d 'Shut the daemon down'
complete -c corosync-qdevice-tool -s h -d 'Show usage'
complete -c corosync-qdevice-tool -s s -d 'Show the status'
complete -c corosync-qdevice-tool -s v -d 'Tell more'
complete -c corosync-qdevice-tool -l json -d 'Show it in JSON, as docs/json-schema.json describes it'
complete -c corosync-qdevice-tool -l table -d 'Show it in a table'
complete -c corosync-qdevice-tool -l watch -d 'Show what happens until interrupted: live on a terminal, a line for each event otherwise'
complete -c corosync-qdevice-tool -l explain -d 'Say in sentences who has the vote and why'
complete -c corosync-qdevice-tool -l history -d 'Show what was decided, and what followed'
complete -c corosync-qdevice-tool -l metrics -d 'Show metrics as OpenMetrics text'
complete -c corosync-qdevice-tool -l doctor -d 'Look for what is wrong with this node\'s device, and say what to do'
complete -c corosync-qdevice-tool -l heuristics -d 'Show the last run of the heuristics commands'
complete -c corosync-qdevice-tool -l quorum -d 'Show what votequorum says: votes, quorum, and the flags of every node\'s device'
