use crate::base::Millis;
use crate::settings::{Group, Umask, Value, bool_word, settings};

settings! {
    /// The advanced settings of the client: `corosync-qdevice -S name=value`.
    /// [C: qdevice-advanced-settings.c, qdevice-config.h, qnet-config.h]
    ///
    /// Sizes are bytes with the message header; there is no check across settings.
    pub struct QdeviceSettings {
        /// File that is locked and tells the process id.
        lock_file: String = "/var/run/corosync-qdevice/corosync-qdevice.pid".into();
        /// Socket of corosync-qdevice-tool.
        local_socket_file: String = "/var/run/corosync-qdevice/corosync-qdevice.sock".into();
        /// Umask, in octal, under which the local socket is created; empty leaves it as it is.
        local_socket_umask: Option<Umask> = None;
        /// Group, by name or number, the local socket is given to; empty or -1 leaves it as it is.
        local_socket_gid: Option<Group> = None;
        /// Backlog of the local socket, as for listen(2).
        local_socket_backlog: u32 = 10, 1..=INT_MAX;
        /// How often, once a second, corosync is asked again when it is not ready.
        max_cs_try_again: u32 = 10, 1..=INT_MAX;
        /// Name under which votequorum knows the device.
        votequorum_device_name: String = "Qdevice".into();
        /// How many tools may be connected at once; 0 means any number.
        ipc_max_clients: u64 = 10, 0..=LLONG_MAX;
        /// Longest command accepted on the local socket, in bytes.
        ipc_max_receive_size: u64 = 4096, 1024..=LLONG_MAX;
        /// Longest answer sent on the local socket, in bytes.
        ipc_max_send_size: u64 = 65_536, 1024..=LLONG_MAX;
        /// How many messages may wait between the daemon and its heuristics worker.
        heuristics_ipc_max_send_buffers: u64 = 128, 10..=LLONG_MAX;
        /// Longest message between the daemon and its heuristics worker, in bytes.
        heuristics_ipc_max_send_receive_size: u64 = 4096, 1024..=LLONG_MAX;
        /// Shortest timeout of heuristics that can be configured, in milliseconds.
        heuristics_min_timeout: Millis = Millis(1000), 250..=u32::MAX;
        /// Longest timeout of heuristics that can be configured, in milliseconds.
        heuristics_max_timeout: Millis = Millis(120_000), 250..=u32::MAX;
        /// Shortest interval of heuristics that can be configured, in milliseconds.
        heuristics_min_interval: Millis = Millis(1000), 250..=u32::MAX;
        /// Longest interval of heuristics that can be configured, in milliseconds.
        heuristics_max_interval: Millis = Millis(3_600_000), 250..=u32::MAX;
        /// How many heuristics commands can be configured.
        heuristics_max_execs: u64 = 32, 1..=LLONG_MAX;
        /// Whether heuristics commands are searched for in PATH.
        heuristics_use_execvp: bool = false;
        /// How many heuristics processes may exist at once.
        heuristics_max_processes: u64 = 160, 1..=LLONG_MAX;
        /// How often a heuristics process that is late is signalled again, in milliseconds.
        heuristics_kill_list_interval: Millis = Millis(5000), 250..=u32::MAX;
        /// Directory of the NSS database.
        net_nss_db_dir: String = "/etc/corosync/qdevice/net/nssdb".into();
        /// Longest message accepted before the server has told its limits, in bytes.
        net_initial_msg_receive_size: u64 = 32_768, 16..=LLONG_MAX;
        /// Longest message sent before the server has told its limits, in bytes.
        net_initial_msg_send_size: u64 = 32_768, 16..=LLONG_MAX;
        /// Shortest limit for requests a server may announce, in bytes.
        net_min_msg_send_size: u64 = 32_768, 16..=LLONG_MAX;
        /// Longest limit for replies a server may announce, in bytes.
        net_max_msg_receive_size: u64 = 16_777_216, 16..=LLONG_MAX;
        /// How many messages may wait to be sent to the server.
        net_max_send_buffers: u64 = 10, 2..=LLONG_MAX;
        /// Name the server's certificate must have.
        net_nss_qnetd_cn: String = "Qnetd Server".into();
        /// Nickname of the cluster's certificate in the NSS database.
        net_nss_client_cert_nickname: String = "Cluster Cert".into();
        /// Shortest heartbeat interval, in milliseconds.
        net_heartbeat_interval_min: Millis = Millis(1000), 1..=u32::MAX;
        /// Longest heartbeat interval, in milliseconds.
        net_heartbeat_interval_max: Millis = Millis(120_000), 1..=u32::MAX;
        /// Whether heartbeats are short while all nodes are together. Not in the C program.
        net_adaptive_heartbeat: bool = true;
        /// The short heartbeat, in milliseconds. Not in the C program.
        net_adaptive_heartbeat_interval: Millis = Millis(2000), 500..=u32::MAX;
        /// Shortest connect timeout that can be configured, in milliseconds.
        net_min_connect_timeout: Millis = Millis(1000), 1..=u32::MAX;
        /// Longest connect timeout that can be configured, in milliseconds.
        net_max_connect_timeout: Millis = Millis(120_000), 1..=u32::MAX;
        /// Whether the test algorithm can be configured.
        net_test_algorithm_enabled: bool = false;
        /// Whether nodes with the device's vote win over others: on, off, or as the model wants it.
        master_wins: MasterWins = MasterWins::Model;
        /// Whether the node is shown on the system bus. Not in the C program.
        dbus: bool = true;
        /// Program, or directory of programs, that is run for every event; empty runs none. Not in the C program.
        event_hook: String = "/etc/corosync/qdevice/hooks.d".into();
        /// User that hooks run as. Not in the C program.
        event_hook_user: String = "nobody".into();
        /// How long a hook may take, in milliseconds. Not in the C program.
        event_hook_timeout: Millis = Millis(10_000), 100..=3_600_000;
    }
    deprecated: [];
}

