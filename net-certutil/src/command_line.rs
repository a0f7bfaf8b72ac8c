use crate::failure::Failure;
use libqdevice::io::options::{BadOption, Given, flag, parse_with_operands, script, valued};
use std::ffi::OsString;
use std::path::PathBuf;

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish<Call> {
    /// The usage text.
    Usage,
    /// Work.
    Run(Call),
}

/// What `corosync-qnetd-certutil` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerOperation {
    Init,
    Sign,
}

/// A call of `corosync-qnetd-certutil`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerCall {
    pub(crate) operation: ServerOperation,
    /// The request.
    pub(crate) file: PathBuf,
    /// The cluster; empty if not given.
    pub(crate) name: OsString,
    /// Whether the group may write new files.
    pub(crate) group_writes: bool,
}

impl ServerCall {
    pub(crate) fn parse(args: &[OsString]) -> Result<Wish<Self>, Failure> {
        let program = script("corosync-qnetd-certutil", "Certificates of a server.")
            .arg(flag(
                "i",
                "Initialize the authority and the server's certificate",
            ))
            .arg(flag("s", "Sign a cluster's request"))
            .arg(flag("h", "Show usage"))
            .arg(flag("G", "Do not let the group write new files"))
            .arg(valued("c", "certificate", "The request"))
            .arg(valued("n", "cluster_name", "Name of the cluster"));
        let Some((given, _)) = read(&program, args)? else {
            return Ok(Wish::Usage);
        };
        let mut operation = None;
        let mut call = Self {
            operation: ServerOperation::Init,
            file: PathBuf::new(),
            name: OsString::new(),
            group_writes: true,
        };
        for Given { letter, value, .. } in given {
            match letter {
                'i' => operation = Some(ServerOperation::Init),
                's' => operation = Some(ServerOperation::Sign),
                'G' => call.group_writes = false,
                'c' => call.file = value.into(),
                'n' => call.name = value,
                _ => {}
            }
        }
        Ok(operation.map_or(Wish::Usage, |operation| {
            Wish::Run(Self { operation, ..call })
        }))
    }
}

/// What `corosync-qdevice-net-certutil` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeOperation {
    Init,
    Request,
    ImportSigned,
    ImportBundle,
    QuickStart,
}

/// A call of `corosync-qdevice-net-certutil`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NodeCall {
    pub(crate) operation: NodeOperation,
    /// What is imported.
    pub(crate) file: PathBuf,
    /// The cluster; empty if not given.
    pub(crate) name: OsString,
    /// The command that runs commands on other hosts.
    pub(crate) shell: OsString,
    /// The command that copies files between hosts.
    pub(crate) copy: OsString,
    /// The server and the nodes of a quick start.
    pub(crate) hosts: Vec<OsString>,
}

impl NodeCall {
    pub(crate) fn parse(args: &[OsString]) -> Result<Wish<Self>, Failure> {
        let program = script(
            "corosync-qdevice-net-certutil",
            "Certificates of a cluster's nodes.",
        )
        .arg(flag("i", "Initialize the node's database"))
        .arg(flag("m", "Import the cluster's certificate and key"))
        .arg(flag(
            "M",
            "Import the signed certificate, export it with its key",
        ))
        .arg(flag("r", "Make a request for the cluster's certificate"))
        .arg(flag("Q", "Quick start: all of it, over ssh"))
        .arg(flag("h", "Show usage"))
        .arg(valued("c", "certificate", "The file to import"))
        .arg(valued("S", "ssh_command", "Command to use in place of ssh"))
        .arg(valued("C", "scp_command", "Command to use in place of scp"))
        .arg(valued("n", "cluster_name", "Name of the cluster"));
        let Some((given, hosts)) = read(&program, args)? else {
            return Ok(Wish::Usage);
        };
        let mut operation = None;
        let mut call = Self {
            operation: NodeOperation::Init,
            file: PathBuf::new(),
            name: OsString::new(),
            shell: "ssh".into(),
            copy: "scp".into(),
            hosts,
        };
        for Given { letter, value, .. } in given {
            match letter {
                'i' => operation = Some(NodeOperation::Init),
                'r' => operation = Some(NodeOperation::Request),
                'M' => operation = Some(NodeOperation::ImportSigned),
                'm' => operation = Some(NodeOperation::ImportBundle),
                'Q' => operation = Some(NodeOperation::QuickStart),
                'c' => call.file = value.into(),
                'n' => call.name = value,
                'S' => call.shell = value,
                'C' => call.copy = value,
                _ => {}
            }
        }
        Ok(operation.map_or(Wish::Usage, |operation| {
            Wish::Run(Self { operation, ..call })
        }))
    }
}

type Line = (Vec<Given>, Vec<OsString>);

/// The options and operands; `None` where usage is asked for.
///
/// The scripts read from left to right and stop at the first thing that ends them: usage asked for
/// before a mistake is shown, after it is not.
fn read(program: &clap::Command, args: &[OsString]) -> Result<Option<Line>, Failure> {
    let called = [OsString::new()];
    let (options, operands) = parse_with_operands(program, called.iter().chain(args).cloned());
    let mut given = Vec::new();
    for option in options {
        match option {
            Ok(Given { letter: 'h', .. }) => return Ok(None),
            Ok(option) => given.push(option),
            Err(BadOption::Unknown(letter)) => {
                return Err(Failure::state(format!("Invalid option: -{letter}")));
            }
            Err(BadOption::ValueMissing(letter)) => {
                let complaint = format!("Option -{letter} requires an argument.");
                return Err(Failure::state(complaint));
            }
        }
    }
    Ok(Some((given, operands)))
}
