//! Completions in real shells: the names of clusters come from the running daemon.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::stage::{Programs, Stage};
use libqdevice::base::RingId;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ALL: &str = env!("CARGO_BIN_EXE_loopback-demo");

/// A folder with a `corosync-qnetd-tool` of ours, first in PATH, and what it was called with.
struct Tool(PathBuf);

impl Tool {
    /// One that does what stands in this line of shell.
    fn doing(name: &str, line: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("completions-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let tool = dir.join("corosync-qnetd-tool");
        let log = dir.join("calls");
        let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{line}\n", log.display());
        fs::write(&tool, text).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    /// Runs a script in a shell; what it prints, or `None` where the shell is not installed.
    fn in_shell(&self, shell: &[&str], script: &str) -> Option<String> {
        let path = std::env::var("PATH").unwrap();
        if Command::new(shell[0])
            .arg("-c")
            .arg("exit")
            .output()
            .is_err()
        {
            eprintln!("skipped: {} is not installed", shell[0]);
            return None;
        }
        // A shell that waits for more than it is given must not make the tests wait.
        let mut command = Command::new("timeout");
        command
            .arg("60")
            .args(shell)
            .args(["-c", script])
            .env("PATH", format!("{}:{path}", self.0.display()))
            .env("HOME", &self.0)
            .env("TERM", "dumb")
            .current_dir(&self.0)
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What is offered behind these words and the beginning of the next.
    fn offered(&self, shell: &str, words: &[&str], begun: &str) -> Option<Vec<String>> {
        let [bash, fish] = ["bash/corosync-qnetd-tool", "fish/corosync-qnetd-tool.fish"].map(file);
        let line = words.join(" ");
        let last = words.last().unwrap();
        let text = if shell == "bash" {
            let script = format!(
                "source {bash}; COMP_WORDS=({line} '{begun}'); COMP_CWORD={}; \
                 $(complete -p corosync-qnetd-tool | sed 's/.*-F \\([^ ]*\\).*/\\1/') \
                 corosync-qnetd-tool '{begun}' {last}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                words.len()
            );
            self.in_shell(&["bash", "--norc"], &script)?
        } else {
            let script = format!("source {fish}; complete -C '{line} {begun}'");
            self.in_shell(&["fish", "--no-config"], &script)?
        };
        let word = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
        Some(text.lines().map(word).collect())
    }

    /// The calls after a user of zsh has typed this.
    fn typed_in_zsh(&self, typed: &str) -> Option<String> {
        let functions = file("zsh/_corosync-qnetd-tool");
        let functions = Path::new(&functions).parent().unwrap();
        let script = format!(
            "zmodload zsh/zpty; zpty shell zsh -f -i; zpty -w shell 'fpath=({} $fpath); autoload -Uz compinit; \
             compinit -u -D'; zpty -n -w shell $'{typed}\\nexit\\n'; \
             while zpty -r shell line; do print -r -- $line; done",
            functions.display()
        );
        self.in_shell(&["zsh", "-f"], &script)?;
        Some(fs::read_to_string(self.0.join("calls")).unwrap_or_default())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn file(name: &str) -> String {
    let completions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../completions");
    completions
        .join(name)
        .canonicalize()
        .unwrap()
        .display()
        .to_string()
}

#[test]
fn bash_zsh_and_fish_complete_the_names_of_the_clusters_that_the_daemon_knows() {
    let mut stage = Stage::new(Programs {
        arbiter: vec![ALL.into(), "qnetd".into()],
        node: vec![env!("CARGO_BIN_EXE_fake-node").into()],
        timeout: None,
    })
    .unwrap();
    stage.start_arbiter().unwrap();
    for id in [1, 2] {
        stage.start_node(id, &[1, 2], &[]).unwrap();
        stage.order(id, "ring 1/4 sees 1 2").unwrap();
    }
    stage.until_cast(&[1, 2], RingId::new(1, 4), true).unwrap();
    let socket = stage.arbiter_socket();
    let ask = format!("exec {ALL} qnetd-tool -p {} \"$@\"", socket.display());
    let tool = Tool::doing("daemon", &ask);
    let words = ["corosync-qnetd-tool", "-l", "-c"];
    for shell in ["bash", "fish"] {
        if let Some(offered) = tool.offered(shell, &words, "lo") {
            assert_eq!(offered, ["loopback"], "{shell}");
        }
    }
    if let Some(calls) = tool.typed_in_zsh("corosync-qnetd-tool -v -c lo\\t -l") {
        assert!(
            calls.lines().any(|call| call == "-v -c loopback -l"),
            "{calls}"
        );
    }
}

#[test]
fn long_options_are_completed() {
    let tool = Tool::doing("options", "exit 3");
    for shell in ["bash", "fish"] {
        if let Some(offered) = tool.offered(shell, &["corosync-qnetd-tool", "-v"], "--exp") {
            assert_eq!(offered, ["--explain"], "{shell}");
        }
    }
    if let Some(calls) = tool.typed_in_zsh("corosync-qnetd-tool -v --exp\\t\\t") {
        assert_eq!(calls.trim_end(), "-v --explain");
    }
}

#[test]
fn a_cluster_whose_name_means_something_to_a_shell_is_not_offered() {
    let names = [
        "$(touch one)",
        "`touch two`",
        ";touch three;",
        "*",
        "good-1",
    ];
    let lines: String = names.map(|name| format!("Cluster \"{name}\":\n")).concat();
    let tool = Tool::doing("names", &format!("cat <<'END'\n{lines}END"));
    let words = ["corosync-qnetd-tool", "-l", "-c"];
    for shell in ["bash", "fish"] {
        if let Some(offered) = tool.offered(shell, &words, "") {
            assert_eq!(offered, ["good-1"], "{shell}");
        }
    }
    if let Some(calls) = tool.typed_in_zsh("corosync-qnetd-tool -v -c \\t -l") {
        assert!(
            calls.lines().any(|call| call == "-v -c good-1 -l"),
            "{calls}"
        );
    }
    let entries = fs::read_dir(&tool.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let made: Vec<_> = entries
        .filter(|name| {
            ["one", "two", "three"]
                .map(OsStr::new)
                .contains(&name.as_os_str())
        })
        .collect();
    assert!(made.is_empty(), "{made:?}");
}
