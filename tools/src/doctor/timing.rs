use super::finding::Finding;
use libqdevice::base::Millis;
use libqdevice::client::{ClientConfig, HeuristicsMode};
use std::path::Path;

/// Timeouts against each other.
pub(crate) fn check(config: &ClientConfig) -> Vec<Finding> {
    let ClientConfig {
        timeout,
        sync_timeout,
        connect_timeout,
        heuristics,
        ..
    } = config;
    let runs = heuristics.mode != HeuristicsMode::Off;
    let rules = [
        (
            sync_timeout < timeout,
            "quorum.device.sync_timeout",
            sync_timeout,
            "shorter than quorum.device.timeout",
            timeout,
            "corosync gives the device up while a membership forms, and starts without its vote",
        ),
        (
            connect_timeout > timeout,
            "quorum.device.net.connect_timeout",
            connect_timeout,
            "longer than quorum.device.timeout",
            timeout,
            "an address of the server that does not answer costs the vote before the next one is tried",
        ),
        (
            runs && heuristics.timeout >= *timeout,
            "quorum.device.heuristics.timeout",
            &heuristics.timeout,
            "not shorter than quorum.device.timeout",
            timeout,
            "a slow command is noticed after the vote was due",
        ),
        (
            runs && heuristics.sync_timeout >= *sync_timeout,
            "quorum.device.heuristics.sync_timeout",
            &heuristics.sync_timeout,
            "not shorter than quorum.device.sync_timeout",
            sync_timeout,
            "a slow command costs the vote while a membership forms",
        ),
    ];
    let mut findings: Vec<Finding> = rules
        .into_iter()
        .filter(|rule| rule.0)
        .map(|(_, key, value, relation, other, harm)| {
            Finding::warning(
                format!(
                    "{key} ({} ms) is {relation} ({} ms): {harm}",
                    value.0, other.0
                ),
                format!("corosync-cfgtool -R, after {key} is left out of corosync.conf or corrected on every node"),
            )
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "Timeouts suit each other: {} ms, {} ms while a membership forms, {} ms to connect",
            timeout.0, sync_timeout.0, connect_timeout.0
        )));
    }
    findings
}

/// A watchdog that resets the node while corosync still waits for the device.
///
/// SBD without a disk feeds it only while corosync answers. [sbd(8); users' reports: sbd PR 76]
pub(crate) fn check_watchdog(text: &str, file: &Path, sync_timeout: Millis) -> Finding {
    if value_of(text, "SBD_DEVICE").is_some_and(|device| !device.is_empty()) {
        return Finding::ok("SBD has a disk, so its watchdog does not wait for the quorum device");
    }
    let watchdog = value_of(text, "SBD_WATCHDOG_TIMEOUT");
    let seconds = match &watchdog {
        None => SBD_DEFAULT,
        Some(text) => match text.parse::<u64>() {
            Ok(seconds) => seconds,
            Err(_) => {
                return Finding::error(
                    format!(
                        "{}: SBD_WATCHDOG_TIMEOUT is \"{}\"",
                        file.display(),
                        text.escape_debug()
                    ),
                    "write a number of seconds there, on every node",
                );
            }
        },
    };
    let sync = u64::from(sync_timeout.0);
    if seconds.saturating_mul(1000) > sync {
        return Finding::ok(format!(
            "The watchdog of SBD ({seconds} s) outlasts quorum.device.sync_timeout ({sync} ms)"
        ));
    }
    Finding::warning(
        format!(
            "The watchdog of SBD ({seconds} s) does not outlast quorum.device.sync_timeout ({sync} ms): a node \
             may be reset while it waits for the quorum device"
        ),
        format!(
            "set SBD_WATCHDOG_TIMEOUT={} in {} and stonith-watchdog-timeout to twice that, on every node, or \
             a shorter sync_timeout in corosync.conf",
            sync.div_ceil(1000) + MARGIN,
            file.display()
        ),
    )
}

/// The value of a shell's variable as an `EnvironmentFile` of systemd has it.
fn value_of(text: &str, name: &str) -> Option<String> {
    let mut values = text.lines().filter_map(|line| {
        let (found, value) = line.trim().split_once('=')?;
        (found.trim() == name).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    });
    values.next_back()
}

/// SBD's own, in seconds.
const SBD_DEFAULT: u64 = 5;

/// What SBD's and pacemaker's documentation recommend beyond the time that is waited for, in seconds.
const MARGIN: u64 = 5;

#[cfg(test)]
mod tests {
    use super::super::finding::{Severity, text, worst};
    use super::*;
    use crate::doctor::conf::cmap_of;
    use libqdevice::client::QdeviceSettings;

    /// What is found when the device's section begins with this.
    fn told(section: &str) -> String {
        let conf = include_str!("example.conf")
            .replace("  device {\n", &format!("  device {{\n{section}\n"));
        let config = ClientConfig::from_cmap(&cmap_of(&conf), &QdeviceSettings::default()).unwrap();
        text(&check(&config))
    }

    #[test]
    fn timeouts_that_do_not_suit_each_other_are_named() {
        assert!(told("").starts_with("ok"));
        assert!(told("sync_timeout: 5000").contains("sync_timeout (5000 ms) is shorter than"));
        let slow = told("heuristics {\nmode: on\nexec_a: /bin/true\ntimeout: 20000\n}");
        assert!(
            slow.contains("heuristics.timeout (20000 ms) is not shorter"),
            "{slow}"
        );
        let off = told("heuristics {\nmode: off\ntimeout: 20000\n}");
        assert!(off.starts_with("ok"), "{off}");
        assert!(
            told("net {\nconnect_timeout: 11000\n}")
                .contains("connect_timeout (11000 ms) is longer")
        );
    }

    #[test]
    fn a_watchdog_must_outlast_the_device() {
        let severity = |text: &str| {
            let finding = check_watchdog(text, Path::new("/etc/default/sbd"), Millis(30_000));
            worst(&[finding])
        };
        assert_eq!(severity("SBD_WATCHDOG_TIMEOUT=5"), Severity::Warning);
        assert_eq!(severity("#SBD_WATCHDOG_TIMEOUT=60"), Severity::Warning);
        assert_eq!(severity("SBD_WATCHDOG_TIMEOUT=\"35\""), Severity::Ok);
        assert_eq!(
            severity("SBD_DEVICE=/dev/sdb\nSBD_WATCHDOG_TIMEOUT=5"),
            Severity::Ok
        );
        assert_eq!(severity("SBD_WATCHDOG_TIMEOUT=soon"), Severity::Error);
    }
}
