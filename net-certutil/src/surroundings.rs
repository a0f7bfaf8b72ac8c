use libqdevice::certs::Side;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a run works on and whom it talks to.
pub struct Surroundings<'a> {
    /// How the program was called, as the scripts show it and call it on other hosts.
    pub program: String,
    /// Where corosync's configuration is: `/etc/corosync`.
    pub etc: PathBuf,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
}

impl<'a> Surroundings<'a> {
    /// The real ones. `called` is the first word of the command line.
    pub fn real(called: Option<OsString>, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self {
            program: program(called),
            etc: PathBuf::from("/etc/corosync"),
            out,
            err,
        }
    }

    /// The directory of a side's database.
    #[must_use]
    pub fn database(&self, side: Side) -> PathBuf {
        self.etc.join(match side {
            Side::Server => "qnetd/nssdb",
            Side::Node => "qdevice/net/nssdb",
        })
    }

    /// The directory whose owner the server's files get.
    pub(crate) fn server_dir(&self) -> PathBuf {
        self.etc.join("qnetd")
    }

    /// A line on standard output. That nobody reads it changes nothing about what is done.
    pub(crate) fn say(&mut self, line: impl Display) {
        let _ = writeln!(self.out, "{line}");
    }

    /// Something for programs on standard output, one line.
    pub(crate) fn say_json(&mut self, value: &impl serde::Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            self.say(text);
        }
    }

    /// A line on standard error.
    pub(crate) fn complain(&mut self, line: impl Display) {
        let _ = writeln!(self.err, "{line}");
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.program, self.etc.display())
    }
}

/// A script sees the path it was found at; so do scripts that read our usage text.
fn program(called: Option<OsString>) -> String {
    let called = PathBuf::from(called.unwrap_or_default());
    let shown = if called.components().count() > 1 || called.is_absolute() {
        called
    } else {
        std::env::current_exe().unwrap_or(called)
    };
    shown.display().to_string()
}

/// A path as it stands in lines that other programs read.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