/// Whether votequorum lets the partition with the device's vote win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MasterWins {
    /// As the model wants it; model net does not.
    Model,
    /// Yes.
    On,
    /// No.
    Off,
}

impl Value for MasterWins {
    type Limits = ();

    fn parse(text: &str, (): &()) -> Option<Self> {
        match bool_word(text) {
            Some(true) => Some(Self::On),
            Some(false) => Some(Self::Off),
            None => text.eq_ignore_ascii_case("model").then_some(Self::Model),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Model => "model",
            Self::On => "on",
            Self::Off => "off",
        }
        .to_owned()
    }

    fn values((): &()) -> String {
        "model, on or off".to_owned()
    }
}

const INT_MAX: u32 = i32::MAX as u32;
const LLONG_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, SettingsError};

    #[test]
    fn a_default_survives_being_typed_back() {
        for spec in QdeviceSettings::TABLE {
            let mut settings = QdeviceSettings::default();
            let shown = (spec.show)(&settings);
            assert_eq!((spec.set)(&mut settings, &shown), Some(()), "{}", spec.name);
            assert_eq!(settings, QdeviceSettings::default(), "{}", spec.name);
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_manual_page() {
        let defaults = QdeviceSettings::default();
        let shown: Vec<String> = QdeviceSettings::TABLE
            .iter()
            .map(|spec| format!("{}={}", spec.name, (spec.show)(&defaults)))
            .collect();
        assert_eq!(
            shown,
            [
                "lock_file=/var/run/corosync-qdevice/corosync-qdevice.pid",
                "local_socket_file=/var/run/corosync-qdevice/corosync-qdevice.sock",
                "local_socket_umask=",
                "local_socket_gid=-1",
                "local_socket_backlog=10",
                "max_cs_try_again=10",
                "votequorum_device_name=Qdevice",
                "ipc_max_clients=10",
                "ipc_max_receive_size=4096",
                "ipc_max_send_size=65536",
                "heuristics_ipc_max_send_buffers=128",
                "heuristics_ipc_max_send_receive_size=4096",
                "heuristics_min_timeout=1000",
                "heuristics_max_timeout=120000",
                "heuristics_min_interval=1000",
                "heuristics_max_interval=3600000",
                "heuristics_max_execs=32",
                "heuristics_use_execvp=off",
                "heuristics_max_processes=160",
                "heuristics_kill_list_interval=5000",
                "net_nss_db_dir=/etc/corosync/qdevice/net/nssdb",
                "net_initial_msg_receive_size=32768",
                "net_initial_msg_send_size=32768",
                "net_min_msg_send_size=32768",
                "net_max_msg_receive_size=16777216",
                "net_max_send_buffers=10",
                "net_nss_qnetd_cn=Qnetd Server",
                "net_nss_client_cert_nickname=Cluster Cert",
                "net_heartbeat_interval_min=1000",
                "net_heartbeat_interval_max=120000",
                "net_adaptive_heartbeat=on",
                "net_adaptive_heartbeat_interval=2000",
                "net_min_connect_timeout=1000",
                "net_max_connect_timeout=120000",
                "net_test_algorithm_enabled=off",
                "master_wins=model",
                "dbus=on",
                "event_hook=/etc/corosync/qdevice/hooks.d",
                "event_hook_user=nobody",
                "event_hook_timeout=10000",
            ]
        );
    }

    #[test]
    fn ends_of_ranges_are_accepted_and_their_neighbours_refused() {
        let apply = |argument: &str| QdeviceSettings::default().apply(argument);
        for good in [
            "max_cs_try_again=1",
            "heuristics_ipc_max_send_buffers=10",
            "heuristics_min_timeout=250",
            "net_max_send_buffers=2",
            "net_heartbeat_interval_min=1",
            "master_wins=Model",
            "master_wins=YES",
        ] {
            assert_eq!(apply(good), Ok(vec![]), "{good}");
        }
        for bad in [
            "max_cs_try_again=0",
            "heuristics_ipc_max_send_buffers=9",
            "heuristics_min_timeout=249",
            "heuristics_max_execs=0",
            "net_max_send_buffers=1",
            "net_min_msg_send_size=15",
            "master_wins=maybe",
        ] {
            assert!(
                matches!(apply(bad), Err(SettingsError::Invalid { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn no_name_of_the_past_is_accepted() {
        let refused = QdeviceSettings::default()
            .apply("dpd_interval=1")
            .unwrap_err();
        assert_eq!(refused, SettingsError::Unknown("dpd_interval".into()));
    }
}
