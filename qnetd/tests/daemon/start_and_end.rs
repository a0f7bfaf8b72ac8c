use crate::support::{Place, output, stderr};
use std::fs;
use std::net::TcpListener;
use std::process::Command;

#[test]
fn a_signal_ends_it_with_success_and_removes_the_socket_but_not_the_lock_file() {
    for name in ["INT", "TERM"] {
        let place = Place::new();
        let daemon = place.start(&[]);
        let pid = daemon.child.id();
        let mut client = place.client().admitted("alpha", 1, 10_000);
        daemon.signal(name);
        assert_eq!(client.receive(), None);
        assert_eq!(daemon.ended().0, Some(0));
        assert!(!place.path("socket").exists());
        assert_eq!(
            fs::read_to_string(place.path("lock")).unwrap(),
            format!("{pid}\n")
        );
    }
}

#[test]
fn a_shutdown_is_answered_before_it_is_done() {
    let place = Place::new();
    let daemon = place.start(&[]);
    assert_eq!(place.ask("shutdown\n"), "");
    assert_eq!(daemon.ended().0, Some(0));
    assert!(!place.path("socket").exists());
}

#[test]
fn a_second_instance_is_refused_and_disturbs_nothing() {
    let place = Place::new();
    let _daemon = place.start(&[]);
    let mut second = place.command();
    second.arg("-f");
    let refused = output(second);
    assert_eq!(refused.status.code(), Some(1));
    let lock = place.path("lock");
    let text = format!(
        " error   Another instance is running: it holds {}\n",
        lock.display()
    );
    assert!(stderr(&refused).ends_with(&text), "{}", stderr(&refused));
    assert!(place.ask("status\n").starts_with("QNetd address:"));
}

#[test]
fn with_another_lock_file_it_still_does_not_take_the_socket_of_a_living_daemon() {
    let place = Place::new();
    let _daemon = place.start(&[]);
    let elsewhere = Place::new();
    let mut second = place.command();
    second.args(["-f", "-p", &elsewhere.address.port().to_string(), "-S"]);
    second.arg(format!("lock_file={}", elsewhere.path("lock").display()));
    let refused = output(second);
    assert_eq!(refused.status.code(), Some(1));
    let text = " error   Can't create unix socket (98): Address already in use: ";
    assert!(stderr(&refused).contains(text), "{}", stderr(&refused));
    assert!(place.ask("status\n").starts_with("QNetd address:"));
}

/// A daemon in the background, killed at the end of a test that did not come to its shutdown.
struct LeftOver<'a>(&'a Place);

impl Drop for LeftOver<'_> {
    fn drop(&mut self) {
        if let (true, Ok(pid)) = (
            self.0.path("socket").exists(),
            fs::read_to_string(self.0.path("lock")),
        ) {
            let _ = Command::new("kill")
                .args(["-s", "KILL", pid.trim()])
                .status();
        }
    }
}

#[test]
fn in_the_background_the_parent_ends_with_success_when_the_daemon_serves() {
    let place = Place::new();
    let _left_over = LeftOver(&place);
    let parent = output(place.command());
    assert_eq!(parent.status.code(), Some(0));
    // Where no log daemon runs that is said; nothing else is.
    let told = stderr(&parent);
    assert!(
        told.is_empty() || told.contains("the log is lost"),
        "{told}"
    );
    assert!(place.client().is_served());

    let pid = fs::read_to_string(place.path("lock")).unwrap();
    let process = |what: &str| {
        let mut ps = Command::new("ps");
        ps.args(["-o", what, "-p", pid.trim()]);
        String::from_utf8(output(ps).stdout)
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(process("comm="), "corosync-qnetd");
    assert_eq!(
        (process("sid="), process("tty=")),
        (pid.trim().to_owned(), "?".to_owned())
    );
    assert_eq!(place.ask("shutdown\n"), "");
}

#[test]
fn in_the_background_the_parent_tells_why_there_is_no_daemon() {
    let place = Place::new();
    let taken = TcpListener::bind(place.address).unwrap();
    let parent = output(place.command());
    assert_eq!(parent.status.code(), Some(1));
    let address = taken.local_addr().unwrap();
    let text = format!("corosync-qnetd: Can't listen on {address} (98): Address already in use\n");
    assert!(stderr(&parent).ends_with(&text), "{}", stderr(&parent));
    assert!(!place.path("socket").exists());
}

#[test]
fn debug_lines_come_with_d_only() {
    for (extra, shown) in [(&[][..], false), (&["-d"][..], true)] {
        let place = Place::new();
        let daemon = place.start(extra);
        daemon.signal("TERM");
        let (_, log) = daemon.ended();
        assert_eq!(
            log.contains(" debug   QNetd ready to provide service\n"),
            shown,
            "{log}"
        );
        assert_eq!(log.is_empty(), !shown, "{log}");
    }
}
