//! `corosync-qdevice-tool --doctor`: what is wrong with this node's quorum device, and what to do.
//!
//! ```text
//! finding   what was found, how bad it is, what to do
//! conf      corosync.conf as cmap would have it, judged by the daemon's own core
//! timing    timeouts against each other and against SBD's watchdog
//! commands  heuristics commands
//! reach     the server, the certificates, the daemon
//! ```

mod commands;
mod conf;
mod finding;
mod reach;
mod timing;

pub(super) use finding::{Severity, json, text, worst};

use crate::answer::Source;
use conf::cmap_of;
use finding::Finding;
use libqdevice::base::Algorithm;
use libqdevice::client::{ClientConfig, QdeviceSettings};
use std::fs;
use std::path::PathBuf;

/// Where to look; tests look elsewhere.
#[derive(Debug)]
pub(super) struct Places {
    conf: PathBuf,
    /// Configuration of SBD: of Debian, and of all others.
    sbd: [PathBuf; 2],
    /// Any of them is there when SBD is to run.
    sbd_runs: [PathBuf; 2],
    certificate_program: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            conf: "/etc/corosync/corosync.conf".into(),
            sbd: ["/etc/default/sbd".into(), "/etc/sysconfig/sbd".into()],
            sbd_runs: [
                "/run/sbd.pid".into(),
                "/etc/systemd/system/corosync.service.requires/sbd.service".into(),
            ],
            certificate_program: "corosync-qdevice-net-certutil".into(),
        }
    }
}

/// Looks at everything, from the configuration to the running daemon.
pub(super) fn examine(places: &Places, daemon: Source<'_>) -> Vec<Finding> {
    let shown = places.conf.display();
    let text = match fs::read(&places.conf) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            return vec![Finding::error(
                format!("{shown} cannot be read: {error}"),
                "corosync-qdevice-tool --doctor (as root, on a node of the cluster)",
            )];
        }
    };
    let cmap = cmap_of(&text);
    let config = match ClientConfig::from_cmap(&cmap, &QdeviceSettings::default()) {
        Ok(config) => config,
        Err(fault) => {
            return vec![Finding::error(
                format!("{shown}: {fault}"),
                "corosync-cfgtool -R, after it is corrected on every node; corosync-qdevice(8) has all keys",
            )];
        }
    };
    let mut findings = vec![Finding::ok(format!(
        "{shown} is complete: cluster \"{}\", server {}:{}",
        config.cluster_name,
        config.host.escape_debug(),
        config.port
    ))];
    let remarks = config.remarks.iter().map(|remark| {
        Finding::warning(
            remark.to_string(),
            "corosync-cfgtool -R, after it is corrected in corosync.conf on every node",
        )
    });
    findings.extend(remarks);
    findings.extend(votes(
        &config,
        cmap.text("quorum.device.net.algorithm").as_deref(),
    ));
    findings.extend(timing::check(&config));
    findings.extend(watchdog(places, &config));
    findings.extend(commands::check(&config));
    findings.push(reach::server(&config));
    findings.extend(reach::certificates(&config, &places.certificate_program));
    findings.push(reach::daemon(daemon));
    findings
}

/// Votes of the device that do not suit the algorithm. [corosync-qdevice(8)]
fn votes(config: &ClientConfig, algorithm: Option<&str>) -> Option<Finding> {
    let algorithm = algorithm.unwrap_or(Algorithm::FfSplit.key());
    if algorithm == Algorithm::FfSplit.key() && config.device_votes != Some(1) {
        return Some(Finding::error(
            "With ffsplit corosync-qdevice does not start unless quorum.device.votes is 1",
            "corosync-cfgtool -R, after votes: 1 is in section quorum.device of corosync.conf on every node",
        ));
    }
    let others = u32::try_from(config.nodes.len())
        .unwrap_or(u32::MAX)
        .saturating_sub(1);
    let votes = config.device_votes.filter(|votes| *votes != others)?;
    (algorithm == Algorithm::Lms.key()).then(|| {
        Finding::warning(
            format!("The device has {votes} votes: with lms a last node needs {others} to go on"),
            "corosync-cfgtool -R, after quorum.device.votes is left out of corosync.conf on every node",
        )
    })
}

