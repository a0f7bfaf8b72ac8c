//! System packages: installed when we are root on a Debian, named in one line otherwise.

use crate::run::{Outcome, status_of};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Something that must be on the machine, and the package that has it.
pub(crate) struct Need {
    thing: Thing,
    package: &'static str,
}

/// What is looked for to see whether a package is there.
enum Thing {
    /// A program the demo or the tests start.
    Program(&'static str),
    /// A header the build includes, from the package that also has its library.
    Header(&'static str),
    /// A library our programs load while they run.
    Library(&'static str),
    /// A module of Debian's Python.
    Module(&'static str),
}

const fn program(name: &'static str, package: &'static str) -> Need {
    let thing = Thing::Program(name);
    Need { thing, package }
}

/// For the build and for certificates; then for the test bed and the comparisons with the C programs; at last for
/// completions, manual pages and metrics.
pub(crate) const NEEDS: [Need; 20] = [
    program("pkg-config", "pkg-config"),
    Need {
        thing: Thing::Header("openssl/ssl.h"),
        package: "libssl-dev",
    },
    Need {
        thing: Thing::Library("libsoftokn3.so"),
        package: "libnss3",
    },
    program("corosync", "corosync"),
    program("corosync-qnetd", "corosync-qnetd"),
    program("corosync-qdevice", "corosync-qdevice"),
    program("certutil", "libnss3-tools"),
    program("openssl", "openssl"),
    program("ip", "iproute2"),
    program("iptables", "iptables"),
    program("nsenter", "util-linux"),
    program("dbus-daemon", "dbus-daemon"),
    program("dbus-send", "dbus-bin"),
    program("busctl", "systemd"),
    program("pkcheck", "polkitd"),
    program("zsh", "zsh"),
    program("fish", "fish"),
    program("man", "man-db"),
    program("mandoc", "mandoc"),
    Need {
        thing: Thing::Module("prometheus_client"),
        package: "python3-prometheus-client",
    },
];

/// Who calls our programs.
pub(crate) const CALLERS: [Need; 2] = [program("pcs", "pcs"), program("crm", "crmsh")];

/// To build and try the packages of Debian.
pub(crate) const DEB: [Need; 4] = [
    program("mmdebstrap", "mmdebstrap"),
    program("lintian", "lintian"),
    program("dpkg-deb", "dpkg"),
    program("xz", "xz-utils"),
];

/// To build and try the rpm packages.
pub(crate) const RPM: [Need; 4] = [
    program("rpmbuild", "rpm"),
    program("rpmlint", "rpmlint"),
    program("mmdebstrap", "mmdebstrap"),
    program("xz", "xz-utils"),
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
            "missing, so what needs them is skipped or does not build: {}",
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
        .filter(|need| !need.thing.is_there())
        .map(|need| need.package)
        .collect()
}

impl Thing {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name) => {
                let path = std::env::var("PATH").unwrap_or_default();
                let path = path + ":/usr/sbin:/sbin:/usr/bin:/bin";
                path.split(':')
                    .any(|folder| Path::new(folder).join(name).is_file())
            }
            Self::Header(name) => beside_or_below("/usr/include", name),
            Self::Library(name) => {
                beside_or_below("/usr/lib", name) || beside_or_below("/usr/lib64", name)
            }
            Self::Module(name) => Path::new("/usr/lib/python3/dist-packages")
                .join(name)
                .is_dir(),
        }
    }
}

/// Whether a file is in a folder or in one of its folders: Debian has one for each architecture.
fn beside_or_below(folder: &str, name: &str) -> bool {
    let below = fs::read_dir(folder).into_iter().flatten().flatten();
    Path::new(folder).join(name).is_file()
        || below
            .into_iter()
            .any(|entry| entry.path().join(name).is_file())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_names_what_is_installed_in_the_same_order() {
        let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));
        let readme = readme.unwrap();
        let words: Vec<&str> = readme.split_whitespace().collect();
        let packages = NEEDS.map(|need| need.package).join(" ");
        let sentence = format!("It is: {packages}.");
        assert!(
            words.join(" ").contains(&sentence),
            "write into README.md: {sentence}"
        );
    }

    #[test]
    fn what_is_on_every_machine_is_there_and_what_is_on_none_is_not() {
        assert!(Thing::Program("sh").is_there());
        assert!(!Thing::Program("no-such-program").is_there());
        assert!(!Thing::Header("no/such/header.h").is_there());
        assert!(!Thing::Library("libnosuchlibrary.so").is_there());
    }
}
