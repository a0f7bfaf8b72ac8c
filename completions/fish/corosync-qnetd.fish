# Written by `cargo xtask man` from the declared options: change those.
complete -c corosync-qnetd -s c -d 'Whether clients with TLS need a certificate' -r -f -a "on\t''
off\t''"
complete -c corosync-qnetd -s l -d 'Address to listen on' -r -f
complete -c corosync-qnetd -s m -d 'How many clients may be connected; 0 for any number' -r -f
complete -c corosync-qnetd -s p -d 'TCP port to listen on' -r -f
complete -c corosync-qnetd -s S -d 'Advanced settings, separated by commas' -r -f
complete -c corosync-qnetd -s s -d 'Whether TLS is offered, off or required' -r -f -a "on\t''
off\t''
req\t''"
complete -c corosync-qnetd -s 4 -d 'Use IPv4 only'
complete -c corosync-qnetd -s 6 -d 'Use IPv6'
complete -c corosync-qnetd -s d -d 'Log debug lines; twice, send them to the system\'s log as info'
complete -c corosync-qnetd -s f -d 'Stay in the foreground and log to stderr, too'
complete -c corosync-qnetd -s h -d 'Show usage'
complete -c corosync-qnetd -s v -d 'Show version, algorithms and messages'
