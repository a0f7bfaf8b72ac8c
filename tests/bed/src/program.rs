//! The programs of a bed: where they are, and which side (ours or C) plays which part.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Who wrote a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// This workspace.
    Ours,
    /// The upstream C programs, as the distribution installs them.
    C,
}

/// The programs that exist on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The arbiter.
    Qnetd,
    /// The device of a node.
    Qdevice,
    /// The arbiter's tool.
    QnetdTool,
    /// The device's tool.
    QdeviceTool,
}

/// Whose qdevice meets whose qnetd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pairing {
    /// The side of the nodes.
    pub qdevice: Side,
    /// The side of the arbiter.
    pub qnetd: Side,
}

/// Where programs are looked for.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The program whose commands `hold` and `watch` run inside the hosts.
    pub bed: PathBuf,
    /// The folder with ours.
    pub ours: PathBuf,
}

impl Program {
    /// The name of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qnetd => "corosync-qnetd",
            Self::Qdevice => "corosync-qdevice",
            Self::QnetdTool => "corosync-qnetd-tool",
            Self::QdeviceTool => "corosync-qdevice-tool",
        }
    }
}

impl Pairing {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::of(Side::Ours, Side::Ours),
        Self::of(Side::C, Side::Ours),
        Self::of(Side::Ours, Side::C),
        Self::CONTROL,
    ];

    /// C on both sides.
    pub const CONTROL: Self = Self::of(Side::C, Side::C);

    const fn of(qdevice: Side, qnetd: Side) -> Self {
        Self { qdevice, qnetd }
    }
}

impl Programs {
    /// The path of a program. Fails with a sentence that says what is missing.
    pub fn path(&self, side: Side, program: Program) -> Result<PathBuf, String> {
        let name = program.name();
        match side {
            Side::Ours => existing(self.ours.join(name)).ok_or_else(|| {
                format!(
                    "our {name} is not in {} (cargo build --bins)",
                    self.ours.display()
                )
            }),
            Side::C => installed(name).ok_or_else(|| {
                format!(
                    "the C {name} is not installed (Debian's {})",
                    package(program)
                )
            }),
        }
    }

    /// Everything that a pairing needs and that is not there, one sentence each.
    #[must_use]
    pub fn missing(&self, pairing: Pairing) -> Vec<String> {
        let needed = [
            (pairing.qdevice, Program::Qdevice),
            (pairing.qdevice, Program::QdeviceTool),
            (pairing.qnetd, Program::Qnetd),
            (pairing.qnetd, Program::QnetdTool),
        ];
        let found = needed.map(|(side, program)| self.path(side, program));
        found.into_iter().filter_map(Result::err).collect()
    }
}

/// What every bed needs of the system and does not find here, one sentence each.
#[must_use]
pub fn missing_system() -> Vec<String> {
    let needed = [
        ("unshare", "util-linux"),
        ("nsenter", "util-linux"),
        ("ip", "iproute2"),
        ("iptables", "iptables"),
        ("corosync", "corosync"),
        ("corosync-quorumtool", "corosync"),
    ];
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("namespaces need root".to_owned());
    }
    for (name, package) in needed {
        if installed(name).is_none() {
            missing.push(format!("{name} is not installed (Debian's {package})"));
        }
    }
    missing
}

fn package(program: Program) -> &'static str {
    match program {
        Program::Qnetd | Program::QnetdTool => "corosync-qnetd",
        Program::Qdevice | Program::QdeviceTool => "corosync-qdevice",
    }
}

fn installed(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .find_map(|folder| existing(Path::new(folder).join(name)))
}

fn existing(path: PathBuf) -> Option<PathBuf> {
    path.is_file().then_some(path)
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::C => "c",
        })
    }
}

/// `QDEVICE-QNETD`, as in `c-ours`: the C qdevice with our qnetd.
impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.qdevice, self.qnetd)
    }
}

impl FromStr for Pairing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|pairing| pairing.to_string() == text)
            .ok_or_else(|| format!("pairing {text} is none of ours-ours, c-ours, ours-c, c-c, all"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairing_reads_back_and_names_the_qdevice_first() {
        for pairing in Pairing::ALL {
            assert_eq!(pairing.to_string().parse(), Ok(pairing));
        }
        let pairing: Pairing = "c-ours".parse().unwrap();
        assert_eq!((pairing.qdevice, pairing.qnetd), (Side::C, Side::Ours));
    }

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let programs = Programs {
            bed: "/nowhere/bed".into(),
            ours: "/nowhere".into(),
        };
        let why = programs.path(Side::Ours, Program::Qnetd).unwrap_err();
        assert_eq!(
            why,
            "our corosync-qnetd is not in /nowhere (cargo build --bins)"
        );
    }
}
