use serde::{Deserialize, Serialize};

/// How one side stands to TLS. [C: msg.h, enum `tlv_tls_supported`]
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum TlsSupport {
    /// Plain text only.
    #[default]
    Unsupported,
    /// TLS if the other side wants it.
    Supported,
    /// TLS or nothing.
    Required,
}

impl TlsSupport {
    /// The text of both status commands.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsupported => "Unsupported",
            Self::Supported => "Supported",
            Self::Required => "Required",
        }
    }
}
