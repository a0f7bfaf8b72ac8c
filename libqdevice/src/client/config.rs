use super::node_list::configured_nodes;
use super::plan::in_range;
use super::reload::cast_interval;
use super::{
    CmapSnapshot, ConfigFault, HeuristicsPlan, Notice, PollTimeouts, QdeviceSettings, StartKeys,
};
use crate::base::{
    Algorithm, ClusterName, KeepActivePartition, Millis, NodeId, NodeList, TieBreaker, TlsSupport,
};
use crate::settings::{bool_word, number};
use crate::vote::{Strategy, WaitForAll};

/// What corosync.conf and `-S` say, checked. [C: qdevice-net-instance.c, qdevice-instance.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientConfig {
    /// The number of this node.
    pub node: NodeId,
    /// How long votequorum keeps a vote without a poll: `quorum.device.timeout`.
    pub timeout: Millis,
    /// The same while a membership is formed: `quorum.device.sync_timeout`.
    pub sync_timeout: Millis,
    /// Votes of the device: `quorum.device.votes`.
    pub device_votes: Option<u32>,
    /// Whether TLS is wanted.
    pub tls: TlsSupport,
    /// The server, a name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name of this cluster.
    pub cluster_name: ClusterName,
    /// The client half of the decision algorithm.
    pub strategy: Strategy,
    /// `quorum.wait_for_all`, as it was when the daemon started.
    pub wait_for_all: WaitForAll,
    /// Who wins between equal halves.
    pub tie_breaker: TieBreaker,
    /// Whether the half that has the vote keeps it between equal halves.
    pub keep_active_partition: KeepActivePartition,
    /// How long an attempt to connect may take, the whole handshake included.
    pub connect_timeout: Millis,
    /// Which addresses of the server are tried.
    pub addresses: AddressFamily,
    /// The heartbeat announced to the server: it gives a node up that is silent for one and a half.
    pub heartbeat: Millis,
    /// The one while the vote is a reserve, if it is another.
    pub short_heartbeat: Option<Millis>,
    /// How often the vote is cast.
    pub cast_interval: Millis,
    /// The shortest longest request a server may allow, in bytes.
    pub min_request_size: u64,
    /// The longest longest reply a server may announce, in bytes.
    pub max_reply_size: u64,
    /// The configured nodes, never none.
    pub nodes: NodeList,
    /// `totem.config_version`.
    pub version: Option<u64>,
    /// The heuristics.
    pub heuristics: HeuristicsPlan,
    /// The keys that only another start follows, as they are written.
    pub start_keys: StartKeys,
    /// What the operator should know about it, to be logged at the start.
    pub remarks: Vec<Notice>,
}

/// The part of the configuration that follows a reload of corosync.conf.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterConfig {
    /// The configured nodes, never none.
    pub nodes: NodeList,
    /// `totem.config_version`.
    pub version: Option<u64>,
    /// How long votequorum keeps a vote, or why that cannot be used.
    pub timeouts: Result<PollTimeouts, ConfigFault>,
    /// The heuristics, or why their keys cannot be used: a daemon that runs keeps the old ones then.
    pub heuristics: Result<HeuristicsPlan, ConfigFault>,
    /// The keys that only another start follows.
    pub start_keys: StartKeys,
    /// What the operator should know about it.
    pub remarks: Vec<Notice>,
}

/// Which addresses of the server are tried: `quorum.device.net.force_ip_version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AddressFamily {
    /// All.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl ClientConfig {
    /// Reads and checks the keys in the order of the C program, so that the first error is the same.
    pub fn from_cmap(cmap: &CmapSnapshot, settings: &QdeviceSettings) -> Result<Self, ConfigFault> {
        match cmap.text("quorum.device.model") {
            None => return Err(ConfigFault::NoModel),
            Some(model) if model != "net" => {
                return Err(ConfigFault::UnknownModel(model.into_owned()));
            }
            Some(_) => {}
        }
        let node = cmap
            .u32("runtime.votequorum.this_node_id")
            .ok_or(ConfigFault::NoOwnNodeId)?;
        let PollTimeouts {
            normal: timeout,
            sync: sync_timeout,
        } = poll_timeouts(cmap)?;
        let mut remarks = Vec::new();
        let heuristics = heuristics(cmap, settings, &mut remarks)?;
        let nodes = configured_nodes(cmap)?;
        let heartbeat = heartbeat(timeout, settings, &mut remarks);
        Ok(Self {
            node: NodeId(node),
            timeout,
            sync_timeout,
            tls: tls(cmap)?,
            host: cmap.text(HOST).ok_or(ConfigFault::NoHost)?.into_owned(),
            port: port(cmap)?,
            cluster_name: cmap
                .bytes("totem.cluster_name")
                .map(ClusterName::new)
                .ok_or(ConfigFault::NoClusterName)?,
            strategy: strategy(cmap, settings)?,
            wait_for_all: wait_for_all(cmap),
            tie_breaker: tie_breaker(cmap)?,
            connect_timeout: connect_timeout(cmap, settings)?.unwrap_or(heartbeat),
            addresses: addresses(cmap)?,
            keep_active_partition: keep_active_partition(cmap)?,
            device_votes: cmap.u32("quorum.device.votes"),
            heartbeat,
            short_heartbeat: short_heartbeat(heartbeat, settings),
            cast_interval: cast_interval(timeout),
            min_request_size: settings.net_min_msg_send_size,
            max_reply_size: settings.net_max_msg_receive_size,
            nodes,
            version: version(cmap),
            heuristics,
            start_keys: StartKeys::from_cmap(cmap),
            remarks,
        })
    }
}

