/// The keys of a `corosync.conf` with their values, in order, named as cmap names them.
///
/// Nodes are counted, as corosync counts them: `nodelist.node.0.nodeid`. Of several values for a key the
/// last one counts. Any text is read to its end. [corosync.conf(5)]
pub fn conf_keys(text: &str) -> impl Iterator<Item = (String, &str)> {
    let (mut sections, mut nodes) = (Vec::<String>::new(), 0);
    text.lines().map(str::trim).filter_map(move |line| {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        if let Some((name, _)) = line.split_once('{') {
            let name = name.trim();
            if name == "node" && sections == ["nodelist"] {
                sections.push(format!("node.{nodes}"));
                nodes += 1;
            } else {
                sections.push(name.to_owned());
            }
        } else if line.contains('}') {
            sections.pop();
        } else if let Some((key, value)) = line.split_once(':') {
            let mut path = sections.join(".");
            if !path.is_empty() {
                path.push('.');
            }
            return Some((path + key.trim(), value.trim()));
        }
        None
    })
}
