use libqdevice::client::{CmapSnapshot, CmapValue, conf_keys};

/// What corosync would put into cmap of this `corosync.conf`, as far as `corosync-qdevice` reads it.
///
/// corosync may not run, or run with an older file. Of several values for a key the last one counts.
/// [corosync.conf(5)]
pub(crate) fn cmap_of(text: &str) -> CmapSnapshot {
    let mut cmap = CmapSnapshot::default();
    for (path, value) in conf_keys(text) {
        let value = value_of(&path, value);
        cmap.set(path, value);
    }
    // Which of the nodes this one is makes no difference to what is checked.
    let node = cmap.u32("nodelist.node.0.nodeid").unwrap_or(1);
    cmap.set("runtime.votequorum.this_node_id", CmapValue::U32(node));
    cmap
}

/// Numbers where corosync has numbers; what is none stays a text, which no reader takes for one.
fn value_of(path: &str, text: &str) -> CmapValue {
    let is_number = matches!(
        path,
        "quorum.device.timeout" | "quorum.device.sync_timeout" | "quorum.device.votes"
    ) || (path.starts_with("nodelist.node.") && path.ends_with(".nodeid"));
    match text.parse() {
        Ok(number) if is_number => CmapValue::U32(number),
        Ok(_) | Err(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::client::{ClientConfig, QdeviceSettings};

    #[test]
    fn the_daemon_would_read_the_same_out_of_the_file() {
        let text = include_str!("example.conf");
        let config = ClientConfig::from_cmap(&cmap_of(text), &QdeviceSettings::default()).unwrap();
        assert_eq!(
            (config.host.as_str(), config.port, config.device_votes),
            ("127.0.0.1", 5403, Some(1))
        );
        assert_eq!(config.nodes.len(), 2);
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in ["}}}\na:b", "{{{", ":", "totem {\ncluster_name:"] {
            let _ = cmap_of(text);
        }
    }
}