impl ClusterConfig {
    /// Reads what a reload can change.
    pub fn from_cmap(cmap: &CmapSnapshot, settings: &QdeviceSettings) -> Result<Self, ConfigFault> {
        let mut remarks = Vec::new();
        let heuristics = heuristics(cmap, settings, &mut remarks);
        Ok(Self {
            nodes: configured_nodes(cmap)?,
            version: version(cmap),
            timeouts: poll_timeouts(cmap),
            heuristics,
            start_keys: StartKeys::from_cmap(cmap),
            remarks,
        })
    }
}

fn version(cmap: &CmapSnapshot) -> Option<u64> {
    cmap.u64("totem.config_version")
}

fn heuristics(
    cmap: &CmapSnapshot,
    settings: &QdeviceSettings,
    remarks: &mut Vec<Notice>,
) -> Result<HeuristicsPlan, ConfigFault> {
    HeuristicsPlan::from_cmap(cmap, settings, poll_timeouts(cmap)?, remarks)
}

/// Below [`SHORTEST_TIMEOUT`] the times derived from it are 0, and a timer that is always due is none.
fn poll_timeouts(cmap: &CmapSnapshot) -> Result<PollTimeouts, ConfigFault> {
    let normal = Millis(cmap.u32("quorum.device.timeout").unwrap_or(10_000));
    let sync = Millis(cmap.u32("quorum.device.sync_timeout").unwrap_or(30_000));
    if normal < SHORTEST_TIMEOUT {
        return Err(ConfigFault::TimeoutTooShort(SHORTEST_TIMEOUT));
    }
    Ok(PollTimeouts { normal, sync })
}

/// Four fifths of votequorum's timeout, cut off, within the limits of the settings.
fn heartbeat(timeout: Millis, settings: &QdeviceSettings, remarks: &mut Vec<Notice>) -> Millis {
    let (min, max) = (
        settings.net_heartbeat_interval_min,
        settings.net_heartbeat_interval_max,
    );
    let mut interval = Millis(four_fifths(timeout.0));
    if interval < min {
        remarks.push(Notice::HeartbeatTooSmall {
            interval,
            used: min,
        });
        interval = min;
    }
    if interval > max {
        remarks.push(Notice::HeartbeatTooBig {
            interval,
            used: max,
        });
        interval = max;
    }
    interval
}

/// None when it would not be shorter.
fn short_heartbeat(heartbeat: Millis, settings: &QdeviceSettings) -> Option<Millis> {
    let least = settings.net_heartbeat_interval_min;
    let short = settings.net_adaptive_heartbeat_interval.max(least);
    (settings.net_adaptive_heartbeat && short < heartbeat).then_some(short)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "four fifths of a u32 fit into a u32"
)]
const fn four_fifths(number: u32) -> u32 {
    (number as u64 * 4 / 5) as u32
}

fn tls(cmap: &CmapSnapshot) -> Result<TlsSupport, ConfigFault> {
    const KEY: &str = "quorum.device.net.tls";
    let Some(text) = cmap.text(KEY) else {
        return Ok(TlsSupport::Supported);
    };
    match bool_word(&text) {
        Some(true) => Ok(TlsSupport::Supported),
        Some(false) => Ok(TlsSupport::Unsupported),
        None if text.eq_ignore_ascii_case("required") => Ok(TlsSupport::Required),
        None => Err(ConfigFault::NotValid(KEY)),
    }
}

fn port(cmap: &CmapSnapshot) -> Result<u16, ConfigFault> {
    let Some(text) = cmap.text("quorum.device.net.port") else {
        return Ok(DEFAULT_PORT);
    };
    number(&text, 10)
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0)
        .ok_or(ConfigFault::BadPort)
}

