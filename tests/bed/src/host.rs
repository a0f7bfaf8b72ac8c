//! A machine of the bed: a network and a mount namespace, entered with `nsenter`.

use crate::holder::{KEPT, READY};
use crate::marked::{self, MARK};
use crate::process::{self, Finished, SHORT};
use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a tool may take: the C qdevice does not answer while it waits before a new connection,
/// corosync's own tools not while the membership changes.
const TOOL: Duration = Duration::from_secs(20);

/// What every program of a host finds in its `PATH`.
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables that reach the programs of a host from outside.
const INHERITED: [&str; 2] = ["TZ", "RUST_BACKTRACE"];

/// A host and its private folders. Everything in it ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    name: String,
    folder: PathBuf,
    holder: Child,
}

impl Host {
    /// Makes a host that keeps its files in `folder`, which must not exist. `bed` is the program
    /// whose command `hold` keeps the namespaces.
    pub fn new(bed: &Path, folder: PathBuf) -> Result<Self> {
        let name = folder.file_name().unwrap_or(OsStr::new("host"));
        let name = name.to_string_lossy().into_owned();
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--"]).arg(bed);
        command.arg("hold").arg(&folder);
        common(&mut command, &folder);
        let holder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("unshare cannot be started")?;
        let mut host = Self {
            name,
            folder,
            holder,
        };
        let said = host.holder.stdout.take().context("no pipe")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        ensure!(
            line.trim_end() == READY,
            "namespaces of host {} cannot be made (its holder's message is above)",
            host.name
        );
        host.succeed("ip", &["link", "set", "lo", "up"])?;
        Ok(host)
    }

    /// The host's name: `n1`, `qnetd`, `switch`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process whose namespaces are the host's.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// A program to be run in the host.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.pid().to_string()])
            .args(["--mount", "--net", "--"])
            .arg(program);
        common(&mut command, &self.folder);
        command
    }

    /// Runs a small program in the host to its end.
    pub fn run(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Result<Finished> {
        process::finish(self.command(program).args(args), TOOL)
    }

    /// Runs a small program that has to succeed. Returns what it wrote.
    pub fn succeed(&self, program: &str, args: &[&str]) -> Result<String> {
        self.run(program, args)?
            .success(program)
            .with_context(|| format!("host {}: {program} {}", self.name, args.join(" ")))
    }

    /// Writes a file that the host sees at `place`, below one of its kept folders.
    pub fn write(&self, place: &str, text: &str) -> Result<()> {
        let path = self.outside(place)?;
        fs::write(&path, text).with_context(|| path.display().to_string())
    }

    /// Reads a file that the host sees at `place`, below one of its kept folders.
    pub fn read(&self, place: &str) -> Result<String> {
        let path = self.outside(place)?;
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Where the output of a program of this host is collected.
    #[must_use]
    pub fn output_of(&self, program: &str) -> PathBuf {
        self.folder.join(format!("{program}.out"))
    }

    /// Every log of the host, by name.
    #[must_use]
    pub fn logs(&self) -> Vec<(String, String)> {
        let mut logs = Vec::new();
        for folder in [self.folder.clone(), self.folder.join("log")] {
            // A folder that cannot be read has nothing to show.
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                if !bytes.is_empty() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    logs.push((name, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
        logs.sort();
        logs
    }

    /// The path outside of what the host sees at `place`, below one of its kept folders.
    pub fn outside(&self, place: &str) -> Result<PathBuf> {
        KEPT.iter()
            .find_map(|(kept, inside)| {
                let rest = Path::new(place).strip_prefix(inside).ok()?;
                Some(self.folder.join(kept).join(rest))
            })
            .with_context(|| format!("{place} is not in a kept folder of host {}", self.name))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Closing its input tells the holder to end the host.
        drop(self.holder.stdin.take());
        let ended =
            process::handle(&self.holder).is_ok_and(|holder| process::wait_for_end(&holder, SHORT));
        if !ended {
            let _ = self.holder.kill();
            let _ = marked::end_all(&self.folder);
        }
        if let Err(error) = self.holder.wait() {
            eprintln!(
                "bed: the holder of host {} is left behind: {error}",
                self.name
            );
        }
    }
}

/// Environment and process group: signals of the terminal are for the bed, which ends its programs
/// in order; a socket of the service manager is not for them.
fn common(command: &mut Command, folder: &Path) {
    command.env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .envs([("PATH", SEARCH), ("LC_ALL", "C.UTF-8")])
        .env(MARK, folder)
        .process_group(0);
}
