//! `-Q`: a server and all nodes of a cluster at once, over ssh.
//!
//! The commands on the other hosts are those of the script, so any of them may run ours or theirs. Unlike
//! the script it stops at the first step that fails, and what travels lies in directories that only root
//! can write, under names no other quick start uses. Every word that somebody chose is quoted.

use crate::command_line::NodeCall;
use crate::failure::Failure;
use crate::remote::{Output, Remote, done, shown};
use crate::server::cluster_name;
use crate::surroundings::Surroundings;
use libqdevice::certs::{CertifiedName, Side, random, shell_word};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Enrols a cluster.
pub(crate) fn run(surroundings: &mut Surroundings<'_>, call: NodeCall) -> Result<(), Failure> {
    let name = cluster_name(&call.name)?;
    let mut hosts = call.hosts.into_iter().filter(|host| !host.is_empty());
    let server = hosts
        .next()
        .ok_or_else(|| Failure::call("No QNetd server address provided."))?;
    let nodes: Vec<OsString> = hosts.collect();
    let Some((first, others)) = nodes.split_first() else {
        return Err(Failure::call("No nodes provided."));
    };
    let start = QuickStart {
        remote: Remote::new(&call.shell, &call.copy)?,
        program: path(&std::path::absolute(&surroundings.program).unwrap_or_default()),
        server_db: surroundings.database(Side::Server),
        node_db: surroundings.database(Side::Node),
        token: random::<4>()?.map(|byte| format!("{byte:02x}")).concat(),
        server,
    };
    for node in &nodes {
        start.must_be_ready(node, &surroundings.program)?;
    }
    // It is no problem if the server is initialized already.
    let _ = start.remote.run(
        &start.server,
        &format!("{SERVER_PROGRAM} -i"),
        Output::Shown,
    );
    for node in &nodes {
        start.initialize(node)?;
    }
    start.request(first, &name)?;
    start.sign(first, &name)?;
    start.import(first, &name)?;
    for node in others {
        start.hand_over(first, node)?;
    }
    Ok(())
}

const SERVER_PROGRAM: &str = "corosync-qnetd-certutil";

struct QuickStart {
    remote: Remote,
    /// Our own program, which is at the same place on every node.
    program: String,
    server: OsString,
    server_db: PathBuf,
    node_db: PathBuf,
    /// Tells our files from those of another quick start.
    token: String,
}

impl QuickStart {
    /// A node must have our program and no database yet.
    fn must_be_ready(&self, node: &OsStr, program: &str) -> Result<(), Failure> {
        let db = self.node_db.display();
        let looked = self.remote.run(
            node,
            &format!("[ -d {} ]", path(&self.node_db)),
            Output::Shown,
        );
        let node_name = shown(node);
        if looked.is_ok_and(|status| status.success()) {
            return Err(Failure::state(format!(
                "Node {node_name} seems to be already initialized. Please delete {db}"
            )));
        }
        let called = self.remote.run(node, &self.program, Output::Hidden);
        done(called, "Calling it").map_err(|_| {
            Failure::state(format!("Node {node_name} doesn't have {program} installed"))
        })
    }

    /// A node's database, with the server's authority in it.
    fn initialize(&self, node: &OsStr) -> Result<(), Failure> {
        let above = self.node_db.parent().unwrap_or(&self.node_db);
        let file = above.join(self.file("qnetd-cacert", "crt"));
        self.on(node, &format!("mkdir -p {}", path(above)))?;
        let authority = self.server_db.join("qnetd-cacert.crt");
        self.remote
            .copy((&self.server, &authority), (node, &file))?;
        let file = path(&file);
        self.on(
            node,
            &and_then_remove(&format!("{} -i -c {file}", self.program), &file),
        )
    }

    fn request(&self, node: &OsStr, name: &CertifiedName) -> Result<(), Failure> {
        let name = shell_word(name.as_str());
        self.on(node, &format!("{} -r -n {name}", self.program))
    }

    /// Takes the request to the server and the certificate back.
    fn sign(&self, node: &OsStr, name: &CertifiedName) -> Result<(), Failure> {
        let request = self.server_db.join(self.file("qdevice-net-node", "crq"));
        let made = self.node_db.join("qdevice-net-node.crq");
        self.remote.copy((node, &made), (&self.server, &request))?;
        // The copy has a name that no program on the way needs to quote.
        let signed = path(&self.server_db.join(format!("cluster-{name}.crt")));
        let copied = self.server_db.join(self.file("qdevice-net-node", "crt"));
        let request = path(&request);
        let line = format!(
            "{SERVER_PROGRAM} -s -c {request} -n {} && cp {signed} {}",
            shell_word(name.as_str()),
            path(&copied)
        );
        self.on(&self.server, &and_then_remove(&line, &request))?;
        let target = self.node_db.join(self.file("qdevice-net-node", "crt"));
        let outcome = self.remote.copy((&self.server, &copied), (node, &target));
        self.on(&self.server, &format!("rm -f {}", path(&copied)))?;
        outcome
    }

    fn import(&self, node: &OsStr, name: &CertifiedName) -> Result<(), Failure> {
        let file = path(&self.node_db.join(self.file("qdevice-net-node", "crt")));
        let kept = path(&self.node_db.join(format!("cluster-{name}.crt")));
        self.on(
            node,
            &format!("mv {file} {kept} && {} -M -c {kept}", self.program),
        )
    }

    /// Gives certificate and key of the first node to another.
    fn hand_over(&self, first: &OsStr, node: &OsStr) -> Result<(), Failure> {
        let bundle = self.node_db.join("qdevice-net-node.p12");
        self.remote.copy((first, &bundle), (node, &bundle))?;
        self.on(node, &format!("{} -m -c {}", self.program, path(&bundle)))
    }

    fn on(&self, host: &OsStr, line: &str) -> Result<(), Failure> {
        let status = self.remote.run(host, line, Output::Shown);
        done(status, &format!("Running {line} on {}", shown(host)))
    }

    fn file(&self, name: &str, kind: &str) -> String {
        format!("{name}.{}.{kind}", self.token)
    }
}

fn path(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

/// A line whose status counts, and a file that is removed after it in any case.
fn and_then_remove(line: &str, file: &str) -> String {
    format!("{line}; status=$?; rm -f {file}; exit $status")
}