fn strategy(cmap: &CmapSnapshot, settings: &QdeviceSettings) -> Result<Strategy, ConfigFault> {
    let algorithm = match cmap.text("quorum.device.net.algorithm") {
        None => Algorithm::FfSplit,
        Some(key) => Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.key() == key)
            .ok_or_else(|| ConfigFault::UnknownAlgorithm(key.into_owned()))?,
    };
    if algorithm == Algorithm::Test && !settings.net_test_algorithm_enabled {
        return Err(ConfigFault::TestAlgorithmNotEnabled);
    }
    Ok(Strategy::of(algorithm))
}

/// Anything but a number other than 0 is no, as in C.
fn wait_for_all(cmap: &CmapSnapshot) -> WaitForAll {
    match cmap.u8("quorum.wait_for_all") {
        None | Some(0) => WaitForAll::No,
        Some(_) => WaitForAll::Yes,
    }
}

fn tie_breaker(cmap: &CmapSnapshot) -> Result<TieBreaker, ConfigFault> {
    match cmap.text("quorum.device.net.tie_breaker").as_deref() {
        None | Some("lowest") => Ok(TieBreaker::Lowest),
        Some("highest") => Ok(TieBreaker::Highest),
        Some(text) => number(text, 10)
            .and_then(|id| u32::try_from(id).ok())
            .filter(|id| *id != 0)
            .map(|id| TieBreaker::Node(NodeId(id)))
            .ok_or(ConfigFault::BadTieBreaker),
    }
}

fn connect_timeout(
    cmap: &CmapSnapshot,
    settings: &QdeviceSettings,
) -> Result<Option<Millis>, ConfigFault> {
    let (min, max) = (
        settings.net_min_connect_timeout,
        settings.net_max_connect_timeout,
    );
    cmap.text("quorum.device.net.connect_timeout")
        .map(|text| {
            let fault = ConfigFault::OutOfRange {
                key: "connect_timeout",
                min,
                max,
            };
            in_range(&text, min, max).ok_or(fault)
        })
        .transpose()
}

fn addresses(cmap: &CmapSnapshot) -> Result<AddressFamily, ConfigFault> {
    let text = cmap.text("quorum.device.net.force_ip_version");
    match text.map_or(Some(0), |text| number(&text, 10)) {
        Some(0) => Ok(AddressFamily::Any),
        Some(4) => Ok(AddressFamily::V4),
        Some(6) => Ok(AddressFamily::V6),
        Some(_) | None => Err(ConfigFault::BadIpVersion),
    }
}

fn keep_active_partition(cmap: &CmapSnapshot) -> Result<KeepActivePartition, ConfigFault> {
    const KEY: &str = "quorum.device.net.keep_active_partition_tie_breaker";
    match cmap.text(KEY).map_or(Some(true), |text| bool_word(&text)) {
        Some(true) => Ok(KeepActivePartition::Enabled),
        Some(false) => Ok(KeepActivePartition::Disabled),
        None => Err(ConfigFault::NotValid(KEY)),
    }
}

const HOST: &str = "quorum.device.net.host";
const DEFAULT_PORT: u16 = 5403;
const SHORTEST_TIMEOUT: Millis = Millis(4);

#[cfg(test)]
mod tests {
    use super::super::{CmapValue, HeuristicsMode};
    use super::*;

    /// The keys a two-node cluster needs, changed by `changes`; `None` removes a key.
    fn cmap(changes: &[(&str, Option<CmapValue>)]) -> CmapSnapshot {
        let keys = [
            ("quorum.device.model", Some("net".into())),
            ("quorum.device.net.host", Some("qnetd.example".into())),
            ("quorum.device.votes", Some(CmapValue::U32(1))),
            ("runtime.votequorum.this_node_id", Some(CmapValue::U32(1))),
            ("totem.cluster_name", Some("demo".into())),
            ("nodelist.node.0.nodeid", Some(CmapValue::U32(1))),
            ("nodelist.node.1.nodeid", Some(CmapValue::U32(2))),
        ];
        let all = keys.into_iter().chain(changes.iter().cloned());
        let all: std::collections::BTreeMap<_, _> = all.collect();
        all.into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }

    fn read(changes: &[(&str, Option<CmapValue>)]) -> Result<ClientConfig, ConfigFault> {
        ClientConfig::from_cmap(&cmap(changes), &QdeviceSettings::default())
    }

    fn with(key: &str, value: &str) -> Result<ClientConfig, ConfigFault> {
        read(&[(&format!("quorum.device.net.{key}"), Some(value.into()))])
    }

