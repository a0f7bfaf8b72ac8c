//! The files of dbus/*.xml beside the live daemons.

use crate::bus::{busctl, shown};
use serde_json::Value;
use std::fs;
use witness::bus::top;

/// Compares the interfaces of these objects with the file of the name; with `UPDATE_GOLDEN` set, writes it.
pub(crate) fn compare(name: &str, paths: &[&str]) {
    for path in paths {
        let complaint = busctl(&["introspect", name, path]).stderr;
        assert_eq!(String::from_utf8_lossy(&complaint), "", "{name} {path}");
    }
    let interfaces = paths.iter().map(|path| interfaces(name, path));
    let live = format!("{HEAD}<node>\n{}</node>\n", interfaces.collect::<String>());
    let file = top("dbus").join(format!("{name}.xml"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &live).unwrap();
    }
    let shipped = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        shipped == live,
        "{} differs from the daemon; UPDATE_GOLDEN=1 writes it:\n{live}",
        file.display()
    );
}

/// What an object has of ours.
fn interfaces(name: &str, path: &str) -> String {
    let introspectable = "org.freedesktop.DBus.Introspectable";
    let answer = shown(&[
        "--json=short",
        "call",
        name,
        path,
        introspectable,
        "Introspect",
    ]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let text = answer["data"][0].as_str().unwrap();
    let mut kept = Vec::new();
    let mut is_ours = false;
    // zbus shows what is below an object too, indented further.
    for line in text.lines() {
        is_ours |= line.starts_with("  <interface ") && line.contains(name);
        if is_ours {
            kept.push(format!("{line}\n"));
        }
        is_ours &= line != "  </interface>";
    }
    kept.concat()
}

const HEAD: &str = "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n \
     \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n\
     <!-- As the daemon shows it; docs/dbus.md explains it. -->\n";
