//! The example hooks do what they say, with programs in the place of `notify-send` and `sendmail`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with both programs, which write down their arguments and what they read; removed when dropped.
struct StandIns(PathBuf);

impl StandIns {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("hooks-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (program, script) in [
            (
                "notify-send",
                "printf '%s\\n' \"$@\" \"$DBUS_SESSION_BUS_ADDRESS\"",
            ),
            ("sendmail", "printf '%s\\n' \"$@\"; cat"),
        ] {
            let path = folder.join(program);
            fs::write(
                &path,
                format!(
                    "#!/bin/sh\n({script}) > '{}'\n",
                    folder.join("said").display()
                ),
            )
            .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    /// What is said when an example hears of an event; nothing if it keeps quiet.
    fn hear(&self, example: &str, event: &str, new: &str) -> String {
        let said = self.0.join("said");
        // It is not there the first time.
        let _ = fs::remove_file(&said);
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hooks");
        let ended = Command::new(examples.join(example))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.0.display()))
            .env("COROSYNC_EVENT", event)
            .env("COROSYNC_EVENT_SOURCE", "qnetd")
            .env("COROSYNC_EVENT_NEW", new)
            .env("COROSYNC_EVENT_TEXT", "Node 1 of cluster K is gone.")
            .env("COROSYNC_EVENT_JSON", "{\"node\":1}")
            .status()
            .unwrap();
        assert!(ended.success(), "{example} {event} {new}");
        fs::read_to_string(said).unwrap_or_default()
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        // The test has ended one way or the other.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_desktop_shows_a_lost_vote_as_urgent_and_keeps_quiet_about_a_decision_to_come() {
    let stand_ins = StandIns::new("desktop");
    let shown = stand_ins.hear("desktop-notification", "vote-changed", "nack");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "--app-name=corosync-qnetd",
            "--urgency=critical",
            "corosync: vote-changed",
            "Node 1 of cluster K is gone."
        ]
    );
    assert!(lines[4].starts_with("unix:path=/run/user/"));
    let regained = stand_ins.hear("desktop-notification", "vote-changed", "ack");
    assert!(regained.contains("--urgency=normal"));
    for (event, new) in [("vote-changed", "wait-for-reply"), ("cluster-gone", "")] {
        assert_eq!(stand_ins.hear("desktop-notification", event, new), "");
    }
}

#[test]
fn root_gets_a_mail_when_something_is_lost_and_none_when_it_is_found_again() {
    let stand_ins = StandIns::new("mail");
    let mail = stand_ins.hear("mail", "node-disconnected", "");
    assert!(mail.starts_with("-i\nroot\nTo: root\nSubject: corosync-qnetd on "));
    assert!(mail.contains(": node-disconnected\n"));
    assert!(mail.ends_with("\n\nNode 1 of cluster K is gone.\n\n{\"node\":1}\n"));
    assert!(
        stand_ins
            .hear("mail", "vote-changed", "none")
            .contains("vote-changed")
    );
    for (event, new) in [("vote-changed", "ack"), ("node-connected", "")] {
        assert_eq!(stand_ins.hear("mail", event, new), "");
    }
}