fn watchdog(places: &Places, config: &ClientConfig) -> Option<Finding> {
    if !places.sbd_runs.iter().any(|place| place.exists()) {
        return None;
    }
    let mut files = places.sbd.iter();
    let (file, text) = files.find_map(|file| Some((file, fs::read_to_string(file).ok()?)))?;
    Some(timing::check_watchdog(&text, file, config.sync_timeout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::report::{Heading, Moment};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    /// A node with its files in a folder of its own.
    struct Node(PathBuf);

    impl Node {
        fn new(name: &str, conf: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("doctor-{}-{name}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("conf"), conf).unwrap();
            let program = dir.join("certutil");
            let answer = r#"{"schema":1,"side":"node","result":"error","findings":[
                {"severity":"error","text":"It has ended","remedy":"renew it"}]}"#;
            fs::write(&program, format!("#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            Self(dir)
        }

        /// All that is said, and how bad it is.
        fn examined(&self) -> (String, Severity) {
            let findings = self.findings();
            (text(&findings), worst(&findings))
        }

        fn findings(&self) -> Vec<Finding> {
            let place = |name: &str| self.0.join(name);
            let places = Places {
                conf: place("conf"),
                sbd: [place("sbd"), place("sbd2")],
                sbd_runs: [place("sbd"), place("sbd.pid")],
                certificate_program: place("certutil"),
            };
            examine(&places, Source::at(Path::new("/no/such/socket")))
        }

        /// The same as others read it.
        fn report(&self) -> serde_json::Value {
            let findings = self.findings();
            let heading = Heading::of("qdevice-doctor", Moment(1));
            serde_json::from_str(&json(&findings, heading)).unwrap()
        }
    }

    impl Drop for Node {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn conf() -> String {
        include_str!("example.conf").to_owned()
    }

    #[test]
    fn a_server_that_answers_is_found_and_one_that_does_not_is_told_with_what_to_do() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let node = Node::new(
            "server",
            &conf().replace("tls: off", &format!("tls: off\n port: {port}")),
        );
        let (told, _) = node.examined();
        assert!(told.contains("takes connections at 127.0.0.1"), "{told}");
        assert!(
            told.contains("tls: off: anybody on the way can change votes"),
            "{told}"
        );
        assert!(
            told.contains("ERROR    corosync-qdevice cannot be asked"),
            "{told}"
        );
        drop(listener);
        let (told, worst) = node.examined();
        assert!(
            told.contains("ERROR    The server does not answer"),
            "{told}"
        );
        assert!(
            told.contains("Do: systemctl start corosync-qnetd"),
            "{told}"
        );
        assert_eq!(worst, Severity::Error);
    }

    #[test]
    fn what_the_certificate_program_finds_is_told_where_tls_is_used() {
        let node = Node::new("tls", &conf().replace("tls: off", "tls: required"));
        let (told, _) = node.examined();
        assert!(
            told.contains("ERROR    It has ended\n         Do: renew it"),
            "{told}"
        );
        fs::write(node.0.join("certutil"), "#!/bin/sh\necho usage\n").unwrap();
        assert!(node.examined().0.contains("cannot check certificates"));
        fs::remove_file(node.0.join("certutil")).unwrap();
        assert!(node.examined().0.contains("certificates were not checked"));
    }

    #[test]
    fn the_json_has_what_the_text_has_and_the_schema_describes_it() {
        let node = Node::new("json", &conf().replace("tls: off", "tls: required"));
        let report = node.report();
        assert_eq!(report["report"], "qdevice-doctor");
        assert_eq!(report["result"], "error");
        let findings = report["findings"].as_array().unwrap();
        let of_program = findings
            .iter()
            .find(|found| found["text"] == "It has ended");
        assert_eq!(of_program.unwrap()["remedy"], "renew it");
        assert_eq!(findings[0]["severity"], "ok");
        assert_eq!(findings[0]["remedy"], serde_json::Value::Null);
        let schema = include_str!("../../../docs/json-schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let known = &schema["$defs"]["qdevice-doctor"]["properties"];
        for name in report.as_object().unwrap().keys() {
            assert!(known.get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_the_daemon_would_refuse_is_told_in_its_own_words() {
        for (from, to, expected) in [
            ("host: 127.0.0.1", "", "quorum.device.net.host"),
            ("cluster_name: hospital", "", "Cluster name"),
            (
                "tls: off",
                "port: 70000",
                "quorum.device.net.port must be in range",
            ),
            (
                "algorithm: ffsplit",
                "algorithm: best",
                "Unknown decision algorithm best",
            ),
        ] {
            let (told, worst) = Node::new("refused", &conf().replace(from, to)).examined();
            assert!(told.contains(expected), "{told}");
            assert_eq!(worst, Severity::Error);
        }
    }

    #[test]
    fn votes_must_suit_the_algorithm() {
        let told = |from, to| Node::new("votes", &conf().replace(from, to)).examined().0;
        assert!(
            told("votes: 1", "votes: 2").contains("does not start unless quorum.device.votes is 1")
        );
        assert!(told("votes: 1", "").contains("does not start unless"));
        let lms = conf().replace("algorithm: ffsplit", "algorithm: lms");
        let suits = Node::new("votes", &lms).examined().0;
        assert!(!suits.contains("The device has"), "{suits}");
        let three = Node::new("votes", &lms.replace("votes: 1", "votes: 3"));
        assert!(
            three
                .examined()
                .0
                .contains("The device has 3 votes: with lms a last node needs 1")
        );
    }

    #[test]
    fn a_node_without_sbd_hears_nothing_of_it() {
        let node = Node::new("sbd", &conf());
        assert!(!node.examined().0.contains("SBD"));
        fs::write(node.0.join("sbd"), "SBD_WATCHDOG_TIMEOUT=5\n").unwrap();
        assert!(node.examined().0.contains("set SBD_WATCHDOG_TIMEOUT=35 in"));
    }
}
