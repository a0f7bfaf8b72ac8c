use libqdevice::client::conf_keys;
use std::fs;
use std::io;
use std::path::Path;

/// What `corosync.conf` says about the cluster and its server, as text.
///
/// corosync itself reads it; `--check` has to where no corosync runs yet. [corosync.conf(5)]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CorosyncConf {
    /// `totem.cluster_name`
    pub(crate) cluster: Option<String>,
    /// `quorum.device.model`
    pub(crate) model: Option<String>,
    /// `quorum.device.net.host`
    pub(crate) host: Option<String>,
    /// `quorum.device.net.port`
    pub(crate) port: Option<String>,
    /// `quorum.device.net.tls`
    pub(crate) tls: Option<String>,
}

impl CorosyncConf {
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        Ok(Self::parse(&String::from_utf8_lossy(&fs::read(file)?)))
    }

    /// Of several values for a key the last one counts, as for corosync.
    fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        for (path, value) in conf_keys(text) {
            let place = match &*path {
                "totem.cluster_name" => &mut conf.cluster,
                "quorum.device.model" => &mut conf.model,
                "quorum.device.net.host" => &mut conf.host,
                "quorum.device.net.port" => &mut conf.port,
                "quorum.device.net.tls" => &mut conf.tls,
                _ => continue,
            };
            *place = Some(value.to_owned());
        }
        conf
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_the_server_is_found_and_nothing_else() {
        let text = "
# host: comment
totem {
  cluster_name: my cluster
  interface {
    host: wrong
  }
}
quorum {
  device {
    model: net
    net {
      host: qnetd.example.org
      port: 5404
      tls: required
    }
    heuristics {
      mode: on
    }
  }
}
";
        let expected = CorosyncConf {
            cluster: Some("my cluster".to_owned()),
            model: Some("net".to_owned()),
            host: Some("qnetd.example.org".to_owned()),
            port: Some("5404".to_owned()),
            tls: Some("required".to_owned()),
        };
        assert_eq!(CorosyncConf::parse(text), expected);
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in ["}}}\na:b", "{{{", ":", "totem {\ncluster_name:"] {
            let _ = CorosyncConf::parse(text);
        }
    }
}
