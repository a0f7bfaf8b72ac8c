# Written by `cargo xtask man` from the declared options: change those.
complete -c corosync-qdevice -s S -d 'Change advanced settings' -r -f
complete -c corosync-qdevice -s d -d 'Show debug messages; twice: as informational ones'
complete -c corosync-qdevice -s f -d 'Stay in the foreground and log to stderr too'
complete -c corosync-qdevice -s h -d 'Show usage'