    fn error(change: (&str, Option<CmapValue>)) -> String {
        read(&[change]).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_configured_has_the_defaults_of_the_c_program() {
        let config = read(&[]).unwrap();
        assert_eq!(
            (config.timeout, config.sync_timeout),
            (Millis(10_000), Millis(30_000))
        );
        assert_eq!(
            (config.heartbeat, config.cast_interval),
            (Millis(8_000), Millis(5_000))
        );
        assert_eq!(config.connect_timeout, Millis(8_000));
        assert_eq!((config.port, config.addresses), (5403, AddressFamily::Any));
        assert_eq!(config.tls, TlsSupport::Supported);
        assert_eq!(config.strategy, Strategy::of(Algorithm::FfSplit));
        assert_eq!(config.tie_breaker, TieBreaker::Lowest);
        assert_eq!(config.keep_active_partition, KeepActivePartition::Enabled);
        assert_eq!(config.version, None);
        assert!(config.remarks.is_empty());
    }

    #[test]
    fn a_key_that_must_be_there_is_named() {
        for (key, text) in [
            (
                "quorum.device.model",
                "Can't read quorum.device.model cmap key.",
            ),
            (
                "runtime.votequorum.this_node_id",
                "Unable to retrieve this node nodeid.",
            ),
            (
                HOST,
                "Qdevice net daemon address is not defined (quorum.device.net.host)",
            ),
            (
                "totem.cluster_name",
                "Cluster name (totem.cluster_name) has to be defined.",
            ),
        ] {
            assert_eq!(error((key, None)), text);
            assert_eq!(
                error((key, Some(CmapValue::U8(1)))),
                text,
                "another type counts as absent"
            );
        }
    }

    #[test]
    fn the_model_is_net() {
        assert_eq!(
            error(("quorum.device.model", Some("disk".into()))),
            "Configured device model disk is not supported."
        );
    }

    #[test]
    fn tls_is_a_yes_or_no_or_required() {
        assert_eq!(with("tls", "off").unwrap().tls, TlsSupport::Unsupported);
        assert_eq!(with("tls", "Yes").unwrap().tls, TlsSupport::Supported);
        assert_eq!(with("tls", "REQUIRED").unwrap().tls, TlsSupport::Required);
        let text = "quorum.device.net.tls value is not valid.";
        assert_eq!(with("tls", "").unwrap_err().to_string(), text);
    }

    #[test]
    fn a_port_lies_between_1_and_65535() {
        assert_eq!(with("port", "65535").unwrap().port, 65535);
        for wrong in ["0", "65536", "-1", "http"] {
            let text = "quorum.device.net.port must be in range 1-65535";
            assert_eq!(with("port", wrong).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn an_algorithm_is_named_exactly_and_the_one_for_tests_has_to_be_enabled() {
        for (key, algorithm) in [
            ("ffsplit", Algorithm::FfSplit),
            ("lms", Algorithm::Lms),
            ("2nodelms", Algorithm::TwoNodeLms),
        ] {
            assert_eq!(
                with("algorithm", key).unwrap().strategy,
                Strategy::of(algorithm)
            );
        }
        let text = |key| with("algorithm", key).unwrap_err().to_string();
        assert_eq!(text("FFSPLIT"), "Unknown decision algorithm FFSPLIT");
        assert!(text("test").starts_with("Test algorithm is not enabled. You can force enable it"));
    }

    #[test]
    fn a_tie_breaker_is_a_word_or_a_node() {
        assert_eq!(
            with("tie_breaker", "highest").unwrap().tie_breaker,
            TieBreaker::Highest
        );
        assert_eq!(
            with("tie_breaker", "4294967295").unwrap().tie_breaker,
            TieBreaker::Node(NodeId(u32::MAX))
        );
        for wrong in ["Lowest", "0", "4294967296", ""] {
            assert_eq!(
                with("tie_breaker", wrong).unwrap_err().to_string(),
                "tie_breaker must be lowest|highest|valid_node_id"
            );
        }
    }

    #[test]
    fn a_connect_timeout_has_a_range_and_is_the_heartbeat_otherwise() {
        assert_eq!(
            with("connect_timeout", "1000").unwrap().connect_timeout,
            Millis(1000)
        );
        assert_eq!(
            with("connect_timeout", "999").unwrap_err().to_string(),
            "connect_timeout must be valid number in range <1000,120000>"
        );
    }

    #[test]
    fn an_ip_version_is_0_4_or_6() {
        for (text, family) in [
            ("0", AddressFamily::Any),
            ("4", AddressFamily::V4),
            (" 6", AddressFamily::V6),
        ] {
            assert_eq!(with("force_ip_version", text).unwrap().addresses, family);
        }
        for wrong in ["5", "", "six"] {
            let text = "force_ip_version must be one of 0|4|6";
            assert_eq!(
                with("force_ip_version", wrong).unwrap_err().to_string(),
                text
            );
        }
    }

    #[test]
    fn the_keep_active_partition_tie_breaker_is_a_yes_or_no() {
        const KEY: &str = "keep_active_partition_tie_breaker";
        assert_eq!(
            with(KEY, "no").unwrap().keep_active_partition,
            KeepActivePartition::Disabled
        );
        assert_eq!(
            with(KEY, "maybe").unwrap_err().to_string(),
            "quorum.device.net.keep_active_partition_tie_breaker value is not valid."
        );
    }

    #[test]
    fn the_short_heartbeat_is_one_that_is_shorter_and_not_below_the_limit() {
        let short = |interval, min, adaptive| {
            let settings = QdeviceSettings {
                net_adaptive_heartbeat: adaptive,
                net_adaptive_heartbeat_interval: Millis(interval),
                net_heartbeat_interval_min: Millis(min),
                ..QdeviceSettings::default()
            };
            short_heartbeat(Millis(8_000), &settings)
        };
        assert_eq!(short(2_000, 1_000, true), Some(Millis(2_000)));
        assert_eq!(short(2_000, 3_000, true), Some(Millis(3_000)));
        assert_eq!(short(8_000, 1_000, true), None);
        assert_eq!(short(2_000, 1_000, false), None);
    }

    #[test]
    fn a_heartbeat_outside_its_limits_is_moved_there_with_a_warning() {
        let with_timeout =
            |timeout| read(&[("quorum.device.timeout", Some(CmapValue::U32(timeout)))]).unwrap();
        let short = with_timeout(1_000);
        assert_eq!(
            (short.heartbeat, short.cast_interval),
            (Millis(1_000), Millis(500))
        );
        assert_eq!(
            short.remarks[0].to_string(),
            "Heartbeat interval too small 800. Adjusting to 1000."
        );
        let long = with_timeout(200_000);
        assert_eq!(long.heartbeat, Millis(120_000));
        assert_eq!(
            long.remarks[0].to_string(),
            "Heartbeat interval too big 160000. Adjusting to 120000."
        );
    }

    #[test]
    fn a_timeout_that_leaves_no_time_between_polls_is_refused() {
        let key = "quorum.device.timeout";
        assert_eq!(
            error((key, Some(CmapValue::U32(3)))),
            "quorum.device.timeout must be at least 4ms"
        );
        assert!(read(&[(key, Some(CmapValue::U32(4)))]).is_ok());
    }

    #[test]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as C computes it"
    )]
    fn four_fifths_are_those_of_the_c_program() {
        for number in (0..200_000).chain((0..4096).map(|n| u32::MAX - n)) {
            assert_eq!(
                four_fifths(number),
                (f64::from(number) * 0.8) as u32,
                "{number}"
            );
        }
    }

    #[test]
    fn a_cluster_name_keeps_its_bytes() {
        let name = CmapValue::Str(b"K\xf6ln".to_vec());
        let config = read(&[("totem.cluster_name", Some(name))]).unwrap();
        assert_eq!(config.cluster_name.as_bytes(), b"K\xf6ln");
    }

    #[test]
    fn heuristics_are_read_at_the_start_and_at_a_reload() {
        let on = [
            ("quorum.device.heuristics.mode", Some("sync".into())),
            (
                "quorum.device.heuristics.exec_ping",
                Some("/bin/ping".into()),
            ),
        ];
        let plan = read(&on).unwrap().heuristics;
        assert_eq!(plan.mode, HeuristicsMode::Sync);
        assert_eq!(plan.commands["ping"], b"/bin/ping");
        let reloaded = ClusterConfig::from_cmap(&cmap(&on), &QdeviceSettings::default()).unwrap();
        assert_eq!(reloaded.heuristics, Ok(plan));
    }

    #[test]
    fn wrong_heuristics_are_reported_before_a_wrong_node_list() {
        let wrong = [
            ("quorum.device.heuristics.mode", Some("?".into())),
            ("nodelist.node.0.nodeid", None),
            ("nodelist.node.1.nodeid", None),
        ];
        let key = "quorum.device.heuristics.mode";
        assert_eq!(read(&wrong).unwrap_err(), ConfigFault::NotValid(key));
        assert_eq!(read(&wrong[1..]).unwrap_err(), ConfigFault::NoNodes);
    }
}
