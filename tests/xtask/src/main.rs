//! The one entry to this repository: `cargo xtask COMMAND`.
//!
//! Builds without any system library and without a dependency, so that it can install or name what is
//! missing before anything else is compiled.

mod contents;
mod dist;
mod layers;
mod licences;
mod packaging;
mod run;
mod setup;
mod sizes;
mod version;

use run::{Outcome, cargo, step};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo     set up and run the main job: a cluster gets its vote, splits and heals
  test     set up and pass all tests (what CI runs)
  gates    formatting, lints, layers, file sizes, the pure build; no set-up, no tests
  bed      pass the words that follow to the test bed of real corosync nodes
  callers  install pcs and crmsh, and let them run our certificate programs
  man      write the manual pages and completions anew, from options and settings
  dist     make the release tarball of the last commit, crates included, in target/dist
  packages build and try packages in clean roots: deb, rpm or container (root needed; some minutes)
  setup    install what the tests and the demo need, or name it when not root
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let root = workspace_root();
    let outcome = match words.first().map(String::as_str) {
        Some("demo") => demo(&root),
        Some("test") => test(&root),
        Some("gates") => gates(&root),
        Some("bed") => bed(&root, &words[1..]),
        Some("callers") => callers(&root),
        Some("man") => cargo(&root, &["run", "-q", "-p", "manuals"]),
        Some("dist") => dist(&root),
        Some("packages") => packages(&root, &words[1..]),
        Some("setup") => setup::install_or_name(&setup::NEEDS).map(|_| ()),
        _ => {
            print!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the top `Cargo.toml`, from the place this program was built at.
fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("xtask lies two folders below the top")
        .to_path_buf()
}

/// The main job: real corosync nodes for root, a fake corosync on loopback for everybody else.
fn demo(root: &Path) -> Outcome {
    let missing = setup::install_or_name(&setup::NEEDS)?;
    cargo(root, &["build", "--workspace", "--bins"])?;
    if setup::is_root() && missing.is_empty() {
        return cargo(root, &["run", "-q", "-p", "bed", "--", "demo"]);
    }
    println!("Without root or corosync: two nodes with a fake corosync on loopback.\n");
    cargo(root, &["run", "-q", "-p", "e2e", "--bin", "loopback-demo"])
}

/// Everything that must hold before a change lands.
fn test(root: &Path) -> Outcome {
    setup::install_or_name(&setup::NEEDS)?;
    gates(root)?;
    step("tests", || {
        cargo(root, &["test", "--workspace", "--all-features"])
    })?;
    step("real corosync nodes", || {
        bed(root, &["run".into(), "--pairing".into(), "all".into()])
    })
}

/// What pcs, crmsh and Proxmox do with the certificate programs. pcs needs some minutes, so the whole is
/// no part of the tests; what needs neither package runs there too.
fn callers(root: &Path) -> Outcome {
    setup::install_or_name(&setup::NEEDS)?;
    setup::install_or_name(&setup::CALLERS)?;
    let package = ["test", "-p", "corosync-net-certutil", "--test", "programs"];
    let tests = ["callers", "--", "--include-ignored"];
    cargo(root, &[&package[..], &tests].concat())
}

/// Makes the tarball and says where it is.
fn dist(root: &Path) -> Outcome {
    let tarball = dist::make(root)?;
    println!("{} ({})", tarball.path.display(), tarball.version);
    Ok(())
}

/// Builds packages of the last commit as users of the tarball do, and tries them.
fn packages(root: &Path, words: &[String]) -> Outcome {
    let [kind] = words else {
        return Err("packages: deb, rpm or container".into());
    };
    let needs: &[setup::Need] = match kind.as_str() {
        "deb" => &setup::DEB,
        "rpm" => &setup::RPM,
        "container" => &[],
        _ => return Err(format!("packages: deb, rpm or container, not {kind}")),
    };
    if !setup::is_root() {
        return Err("packages: only root can make namespaces and roots".into());
    }
    setup::install_or_name(needs)?;
    let subject = if kind == "container" {
        let mut build = vec!["build", "--release"];
        build.extend(["-p", "corosync-qnetd", "-p", "corosync-qnetd-tool"]);
        build.extend(["-p", "corosync-net-certutil"]);
        cargo(root, &build)?;
        root.join("target")
    } else {
        dist::make(root)?.path
    };
    let mut trial = std::process::Command::new(root.join(format!("tests/packages/{kind}.sh")));
    trial.arg(subject).env("WORK", root.join("target/packages"));
    std::fs::create_dir_all(root.join("target/packages")).map_err(|e| e.to_string())?;
    run::status_of(trial, kind)
}

/// The test bed, on binaries that are up to date.
fn bed(root: &Path, words: &[String]) -> Outcome {
    cargo(root, &["build", "--workspace", "--bins"])?;
    let mut args = vec!["run", "-q", "-p", "bed", "--"];
    args.extend(words.iter().map(String::as_str));
    cargo(root, &args)
}

/// What the compiler does not check.
fn gates(root: &Path) -> Outcome {
    step("formatting", || {
        run::cargo_tool(root, "fmt", &["--all", "--check"])
    })?;
    step("layers", || layers::check(root))?;
    step("file sizes", || sizes::check(root))?;
    step("the version stands in one place", || version::check(root))?;
    step("units and package scripts", || packaging::check(root))?;
    step("contents of the packages", || contents::check(root))?;
    step("the core builds without any feature", || {
        cargo(
            root,
            &["check", "-q", "-p", "libqdevice", "--no-default-features"],
        )
    })?;
    step("licences and sources of the crates", || {
        licences::check(root)
    })?;
    // Advisories need the network; a release checks them too: `cargo deny check`.
    step("the same by cargo deny", || {
        run::cargo_tool(
            root,
            "deny",
            &[
                "--log-level",
                "error",
                "check",
                "licenses",
                "bans",
                "sources",
            ],
        )
    })?;
    step("lints", || {
        let args = [
            "-q",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ];
        run::cargo_tool(root, "clippy", &args)
    })
}
