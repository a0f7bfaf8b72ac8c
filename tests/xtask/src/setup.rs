//! System packages: installed when we are root on a Debian, named in one line otherwise.

use crate::run::{Outcome, status_of};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A program the demo or the tests start, and the package that has it.
pub(crate) struct Need {
    program: &'static str,
    package: &'static str,
}

/// For the test bed, and for the comparisons with the C programs.
pub(crate) const NEEDS: [Need; 7] = [
    Need {
        program: "corosync",
        package: "corosync",
    },
    Need {
        program: "corosync-qnetd",
        package: "corosync-qnetd",
    },
    Need {
        program: "corosync-qdevice",
        package: "corosync-qdevice",
    },
    Need {
        program: "certutil",
        package: "libnss3-tools",
    },
    Need {
        program: "ip",
        package: "iproute2",
    },
    Need {
        program: "iptables",
        package: "iptables",
    },
    Need {
        program: "nsenter",
        package: "util-linux",
    },
];

/// Whether packages can be installed and namespaces be made.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Installs what is missing, or names it. Returns the packages that are still missing.
pub(crate) fn install_or_name(needs: &[Need]) -> Result<Vec<&'static str>, String> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(missing);
    }
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        println!(
            "missing, so tests that need them are skipped: {}",
            missing.join(" ")
        );
        println!(
            "as root: apt-get install --no-install-recommends {}\n",
            missing.join(" ")
        );
        return Ok(missing);
    }
    println!("==> installing {}", missing.join(" "));
    let _quiet = NoServices::begin()?;
    apt(&["update", "-qq"])?;
    let mut words = vec!["install", "-y", "-qq", "--no-install-recommends"];
    words.extend(&missing);
    apt(&words)?;
    Ok(self::missing(needs))
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    needs
        .iter()
        .filter(|need| !installed(need.program))
        .map(|need| need.package)
        .collect()
}

fn installed(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin:/usr/bin:/bin";
    path.split(':')
        .any(|folder| Path::new(folder).join(program).is_file())
}

fn apt(words: &[&str]) -> Outcome {
    let mut command = Command::new("/usr/bin/apt-get");
    command
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::process::Stdio::null());
    status_of(command, "apt-get")
}

/// While this lives, installed packages do not start their daemons: a corosync that appears on a
/// machine because somebody ran the tests would be a surprise. See `policy-rc.d(8)` of invoke-rc.d.
struct NoServices {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn begin() -> Result<Self, String> {
        use std::os::unix::fs::PermissionsExt as _;
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let refused = |error| format!("{POLICY}: {error}");
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").map_err(refused)?;
        let guard = Self { ours: true };
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)).map_err(refused)?;
        Ok(guard)
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if !self.ours {
            return;
        }
        if let Err(error) = fs::remove_file(POLICY) {
            eprintln!("xtask: {POLICY} is left behind, remove it: {error}");
        }
    }
}
