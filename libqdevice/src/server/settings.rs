use crate::base::{Handover, KeepActivePartition, Millis};
use crate::settings::{Coefficient, Group, Umask, settings};

settings! {
    /// The advanced settings of the server: `corosync-qnetd -S name=value`.
    /// [C: qnetd-advanced-settings.c, qnet-config.h]
    ///
    /// Sizes are bytes with the message header; there is no check across settings.
    pub struct QnetdSettings {
        /// Backlog of the network socket, as for listen(2); the system may cut it.
        listen_backlog: u32 = 4096, 1..=INT_MAX;
        /// How many messages may wait to be sent to one client before it is disconnected.
        max_client_send_buffers: u64 = 32, 2..=LLONG_MAX;
        /// Longest message sent to a client, in bytes.
        max_client_send_size: u64 = 32_768, 16..=LLONG_MAX;
        /// Longest message accepted from a client, in bytes.
        max_client_receive_size: u64 = 32_768, 16..=LLONG_MAX;
        /// How many messages a second the clients of one cluster may send, beyond some of each client,
        /// before they are read later; 0 means any number. A long message counts once per 256 bytes.
        max_cluster_requests: u64 = 500, 0..=U32_MAX;
        /// The same for all clients from one address that are not admitted yet.
        max_address_requests: u64 = 5000, 0..=U32_MAX;
        /// How many bytes the messages of all clients together may take, from their arrival until the
        /// answers are sent; 4 KiB each client always has. Who wants more is read later, and those
        /// who do not read their answers may have half of it.
        max_buffered_size: u64 = 268_435_456, 1_048_576..=LLONG_MAX;
        /// Directory of the NSS database.
        nss_db_dir: String = "/etc/corosync/qnetd/nssdb".into();
        /// Nickname of the server's certificate in the NSS database.
        cert_nickname: String = "QNetd Cert".into();
        /// Shortest heartbeat interval a client may ask for, in milliseconds.
        heartbeat_interval_min: Millis = Millis(1000), 1..=u32::MAX;
        /// Longest heartbeat interval a client may ask for, in milliseconds.
        heartbeat_interval_max: Millis = Millis(120_000), 1..=u32::MAX;
        /// Whether silent clients are disconnected.
        dpd_enabled: bool = true;
        /// How many heartbeat intervals a client may be silent before it is disconnected.
        dpd_interval_coefficient: Coefficient = Coefficient::from_thousandths(1500), 1..=1000;
        /// File that is locked and tells the process id.
        lock_file: String = "/var/run/corosync-qnetd/corosync-qnetd.pid".into();
        /// Socket of corosync-qnetd-tool.
        local_socket_file: String = "/var/run/corosync-qnetd/corosync-qnetd.sock".into();
        /// Umask, in octal, under which the local socket is created; empty leaves it as it is.
        local_socket_umask: Option<Umask> = None;
        /// Group, by name or number, the local socket is given to; empty or -1 leaves it as it is.
        local_socket_gid: Option<Group> = None;
        /// Backlog of the local socket, as for listen(2).
        local_socket_backlog: u32 = 10, 1..=INT_MAX;
        /// How many tools may be connected at once; 0 means any number.
        ipc_max_clients: u64 = 10, 0..=LLONG_MAX;
        /// Longest command accepted on the local socket, in bytes.
        ipc_max_receive_size: u64 = 4096, 1024..=LLONG_MAX;
        /// Longest answer sent on the local socket, in bytes.
        ipc_max_send_size: u64 = 10_485_760, 1024..=LLONG_MAX;
        /// Whether, between equal halves, the one that has the vote keeps it, for clients that do not say.
        keep_active_partition_tie_breaker: KeepActivePartition = KeepActivePartition::Disabled;
        /// When the vote of a client that is lost goes to another partition: safe, when the client must
        /// have lost it too; c, at once, as the C program does.
        vote_handover: Handover = Handover::Safe;
        /// Whether the server is shown on the system bus. Not in the C program.
        dbus: bool = true;
        /// File that tells who may be casting a vote, for the time after a restart; empty for none.
        state_file: String = "/var/lib/corosync-qnetd/state.json".into();
        /// Program, or directory of programs, that is run for every event; empty runs none. Not in the C program.
        event_hook: String = "/etc/corosync/qnetd/hooks.d".into();
        /// User that hooks run as when the daemon runs as root. Not in the C program.
        event_hook_user: String = "nobody".into();
        /// How long a hook may take, in milliseconds. Not in the C program.
        event_hook_timeout: Millis = Millis(10_000), 100..=3_600_000;
    }
    deprecated: [dpd_interval];
}

