use crate::failure::Failure;
use libqdevice::certs::random;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The commands that reach other hosts, `ssh` and `scp` or what stands in for them.
///
/// They get our standard input and output: they may ask for a password.
pub(crate) struct Remote {
    shell: Vec<OsString>,
    copy: Vec<OsString>,
    /// Where files rest on their way from one host to another. Only we can look into it, and it goes
    /// away with us.
    transit: PathBuf,
}

/// Whether a remote command's output is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Shown,
    Hidden,
}

impl Remote {
    /// `shell` and `copy` may be several words each, as the scripts have it.
    pub(crate) fn new(shell: &OsStr, copy: &OsStr) -> Result<Self, Failure> {
        let (shell, copy) = (words(shell), words(copy));
        if shell.is_empty() || copy.is_empty() {
            return Err(Failure::call("The remote shell or copy command is empty."));
        }
        let number = u64::from_ne_bytes(random()?);
        let name = format!("corosync-qdevice-net-certutil-{number:016x}");
        let transit = std::env::temp_dir().join(name);
        let made = fs::DirBuilder::new().mode(0o700).create(&transit);
        made.map_err(|error| Failure::state(format!("{}: {error}", transit.display())))?;
        Ok(Self {
            shell,
            copy,
            transit,
        })
    }

    /// Runs a line of shell on a host, as root.
    pub(crate) fn run(&self, host: &OsStr, line: &str, output: Output) -> io::Result<ExitStatus> {
        let mut command = command(&self.shell);
        command.arg(at(host)).arg(line);
        if output == Output::Hidden {
            command.stdout(Stdio::null());
        }
        command.status()
    }

    /// Copies a file from one host to another, as root on both. It passes through this host, because
    /// the two need not have a way to log in to each other.
    pub(crate) fn copy(&self, from: (&OsStr, &Path), to: (&OsStr, &Path)) -> Result<(), Failure> {
        let rest = self.transit.join("file");
        let (from_host, from) = from;
        let (to_host, to) = to;
        let fetched = command(&self.copy)
            .arg(place(from_host, from))
            .arg(&rest)
            .status();
        done(
            fetched,
            &format!("Copying {} from {}", from.display(), shown(from_host)),
        )?;
        // The C programs may leave an empty file behind when they fail.
        if fs::metadata(&rest).map_or(0, |file| file.len()) == 0 {
            return Err(Failure::state(format!(
                "{} on {} is empty",
                from.display(),
                shown(from_host)
            )));
        }
        let sent = command(&self.copy)
            .arg(&rest)
            .arg(place(to_host, to))
            .status();
        done(
            sent,
            &format!("Copying {} to {}", to.display(), shown(to_host)),
        )?;
        let _ = fs::remove_file(&rest);
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.transit);
    }
}

/// Success, or what was tried and how it ended.
pub(crate) fn done(status: io::Result<ExitStatus>, doing: &str) -> Result<(), Failure> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::state(format!("{doing} failed ({status})"))),
        Err(error) => Err(Failure::state(format!("{doing} failed: {error}"))),
    }
}

pub(crate) fn shown(host: &OsStr) -> String {
    host.to_string_lossy().into_owned()
}

fn command(words: &[OsString]) -> Command {
    // `new` has made sure that there is a first word.
    let (program, rest) = words
        .split_first()
        .map_or((OsStr::new(""), &[][..]), |(p, r)| (p, r));
    let mut command = Command::new(program);
    command.args(rest);
    command
}

fn at(host: &OsStr) -> OsString {
    let mut user = OsString::from("root@");
    user.push(host);
    user
}

fn place(host: &OsStr, path: &Path) -> OsString {
    let mut place = at(host);
    place.push(":");
    place.push(path);
    place
}

fn words(text: &OsStr) -> Vec<OsString> {
    let words = text.as_bytes().split(u8::is_ascii_whitespace);
    words
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use libqdevice::certs::shell_word;

    #[test]
    fn a_quoted_word_reaches_the_shell_as_it_is() {
        for word in ["plain", "two words", "it's $HOME `x` \"y\" \\", "", "-n"] {
            let line = format!("printf %s {}", shell_word(word));
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }

    #[test]
    fn a_command_may_be_several_words() {
        assert_eq!(
            words(OsStr::new(" ssh  -p 22\t-4 ")),
            ["ssh", "-p", "22", "-4"]
        );
        assert!(Remote::new(OsStr::new(" "), OsStr::new("scp")).is_err());
    }

    #[test]
    fn the_place_of_transit_is_closed_to_others_and_goes_away() {
        use std::os::unix::fs::MetadataExt as _;
        let remote = Remote::new(OsStr::new("ssh"), OsStr::new("scp")).unwrap();
        let transit = remote.transit.clone();
        assert_eq!(fs::metadata(&transit).unwrap().mode() & 0o777, 0o700);
        drop(remote);
        assert!(!transit.exists());
    }
}
