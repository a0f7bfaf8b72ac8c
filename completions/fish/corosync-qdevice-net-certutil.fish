# Written by `cargo xtask man` from the declared options: change those.
complete -c corosync-qdevice-net-certutil -s c -d 'The file to import' -r -F
complete -c corosync-qdevice-net-certutil -s S -d 'Command to use in place of ssh' -r -f -a "(__fish_complete_command)"
complete -c corosync-qdevice-net-certutil -s C -d 'Command to use in place of scp' -r -f -a "(__fish_complete_command)"
complete -c corosync-qdevice-net-certutil -s n -d 'Name of the cluster' -r -f
complete -c corosync-qdevice-net-certutil -l key-type -d 'What new keys are' -r -f -a "rsa3072\t''
rsa2048\t''
rsa4096\t''
p256\t''"
complete -c corosync-qdevice-net-certutil -s i -d 'Initialize the node\'s database'
complete -c corosync-qdevice-net-certutil -s m -d 'Import the cluster\'s certificate and key'
complete -c corosync-qdevice-net-certutil -s M -d 'Import the signed certificate, export it with its key'
complete -c corosync-qdevice-net-certutil -s r -d 'Make a request for the cluster\'s certificate'
complete -c corosync-qdevice-net-certutil -s Q -d 'Quick start: all of it, over ssh'
complete -c corosync-qdevice-net-certutil -s h -d 'Show usage'
complete -c corosync-qdevice-net-certutil -l help -d 'Show everything'
complete -c corosync-qdevice-net-certutil -l list -d 'List the certificates'
complete -c corosync-qdevice-net-certutil -l check -d 'Look for what is wrong'
complete -c corosync-qdevice-net-certutil -l renew -d 'Renew a certificate'
complete -c corosync-qdevice-net-certutil -l json -d 'List or check in JSON'
