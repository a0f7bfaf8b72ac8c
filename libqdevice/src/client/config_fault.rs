use crate::base::Millis;

/// Why the configuration in cmap cannot be used; the text is the log line, the C program's where it
/// has one. [C: qdevice-instance.c, qdevice-net-instance.c, qdevice-cmap.c]
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say what each of them means")]
pub enum ConfigFault {
    #[error("Can't read quorum.device.model cmap key.")]
    NoModel,
    #[error("Configured device model {0} is not supported.")]
    UnknownModel(String),
    #[error("Unable to retrieve this node nodeid.")]
    NoOwnNodeId,
    #[error("quorum.device.timeout must be at least {0}")]
    TimeoutTooShort(Millis),
    #[error("{key} must be valid number in range <{},{}>", .min.0, .max.0)]
    OutOfRange {
        key: &'static str,
        min: Millis,
        max: Millis,
    },
    #[error("{0} value is not valid.")]
    NotValid(&'static str),
    #[error("No configured nodes found - configuration without node list is not supported")]
    NoNodes,
    #[error(
        "Cant find nodeid or ring0_addr for a node. \
         One of them needs to be defined for every node."
    )]
    NodeWithoutId,
    #[error("{key} must be a number other than 0")]
    BadNodeId { key: String },
    #[error(
        "Can't find an IPv4 address of {name} to make a node id of. Define nodeid for this node."
    )]
    NoIdForAddress { name: String },
    #[error("Qdevice net daemon address is not defined (quorum.device.net.host)")]
    NoHost,
    #[error("quorum.device.net.port must be in range 1-65535")]
    BadPort,
    #[error("Cluster name (totem.cluster_name) has to be defined.")]
    NoClusterName,
    #[error("Unknown decision algorithm {0}")]
    UnknownAlgorithm(String),
    #[error(
        "Test algorithm is not enabled. You can force enable it by passing \
         -S net_test_algorithm_enabled=on to corosync-qdevice command"
    )]
    TestAlgorithmNotEnabled,
    #[error("tie_breaker must be lowest|highest|valid_node_id")]
    BadTieBreaker,
    #[error("force_ip_version must be one of 0|4|6")]
    BadIpVersion,
}
