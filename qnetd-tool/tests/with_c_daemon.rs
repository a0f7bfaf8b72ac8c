//! The tool and Debian's, both asking Debian's daemon.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

const DAEMON: &str = "/usr/bin/corosync-qnetd";
const THEIRS: &str = "/usr/bin/corosync-qnetd-tool";
const OURS: &str = env!("CARGO_BIN_EXE_corosync-qnetd-tool");

/// A C daemon with everything it has in a directory of its own.
struct Daemon {
    child: Child,
    dir: PathBuf,
}

impl Daemon {
    fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("qnetd-tool-{}", std::process::id()));
        fs::create_dir(&dir).expect("the directory is ours");
        let manager = UnixDatagram::bind(dir.join("notify")).expect("the path is ours");
        manager
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("not zero");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port is free")
            .port();
        let child = Command::new(DAEMON)
            .args([
                "-f",
                "-s",
                "off",
                "-l",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-S",
            ])
            .arg(format!(
                "lock_file={0}/lock,local_socket_file={0}/socket",
                dir.display()
            ))
            .env("NOTIFY_SOCKET", dir.join("notify"))
            .spawn()
            .expect("the daemon can be started");
        let daemon = Self { child, dir };
        manager
            .recv(&mut [0; 64])
            .expect("the daemon becomes ready");
        daemon
    }

    /// Stdout, stderr, exit code.
    fn told(&self, tool: &str, args: &[&str]) -> (Vec<u8>, Vec<u8>, Option<i32>) {
        let socket = self.dir.join("socket");
        let output = Command::new(tool).arg("-p").arg(socket).args(args).output();
        let output = output.expect("a tool can be started");
        (output.stdout, output.stderr, output.status.code())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn both_tools_tell_the_same_of_a_c_daemon_and_ours_can_end_it() {
    if !Path::new(DAEMON).is_file() || !Path::new(THEIRS).is_file() {
        println!("skipped: {DAEMON} or {THEIRS} is not installed");
        return;
    }
    let mut daemon = Daemon::start();
    for args in [
        &["-s"][..],
        &["-sv"],
        &["-l"],
        &["-lv"],
        &["-l", "-c", "a \"b\\"],
    ] {
        assert_eq!(
            daemon.told(OURS, args),
            daemon.told(THEIRS, args),
            "{args:?}"
        );
    }
    assert_eq!(daemon.told(OURS, &["-H"]), (vec![], vec![], Some(0)));
    assert_eq!(
        daemon.child.wait().expect("it is our child").code(),
        Some(0)
    );
}