const INT_MAX: u32 = i32::MAX as u32;
const LLONG_MAX: u64 = i64::MAX as u64;
const U32_MAX: u64 = u32::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, SettingsError};

    #[test]
    fn a_default_survives_being_typed_back() {
        for spec in QnetdSettings::TABLE {
            let mut settings = QnetdSettings::default();
            let shown = (spec.show)(&settings);
            assert_eq!((spec.set)(&mut settings, &shown), Some(()), "{}", spec.name);
            assert_eq!(settings, QnetdSettings::default(), "{}", spec.name);
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_manual_page_but_for_the_backlog() {
        let defaults = QnetdSettings::default();
        let shown: Vec<String> = QnetdSettings::TABLE
            .iter()
            .map(|spec| format!("{}={}", spec.name, (spec.show)(&defaults)))
            .collect();
        assert_eq!(
            shown,
            [
                "listen_backlog=4096",
                "max_client_send_buffers=32",
                "max_client_send_size=32768",
                "max_client_receive_size=32768",
                "max_cluster_requests=500",
                "max_address_requests=5000",
                "max_buffered_size=268435456",
                "nss_db_dir=/etc/corosync/qnetd/nssdb",
                "cert_nickname=QNetd Cert",
                "heartbeat_interval_min=1000",
                "heartbeat_interval_max=120000",
                "dpd_enabled=on",
                "dpd_interval_coefficient=1.5",
                "lock_file=/var/run/corosync-qnetd/corosync-qnetd.pid",
                "local_socket_file=/var/run/corosync-qnetd/corosync-qnetd.sock",
                "local_socket_umask=",
                "local_socket_gid=-1",
                "local_socket_backlog=10",
                "ipc_max_clients=10",
                "ipc_max_receive_size=4096",
                "ipc_max_send_size=10485760",
                "keep_active_partition_tie_breaker=off",
                "vote_handover=safe",
                "dbus=on",
                "state_file=/var/lib/corosync-qnetd/state.json",
                "event_hook=/etc/corosync/qnetd/hooks.d",
                "event_hook_user=nobody",
                "event_hook_timeout=10000",
            ]
        );
    }

    #[test]
    fn ends_of_ranges_are_accepted_and_their_neighbours_refused() {
        let apply = |argument: &str| QnetdSettings::default().apply(argument);
        for good in [
            "listen_backlog=2147483647",
            "max_client_send_buffers=9223372036854775807",
            "max_client_send_size=16",
            "heartbeat_interval_min=1",
            "heartbeat_interval_max=4294967295",
            "dpd_interval_coefficient=1000",
            "ipc_max_clients=0",
            "ipc_max_receive_size=1024",
            "vote_handover=C",
        ] {
            assert_eq!(apply(good), Ok(vec![]), "{good}");
        }
        for bad in [
            "listen_backlog=2147483648",
            "listen_backlog=0",
            "max_client_send_buffers=1",
            "max_client_send_buffers=9223372036854775808",
            "max_client_receive_size=15",
            "heartbeat_interval_min=0",
            "heartbeat_interval_max=4294967296",
            "dpd_interval_coefficient=0.9",
            "ipc_max_clients=-1",
            "ipc_max_send_size=1023",
            "dpd_enabled=maybe",
            "vote_handover=fast",
        ] {
            assert!(
                matches!(apply(bad), Err(SettingsError::Invalid { .. })),
                "{bad}"
            );
        }
    }
}
