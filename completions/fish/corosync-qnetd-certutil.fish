# Written by `cargo xtask man` from the declared options: change those.
function _corosync_qnetd_certutil_clusters
    corosync-qnetd-tool -l 2>/dev/null | LC_ALL=C sed -n 's/^Cluster "\([A-Za-z0-9_.:@+-]*\)":$/\1/p'
end

complete -c corosync-qnetd-certutil -s c -d 'The request' -r -F
complete -c corosync-qnetd-certutil -s n -d 'Name of the cluster' -r -f -a "(_corosync_qnetd_certutil_clusters)"
complete -c corosync-qnetd-certutil -l days -d 'How long the certificate lasts' -r -f
complete -c corosync-qnetd-certutil -l fingerprint -d 'The certificate' -r -f
complete -c corosync-qnetd-certutil -l key-type -d 'What new keys are' -r -f -a "rsa3072\t''
rsa2048\t''
rsa4096\t''
p256\t''"
complete -c corosync-qnetd-certutil -s i -d 'Initialize the authority and the server\'s certificate'
complete -c corosync-qnetd-certutil -s s -d 'Sign a cluster\'s request'
complete -c corosync-qnetd-certutil -s h -d 'Show usage'
complete -c corosync-qnetd-certutil -s G -d 'Do not let the group write new files'
complete -c corosync-qnetd-certutil -l revoke -d 'Turn certificates away from now on'
complete -c corosync-qnetd-certutil -l help -d 'Show everything'
complete -c corosync-qnetd-certutil -l list -d 'List the certificates'
complete -c corosync-qnetd-certutil -l check -d 'Look for what is wrong'
complete -c corosync-qnetd-certutil -l renew -d 'Renew a certificate'
complete -c corosync-qnetd-certutil -l json -d 'List or check in JSON'
