//! `corosync-qnetd-tool`: asks the daemon over its local socket. [C: corosync-qnetd-tool.c]

use libqdevice::io::tool::Tool;
use libqdevice::server::QnetdSettings;
use std::process::ExitCode;

fn main() -> ExitCode {
    let tool = Tool {
        name: "corosync-qnetd-tool",
        usage: "[-Hhlsv] [-c cluster_name] [-p qnetd_ipc_socket_path]",
        lists: true,
        unreachable: "Can't connect to qnetd socket (is QNetd running?)",
        unanswered: 2,
    };
    tool.run(
        &QnetdSettings::default().local_socket_file,
        std::env::args_os(),
    )
}
